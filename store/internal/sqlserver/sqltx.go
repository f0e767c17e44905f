package sqlserver

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/errandhq/errand/store/internal/sqlstore"
)

// SQLTx is a connection or transaction of database/sql as the flow wants it.
type SQLTx struct {
	Ctx     context.Context // it is the context of one call, which the flow passes through here
	Dialect *sqlstore.Dialect
	On      interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	// Bind puts lists among the arguments into the statement; nil: the driver takes them.
	Bind func(query string, args []any) (string, []any)
}

// Bound returns a statement as the database wants it, and its arguments as the driver does.
func (t SQLTx) Bound(query string, args []any) (string, []any) {
	query = t.Dialect.SQL(query)
	if t.Bind != nil {
		return t.Bind(query, args)
	}
	return query, args
}

// Exec implements sqlstore.Tx.
func (t SQLTx) Exec(query string, args ...any) (int64, error) {
	query, args = t.Bound(query, args)
	result, err := t.On.ExecContext(t.Ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query implements sqlstore.Tx.
func (t SQLTx) Query(query string, each func(sqlstore.Row) error, args ...any) error {
	query, args = t.Bound(query, args)
	rows, err := t.On.QueryContext(t.Ctx, query, args...)
	if err != nil {
		return err
	}
	return EachRow(rows, each)
}

// EachRow reads a result to its end, or until each returns an error, and closes it.
func EachRow(rows *sql.Rows, each func(sqlstore.Row) error) (err error) {
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	return eachRow(rows, each)
}

// EachSet is EachRow for the results of several statements, counted from 0.
func EachSet(rows *sql.Rows, each func(set int, row sqlstore.Row) error) (err error) {
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	for set := 0; ; set++ {
		if err := eachRow(rows, func(row sqlstore.Row) error { return each(set, row) }); err != nil {
			return err
		}
		if !rows.NextResultSet() {
			return rows.Err()
		}
	}
}

func eachRow(rows *sql.Rows, each func(sqlstore.Row) error) error {
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make(valueRow, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := each(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// valueRow is a row of values as drivers give them.
type valueRow []any

// Int implements sqlstore.Row.
func (r valueRow) Int(col int) int64 {
	switch v := r[col].(type) {
	case int64:
		return v
	case uint64:
		return int64(v) //nolint:gosec // no column is larger
	case []byte: // of servers that send numbers as text
		n, _ := strconv.ParseInt(string(v), 10, 64)
		return n
	default:
		return 0
	}
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
