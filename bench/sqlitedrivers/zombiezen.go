package sqlitedrivers

import (
	"errors"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// zombiezen uses zombiezen.com/go/sqlite, which stands on the same translation
// of SQLite as modernc.org/sqlite.
type zombiezen struct{ conn *sqlite.Conn }

func openZombiezen(path string) (conn, error) {
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	return zombiezen{c}, nil
}

func (c zombiezen) exec(query string) error { return sqlitex.ExecuteTransient(c.conn, query, nil) }

func (c zombiezen) prepare(query string) (stmt, error) {
	s, err := c.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	return zombiezenStmt{s}, nil
}

func (c zombiezen) close() error { return c.conn.Close() }

type zombiezenStmt struct{ stmt *sqlite.Stmt }

func (s zombiezenStmt) setInt(param int, v int64)   { s.stmt.BindInt64(param, v) }
func (s zombiezenStmt) setText(param int, v string) { s.stmt.BindText(param, v) }
func (s zombiezenStmt) setBlob(param int, v []byte) { s.stmt.BindBytes(param, v) }

func (s zombiezenStmt) run(visit func(row) error) (err error) {
	defer func() { err = errors.Join(err, s.stmt.Reset()) }()
	for {
		has, err := s.stmt.Step()
		if err != nil || !has {
			return err
		}
		if visit == nil {
			continue
		}
		if err := visit(s); err != nil {
			return err
		}
	}
}

func (s zombiezenStmt) int(col int) int64   { return s.stmt.ColumnInt64(col) }
func (s zombiezenStmt) text(col int) string { return s.stmt.ColumnText(col) }

func (s zombiezenStmt) blob(col int) []byte {
	b := make([]byte, s.stmt.ColumnLen(col))
	return b[:s.stmt.ColumnBytes(col, b)]
}
