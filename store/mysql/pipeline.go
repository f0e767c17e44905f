package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/errandhq/errand/store/internal/sqlserver"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// maxDeferred is how many bytes of arguments wait for the next statement at most: the server bounds what it takes at once.
const maxDeferred = 1 << 20

// pipeline is a transaction of our own, in few round trips: several statements are sent as one text, which begins with
// START TRANSACTION and ends with COMMIT. When one fails the server leaves out those after it. A single statement goes alone,
// being a transaction by itself.
type pipeline struct {
	on    sqlserver.SQLTx
	conn  *sql.Conn
	begun bool            // the server knows of the transaction
	turn  bool            // it may have a turn
	text  strings.Builder // of the statements that wait
	wait  int             // how many do
	args  []any
	bytes int
	asked []func(sqlstore.Row) error // of the queries that wait
}

const begin = "START TRANSACTION"

// transact runs do in a transaction on the connection.
func transact(ctx context.Context, conn *sql.Conn, do func(sqlstore.Tx) error) error {
	p := &pipeline{on: sqlserver.SQLTx{Ctx: ctx, Dialect: dialect, On: conn, Bind: bind}, conn: conn}
	err := do(p)
	if err == nil {
		err = p.commit()
	}
	if err != nil && p.begun {
		p.abandon(conn)
	}
	return err
}

func (p *pipeline) commit() error {
	switch {
	case p.begun || p.wait > 1 || len(p.asked) > 0:
		p.add("COMMIT", nil)
		if p.turn {
			p.add(endTurn, nil)
		}
		return p.send()
	case p.wait == 1:
		text, args := p.take()
		p.begun = false
		_, err := p.on.On.ExecContext(p.on.Ctx, strings.TrimPrefix(text, begin+"; "), args...)
		return err
	}
	return nil
}

// abandon ends the transaction after an error. Where the server does not say that it has, the connection is dropped.
func (p *pipeline) abandon(conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.on.Ctx), time.Second)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "ROLLBACK; "+endTurn); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// add puts a statement behind those that wait.
func (p *pipeline) add(query string, args []any) {
	p.bytes += sizeOf(args)
	query, args = p.on.Bound(query, args)
	p.start()
	if p.text.Len() > 0 {
		p.text.WriteString("; ")
	}
	p.text.WriteString(query)
	p.wait++
	p.args = append(p.args, args...)
}

// start has the first text begin the transaction.
func (p *pipeline) start() {
	if !p.begun && p.text.Len() == 0 {
		p.text.WriteString(begin)
	}
}

func sizeOf(args []any) int {
	n := 0
	for _, arg := range args {
		if b, ok := arg.([]byte); ok {
			n += len(b)
		}
	}
	return n
}

// take returns what waits as one text.
func (p *pipeline) take() (string, []any) {
	text, args := p.text.String(), p.args
	p.text.Reset()
	p.args, p.bytes, p.wait, p.begun = nil, 0, 0, true
	return text, args
}

// send sends what waits.
func (p *pipeline) send() error {
	if len(p.asked) > 0 {
		return p.query(nil)
	}
	text, args := p.take()
	_, err := p.on.On.ExecContext(p.on.Ctx, text, args...)
	return err
}

// makeRoom sends what waits before a statement, where the text would become too long.
func (p *pipeline) makeRoom(args []any) error {
	if p.bytes == 0 || p.bytes+sizeOf(args) <= maxDeferred {
		return nil
	}
	return p.send()
}

// Defer implements sqlstore.Deferrer.
func (p *pipeline) Defer(query string, args ...any) error {
	err := p.makeRoom(args)
	p.add(query, args)
	return err
}

// Exec implements sqlstore.Tx. The number of rows is that of the last statement of the text.
func (p *pipeline) Exec(query string, args ...any) (int64, error) {
	if err := p.makeRoom(args); err != nil {
		return 0, err
	}
	if len(p.asked) > 0 { // only what has no rows says how many it changed
		if err := p.query(nil); err != nil {
			return 0, err
		}
	}
	p.add(query, args)
	text, bound := p.take()
	result, err := p.on.On.ExecContext(p.on.Ctx, text, bound...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query implements sqlstore.Tx.
func (p *pipeline) Query(query string, each func(sqlstore.Row) error, args ...any) error {
	if err := p.makeRoom(args); err != nil {
		return err
	}
	p.add(query, args)
	return p.query(each)
}

// Ask implements sqlstore.Asker.
func (p *pipeline) Ask(query string, each func(sqlstore.Row) error, args ...any) error {
	err := p.makeRoom(args)
	p.add(query, args)
	p.asked = append(p.asked, each)
	return err
}

const (
	// awaitTurn waits for a second at most. The lock has the server's whole name space.
	awaitTurn = "DO GET_LOCK(CONCAT('errand ', MD5(CONCAT_WS(' ', DATABASE(), ?))), 1)"
	endTurn   = "DO RELEASE_ALL_LOCKS()"
)

// AwaitTurn implements sqlstore.Turns.
func (p *pipeline) AwaitTurn(name string) error {
	p.turn = true
	return p.Defer(awaitTurn, name)
}

// query sends what waits, and reads the rows of the queries in it: those that were put off and, unless each is nil, one more.
func (p *pipeline) query(each func(sqlstore.Row) error) error {
	readers := p.asked
	p.asked = nil
	if each != nil {
		readers = append(readers, each)
	}
	text, args := p.take()
	rows, err := p.on.On.QueryContext(p.on.Ctx, text, args...) //nolint:rowserrcheck // EachSet checks it
	if err != nil {
		return err
	}
	return sqlserver.EachSet(rows, func(set int, row sqlstore.Row) error { return readers[set](row) })
}

// prepared runs a statement that the connection has prepared, after what waits.
func (p *pipeline) prepared(query string, args []any) error {
	if p.start(); p.text.Len() > 0 {
		if err := p.send(); err != nil {
			return err
		}
	}
	return p.conn.Raw(func(conn any) error {
		own, ok := conn.(*session)
		if !ok {
			return fmt.Errorf("the connection is a %T", conn)
		}
		return own.exec(p.on.Ctx, p.on.Dialect.SQL(query), args)
	})
}
