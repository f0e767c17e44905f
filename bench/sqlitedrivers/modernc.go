package sqlitedrivers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"

	"modernc.org/sqlite"
)

// moderncSQL uses modernc.org/sqlite as most programs do, through database/sql.
type moderncSQL struct {
	db   *sql.DB
	conn *sql.Conn
}

func openModerncSQL(path string) (conn, error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	c, err := db.Conn(context.Background())
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return moderncSQL{db, c}, nil
}

func (c moderncSQL) exec(query string) error {
	_, err := c.conn.ExecContext(context.Background(), query)
	return err
}

func (c moderncSQL) prepare(query string) (stmt, error) {
	s, err := c.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	return &moderncSQLStmt{stmt: s}, nil
}

func (c moderncSQL) close() error { return errors.Join(c.conn.Close(), c.db.Close()) }

type moderncSQLStmt struct {
	stmt *sql.Stmt
	args []any
	cols [5]any
	ptrs [5]any
}

func (s *moderncSQLStmt) set(param int, v any) {
	for len(s.args) < param {
		s.args = append(s.args, nil)
	}
	s.args[param-1] = v
}

func (s *moderncSQLStmt) setInt(param int, v int64)   { s.set(param, v) }
func (s *moderncSQLStmt) setText(param int, v string) { s.set(param, v) }
func (s *moderncSQLStmt) setBlob(param int, v []byte) { s.set(param, v) }

func (s *moderncSQLStmt) run(visit func(row) error) error {
	if visit == nil {
		_, err := s.stmt.ExecContext(context.Background(), s.args...)
		return err
	}
	rows, err := s.stmt.QueryContext(context.Background(), s.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	for i := range s.ptrs {
		s.ptrs[i] = &s.cols[i]
	}
	for rows.Next() {
		if err := rows.Scan(s.ptrs[:len(names)]...); err != nil {
			return err
		}
		if err := visit(valueRow(s.cols[:])); err != nil {
			return err
		}
	}
	return rows.Err()
}

// valueRow is a row that arrived as values of database/sql/driver.
type valueRow []any

func (r valueRow) int(col int) int64   { return r[col].(int64) }
func (r valueRow) text(col int) string { return r[col].(string) }
func (r valueRow) blob(col int) []byte { return r[col].([]byte) }

// moderncDirect uses the connection that modernc.org/sqlite gives to
// database/sql, without database/sql.
type moderncDirect struct{ conn driver.Conn }

func openModerncDirect(path string) (conn, error) {
	c, err := (&sqlite.Driver{}).Open(path)
	if err != nil {
		return nil, err
	}
	return moderncDirect{c}, nil
}

func (c moderncDirect) exec(query string) error {
	_, err := c.conn.(driver.ExecerContext).ExecContext(context.Background(), query, nil)
	return err
}

func (c moderncDirect) prepare(query string) (stmt, error) {
	s, err := c.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	return &moderncDirectStmt{exec: s.(driver.StmtExecContext), query: s.(driver.StmtQueryContext)}, nil
}

func (c moderncDirect) close() error { return c.conn.Close() }

type moderncDirectStmt struct {
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	args  []driver.NamedValue
	vals  [5]driver.Value
	row   driverRow
}

// driverRow is the row type of driver.Rows.
type driverRow []driver.Value

func (r driverRow) int(col int) int64   { return r[col].(int64) }
func (r driverRow) text(col int) string { return r[col].(string) }
func (r driverRow) blob(col int) []byte { return r[col].([]byte) }

func (s *moderncDirectStmt) set(param int, v driver.Value) {
	for len(s.args) < param {
		s.args = append(s.args, driver.NamedValue{Ordinal: len(s.args) + 1})
	}
	s.args[param-1].Value = v
}

func (s *moderncDirectStmt) setInt(param int, v int64)   { s.set(param, v) }
func (s *moderncDirectStmt) setText(param int, v string) { s.set(param, v) }
func (s *moderncDirectStmt) setBlob(param int, v []byte) { s.set(param, v) }

func (s *moderncDirectStmt) run(visit func(row) error) error {
	if visit == nil {
		_, err := s.exec.ExecContext(context.Background(), s.args)
		return err
	}
	rows, err := s.query.QueryContext(context.Background(), s.args)
	if err != nil {
		return err
	}
	defer rows.Close()
	s.row = s.vals[:len(rows.Columns())]
	for {
		switch err := rows.Next(s.row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := visit(s.row); err != nil {
			return err
		}
	}
}
