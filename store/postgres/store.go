// Package postgres keeps jobs in a PostgreSQL database, of version 12 or later: for any number of machines.
//
//	st, err := postgres.Open(ctx, "postgres://app:secret@db/app")
//	if err != nil {
//		return err
//	}
//	defer st.Close()
//	q := errand.NewQueue(st, "math")
//
// The tables are in a schema of their own, "errand" unless [Schema] names another, which Open makes and upgrades unless
// [NoMigrate] forbids it. What was acknowledged survives what PostgreSQL's settings fsync and synchronous_commit say:
// with their defaults a power cut too. Open warns when they are off.
//
// # Speed
//
// Operations that are called at the same time share a transaction, and so the wait for the disk: many goroutines enqueue
// many times as fast as one. Workers take jobs with FOR UPDATE SKIP LOCKED and do not wait for each other, but for claims
// of many jobs in a flood, which take turns.
//
// # Wake-ups
//
// Processes wake each other up with LISTEN and NOTIFY, over one connection that a process holds while it waits. Behind a
// pooler that gives a connection to each transaction (PgBouncer's transaction mode) that does not work, and workers find
// jobs by polling; give a URL with default_query_exec_mode=exec there.
//
// # Transactions
//
// A pgx.Tx, or a *sql.Tx of pgx's database/sql driver, on the same database can enqueue and settle: the jobs are there if,
// and only if, it commits. It may have any isolation level. Where the server says that it met another one, as to a
// SERIALIZABLE one with SQLSTATE 40001, the error is [errand.ErrUnavailable] and has the *pgconn.PgError inside, for
// errors.As: roll back and begin anew. The store's own transactions are READ COMMITTED, whatever the database's default is.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/migrate"
	"github.com/errandhq/errand/store/internal/sqlserver"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Store is an [errand.Store] with every optional role. Make one with [Open].
type Store struct {
	*sqlserver.Store
	backend *backend
	listen  listener
}

var (
	_ errand.Store      = (*Store)(nil)
	_ errand.Notifier   = (*Store)(nil)
	_ errand.Transactor = (*Store)(nil)
	_ errand.Carrier    = (*Store)(nil)
	_ errand.Describer  = (*Store)(nil)
	_ errand.Migrator   = (*Store)(nil)
)

// backend is a sqlserver.Backend.
type backend struct {
	pool     *pgxpool.Pool
	dialect  *sqlstore.Dialect
	name     string // of the server and the database, for errors
	password string // to be kept out of errors
	schema   *migrate.Schema
	channel  string // of wake-ups
	sender   string
	teller   teller
}

// Transact implements sqlserver.Backend.
func (s *backend) Transact(ctx context.Context, do func(sqlstore.Tx) error) error {
	return s.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return s.transact(ctx, c, do) })
}

// View implements sqlserver.Backend.
func (s *backend) View(ctx context.Context, do func(sqlstore.Tx) error) error {
	return s.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return do(tx{ctx, c, s.dialect}) })
}

// Committed implements sqlserver.Backend.
func (s *backend) Committed(topics []errand.Topic) { s.teller.tell(topics) }

// notifyAll need not wait for the disk: what a crash swallows is made good by polling.
const notifyAll = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`

// send wakes up other processes. They poll where it fails.
func (s *backend) send(topics []errand.Topic) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = s.pool.Exec(ctx, notifyAll, s.channel, message(s.sender, topics))
}

// Now returns the time of the server.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	label := sqlserver.Label{Op: "now"}
	if err := s.Enter(ctx, label); err != nil {
		return time.Time{}, err
	}
	defer s.Leave()
	micros, err := one[int64](ctx, s.backend.pool, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
	if err != nil {
		return time.Time{}, fmt.Errorf("%v: %w", label, s.backend.Translate(err))
	}
	return time.UnixMicro(micros).UTC(), nil
}

// Close waits for operations under way and closes the connections. It may be repeated.
func (s *Store) Close() error {
	if s.Shut() {
		s.listen.close()
		s.backend.teller.running.Wait()
		s.backend.pool.Close()
	}
	return nil
}

// Subscribe implements [errand.Notifier].
func (s *Store) Subscribe(topics ...errand.Topic) (<-chan struct{}, func()) {
	wake, cancel := s.Hub.Subscribe(topics...)
	s.listen.add()
	return wake, sync.OnceFunc(func() {
		cancel()
		s.listen.remove()
	})
}

// EnqueueTx implements [errand.Transactor].
func (s *Store) EnqueueTx(ctx context.Context, tx any, req errand.EnqueueRequest) (errs []error, err error) {
	err = s.inside(ctx, sqlserver.Label{Op: "enqueue in a transaction"}, tx, func(session *sqlstore.Session) error {
		errs, err = session.Enqueue(req)
		return err
	})
	return errs, err
}

// SettleTx implements [errand.Transactor].
func (s *Store) SettleTx(ctx context.Context, tx any, req errand.SettleRequest) (errs []error, err error) {
	err = s.inside(ctx, sqlserver.Label{Op: "settle in a transaction"}, tx, func(session *sqlstore.Session) error {
		errs, err = session.Settle(req)
		return err
	})
	return errs, err
}

func (s *Store) inside(ctx context.Context, label sqlserver.Label, theirs any, do func(*sqlstore.Session) error) error {
	var on sqlstore.Tx
	switch t := theirs.(type) {
	case pgx.Tx:
		on = tx{ctx, t, s.backend.dialect}
	case *sql.Tx:
		if t != nil {
			on = sqlserver.SQLTx{Ctx: ctx, Dialect: s.backend.dialect, On: t}
		}
	}
	if on == nil {
		return fmt.Errorf("%v: %w: it is a %T, neither a pgx.Tx nor a *sql.Tx", label, errand.ErrTxUnsupported, theirs)
	}
	return s.Inside(ctx, label, on, do, func(topics []errand.Topic) error {
		if len(topics) == 0 {
			return nil
		}
		// In the transaction, so that it is told when that commits, and to this process too: it does not know of the commit.
		return on.Query("SELECT pg_notify(?, ?)", func(sqlstore.Row) error { return nil }, s.backend.channel, message("", topics))
	})
}
