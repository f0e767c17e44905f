package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"modernc.org/sqlite"

	"github.com/errandhq/errand/store/internal/sqlstore"
)

// conn is one connection, with its prepared statements. It is used by one goroutine at a time.
//
// This file is all that knows the driver, but for the test of transactions. It uses the driver's connections without
// database/sql between: the statements are few and stay prepared, and a transaction stays on its connection.
type conn struct {
	raw   driver.Conn
	stmts map[string]*stmt
}

type stmt struct {
	raw   driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	args  []driver.NamedValue // kept between calls
	row   valueRow
}

// openConn opens a database file that exists. mode is SQLite's: rw or ro.
func openConn(path, mode string) (*conn, error) {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	raw, err := (&sqlite.Driver{}).Open("file:" + escaped + "?mode=" + mode)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, stmts: make(map[string]*stmt)}, nil
}

func (c *conn) close() error {
	errs := make([]error, 0, len(c.stmts)+1)
	for _, s := range c.stmts {
		errs = append(errs, s.raw.Close())
	}
	c.stmts = nil
	return errors.Join(append(errs, c.raw.Close())...)
}

// script runs statements that are not kept.
func (c *conn) script(query string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), query, nil) // it is the driver's
	return err
}

// prepare returns a statement that is kept.
func (c *conn) prepare(query string) (*stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	raw, err := c.raw.Prepare(dialect.SQL(query))
	if err != nil {
		return nil, err
	}
	s := &stmt{raw: raw}
	var ok [2]bool
	s.exec, ok[0] = raw.(driver.StmtExecContext)
	s.query, ok[1] = raw.(driver.StmtQueryContext)
	if !ok[0] || !ok[1] {
		return nil, errors.Join(fmt.Errorf("the driver's statement is a %T", raw), raw.Close())
	}
	c.stmts[query] = s
	return s, nil
}

// in is the connection as the flow wants it. ctx ends the statements that it runs.
func (c *conn) in(ctx context.Context) sqlstore.Tx { return connTx{c, ctx} }

type connTx struct {
	*conn
	ctx context.Context // it is the context of one call, which the flow passes through here
}

// Exec implements sqlstore.Tx.
func (t connTx) Exec(query string, args ...any) (int64, error) {
	s, err := t.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := s.exec.ExecContext(t.ctx, s.bind(args))
	clear(s.args) // they are the caller's
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query implements sqlstore.Tx.
func (t connTx) Query(query string, each func(sqlstore.Row) error, args ...any) (err error) {
	s, err := t.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.query.QueryContext(t.ctx, s.bind(args))
	clear(s.args) // they are the caller's
	if err != nil {
		return err
	}
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	if s.row == nil {
		s.row = make(valueRow, len(rows.Columns()))
	}
	for {
		if err := rows.Next(s.row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := each(s.row); err != nil {
			return err
		}
	}
}

// pagesWritten is how many pages the connection has written since it was asked last.
func (c *conn) pagesWritten() int {
	n, _, _ := c.raw.(sqlite.DBStatus).Status(sqlite.DBStatusCacheWrite, true)
	return n
}

func (s *stmt) bind(args []any) []driver.NamedValue {
	s.args = s.args[:0]
	for i, arg := range args {
		if list, ok := arg.([]int64); ok {
			arg = jsonArray(list)
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	return s.args
}

// jsonArray is a list as json_each wants it.
func jsonArray(list []int64) string {
	text := make([]byte, 0, 8*len(list)+2)
	text = append(text, '[')
	for i, n := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, n, 10)
	}
	return string(append(text, ']'))
}

// valueRow is a row of values as drivers give them. Other drivers than ours may give text for bytes and bytes for text.
type valueRow []driver.Value

// Int implements sqlstore.Row.
func (r valueRow) Int(col int) int64 {
	n, _ := r[col].(int64)
	return n
}

// Text implements sqlstore.Row.
func (r valueRow) Text(col int) string {
	switch v := r[col].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	default:
		return ""
	}
}

// Blob implements sqlstore.Row.
func (r valueRow) Blob(col int) []byte {
	switch v := r[col].(type) {
	case []byte:
		return v
	case string:
		return []byte(v)
	default:
		return nil
	}
}

// resultCode returns SQLite's result code of an error, without its extension.
func resultCode(err error) (code int, ok bool) {
	if own, ok := errors.AsType[*sqlite.Error](err); ok {
		return own.Code() & 0xff, true
	}
	return 0, false
}
