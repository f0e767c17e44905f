package sqlitedrivers

import (
	"errors"

	"github.com/ncruces/go-sqlite3"
)

// ncruces uses github.com/ncruces/go-sqlite3 through its own API.
type ncruces struct {
	conn  *sqlite3.Conn
	stmts []*sqlite3.Stmt
}

func openNcruces(path string) (conn, error) {
	c, err := sqlite3.Open(path)
	if err != nil {
		return nil, err
	}
	return &ncruces{conn: c}, nil
}

func (c *ncruces) exec(query string) error { return c.conn.Exec(query) }

func (c *ncruces) prepare(query string) (stmt, error) {
	s, _, err := c.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	c.stmts = append(c.stmts, s)
	return &ncrucesStmt{stmt: s}, nil
}

func (c *ncruces) close() error {
	var err error
	for _, s := range c.stmts {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, c.conn.Close())
}

type ncrucesStmt struct {
	stmt *sqlite3.Stmt
	err  error // the first failed bind since the last run
}

func (s *ncrucesStmt) keep(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *ncrucesStmt) setInt(param int, v int64)   { s.keep(s.stmt.BindInt64(param, v)) }
func (s *ncrucesStmt) setText(param int, v string) { s.keep(s.stmt.BindText(param, v)) }
func (s *ncrucesStmt) setBlob(param int, v []byte) { s.keep(s.stmt.BindBlob(param, v)) }

func (s *ncrucesStmt) run(visit func(row) error) (err error) {
	if err := s.err; err != nil {
		s.err = nil
		return err
	}
	defer func() { err = errors.Join(err, s.stmt.Reset()) }()
	for s.stmt.Step() {
		if visit == nil {
			continue
		}
		if err := visit(s); err != nil {
			return err
		}
	}
	return s.stmt.Err()
}

func (s *ncrucesStmt) int(col int) int64   { return s.stmt.ColumnInt64(col) }
func (s *ncrucesStmt) text(col int) string { return s.stmt.ColumnText(col) }
func (s *ncrucesStmt) blob(col int) []byte { return s.stmt.ColumnBlob(col, nil) }
