package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/errandhq/errand/store/internal/sqlstore"
)

const (
	begin  = "begin isolation level read committed read write"
	commit = "commit"
)

// pipeline is a transaction of our own, in few round trips: it begins with its first statement, statements that were
// deferred go with the next one, and the last ones with the commit. When one fails the server skips those after it.
type pipeline struct {
	tx
	conn    *pgxpool.Conn
	locks   string // what distinguishes the locks of this schema
	waiting pgx.Batch
	asked   map[int]func(sqlstore.Row) error // who gets the rows of what waits, by its place
}

// transact runs do in a transaction on the connection.
func (s *backend) transact(ctx context.Context, conn *pgxpool.Conn, do func(sqlstore.Tx) error) error {
	p := &pipeline{tx: tx{ctx, conn, s.dialect}, conn: conn, locks: s.channel, asked: make(map[int]func(sqlstore.Row) error)}
	p.waiting.Queue(begin)
	err := do(p)
	if err == nil {
		p.waiting.Queue(commit)
		err = p.send(nil)
	}
	if err != nil && conn.Conn().PgConn().TxStatus() != idle {
		_, _ = conn.Exec(ctx, "rollback") // else the pool drops the connection, and the server the transaction
	}
	return err
}

// idle is the status of a connection on which no transaction is open.
const idle = 'I'

// Defer implements sqlstore.Deferrer.
func (p *pipeline) Defer(query string, args ...any) error {
	p.waiting.Queue(p.dialect.SQL(query), args...)
	return nil
}

// Ask implements sqlstore.Asker.
func (p *pipeline) Ask(query string, each func(sqlstore.Row) error, args ...any) error {
	p.asked[p.waiting.Len()] = each
	p.waiting.Queue(p.dialect.SQL(query), args...)
	return nil
}

const (
	turnPatience = "SELECT set_config('lock_timeout', '500ms', true)"
	awaitTurn    = "SELECT pg_advisory_xact_lock($1)"
)

// AwaitTurn implements sqlstore.Turns. After a wait in vain the server undoes the transaction, which is then done again without.
func (p *pipeline) AwaitTurn(name string) error {
	p.waiting.Queue(turnPatience)
	p.waiting.Queue(awaitTurn, lockNumber("turn", p.locks, name))
	return nil
}

// Exec implements sqlstore.Tx.
func (p *pipeline) Exec(query string, args ...any) (affected int64, err error) {
	if p.waiting.Len() == 0 {
		return p.tx.Exec(query, args...)
	}
	p.waiting.Queue(p.dialect.SQL(query), args...)
	err = p.send(func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		affected = tag.RowsAffected()
		return err
	})
	return affected, err
}

// Query implements sqlstore.Tx.
func (p *pipeline) Query(query string, each func(sqlstore.Row) error, args ...any) error {
	if p.waiting.Len() == 0 {
		return p.tx.Query(query, each, args...)
	}
	p.waiting.Queue(p.dialect.SQL(query), args...)
	return p.send(func(results pgx.BatchResults) error { return answer(results, each) })
}

// answer reads the rows of the next result.
func answer(results pgx.BatchResults, each func(sqlstore.Row) error) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	return eachRow(rows, each)
}

// send sends what waits. The result of the last statement is for last; nil: of no interest.
func (p *pipeline) send(last func(pgx.BatchResults) error) (err error) {
	batch := p.waiting
	p.waiting = pgx.Batch{}
	results := p.conn.SendBatch(p.ctx, &batch)
	defer func() {
		if closed := results.Close(); err == nil {
			err = closed
		}
	}()
	ahead := batch.Len()
	if last != nil {
		ahead--
	}
	defer clear(p.asked)
	for i := range ahead {
		if each := p.asked[i]; each != nil {
			err = answer(results, each)
		} else {
			_, err = results.Exec()
		}
		if err != nil {
			return err
		}
	}
	if last != nil {
		return last(results)
	}
	return nil
}
