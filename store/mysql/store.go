// Package mysql keeps jobs in a MySQL (8.0.1 or later) or MariaDB (10.6 or later) database: for any number of machines.
//
//	st, err := mysql.Open(ctx, "mysql://app:secret@db:3306/app")
//	if err != nil {
//		return err
//	}
//	defer st.Close()
//	q := errand.NewQueue(st, "math")
//
// The database must exist; Open makes and upgrades the tables in it, whose names begin with errand_, unless [NoMigrate]
// forbids it. What was acknowledged survives what innodb_flush_log_at_trx_commit says: with its default, 1, a power cut
// too. Open warns when it is another.
//
// # Speed
//
// Operations that are called at the same time share a transaction, and so the wait for the disk: many goroutines enqueue
// many times as fast as one. An enqueue is one round trip, a claim and a settle are two. Workers take jobs with FOR UPDATE
// SKIP LOCKED and do not wait for each other, but for claims of many jobs in a flood, which take turns.
//
// # Wake-ups
//
// What a process does wakes up its own workers at once. Changes by others are looked for, 22 times a second while there
// are any and for ten seconds after the last, and less than twice a second then. While nothing changes, a worker that found
// nothing takes that to be so still, for a minute at most, and asks no more than those looks, a heartbeat and a point of
// its time series: about twice a second in all.
//
// # Transactions
//
// A *sql.Tx on the same database can enqueue and settle: the jobs are there if, and only if, it commits. It may have any
// isolation level. When the server finds a deadlock it undoes the user's whole transaction; the error is
// [errand.ErrUnavailable] and has the driver's *MySQLError inside, for errors.As, and the user begins anew. The store's own
// transactions are READ COMMITTED, whatever the server's default is.
package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/migrate"
	"github.com/errandhq/errand/store/internal/sqlserver"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Store is an [errand.Store] with every optional role. Make one with [Open].
type Store struct {
	*sqlserver.Store
	backend *backend
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
	db       *sql.DB
	name     string // of the server and the database, for errors
	password string // to be kept out of errors
	schema   *migrate.Schema
	watcher  watcher
	turn     chan struct{} // full: somebody has it, see alone
}

// Transact implements sqlserver.Backend. The isolation is that of the connections.
func (s *backend) Transact(ctx context.Context, do func(sqlstore.Tx) error) error {
	defer s.alone()()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return transact(ctx, conn, do)
}

// View implements sqlserver.Backend.
func (s *backend) View(ctx context.Context, do func(sqlstore.Tx) error) error {
	defer s.alone()()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return do(sqlserver.SQLTx{Ctx: ctx, Dialect: dialect, On: conn, Bind: bind})
}

// alone has those who come together while nothing happens use one connection in turn, for a moment at most, and not one each
// that the next hour has no use for. What it returns ends the turn.
func (s *backend) alone() (leave func()) {
	if _, calm := s.watcher.Calm(); !calm {
		return func() {}
	}
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }
	case <-time.After(mostTurn):
		return func() {}
	}
}

// mostTurn is how long somebody waits for his turn.
const mostTurn = 20 * time.Millisecond

// Committed implements sqlserver.Backend: other processes look for themselves.
func (s *backend) Committed(topics []errand.Topic) {
	if len(topics) > 0 {
		s.watcher.note(true)
	}
}

// Calm implements sqlserver.Calmer.
func (s *backend) Calm() (changes uint64, ok bool) { return s.watcher.Calm() }

// Now returns the time of the server.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	label := sqlserver.Label{Op: "now"}
	if err := s.Enter(ctx, label); err != nil {
		return time.Time{}, err
	}
	defer s.Leave()
	var micros int64
	const now = "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"
	if err := s.backend.db.QueryRowContext(ctx, now).Scan(&micros); err != nil {
		return time.Time{}, fmt.Errorf("%v: %w", label, s.backend.Translate(err))
	}
	return time.UnixMicro(micros).UTC(), nil
}

// Close waits for operations under way and closes the connections. It may be repeated.
func (s *Store) Close() error {
	if !s.Shut() {
		return nil
	}
	s.backend.watcher.close()
	if err := s.backend.db.Close(); err != nil {
		return fmt.Errorf("close mysql: %w", s.backend.Translate(err))
	}
	return nil
}

// Subscribe implements [errand.Notifier].
func (s *Store) Subscribe(topics ...errand.Topic) (<-chan struct{}, func()) {
	wake, cancel := s.Hub.Subscribe(topics...)
	s.backend.watcher.add()
	return wake, sync.OnceFunc(func() {
		cancel()
		s.backend.watcher.remove()
	})
}

// look is the watcher's.
func (s *backend) look(ctx context.Context) (found sums, err error) {
	rows, err := s.db.QueryContext(ctx, contributions)
	if err != nil {
		return found, err
	}
	defer rows.Close()
	for i := 0; i < len(found) && rows.Next(); i++ {
		if err := rows.Scan(&found[i]); err != nil {
			return found, err
		}
	}
	return found, rows.Err()
}

// EnqueueTx implements [errand.Transactor] for a *sql.Tx on the same database.
func (s *Store) EnqueueTx(ctx context.Context, tx any, req errand.EnqueueRequest) (errs []error, err error) {
	err = s.inside(ctx, sqlserver.Label{Op: "enqueue in a transaction"}, tx, func(session *sqlstore.Session) error {
		errs, err = session.Enqueue(req)
		return err
	})
	return errs, err
}

// SettleTx implements [errand.Transactor] for a *sql.Tx on the same database.
func (s *Store) SettleTx(ctx context.Context, tx any, req errand.SettleRequest) (errs []error, err error) {
	err = s.inside(ctx, sqlserver.Label{Op: "settle in a transaction"}, tx, func(session *sqlstore.Session) error {
		errs, err = session.Settle(req)
		return err
	})
	return errs, err
}

func (s *Store) inside(ctx context.Context, label sqlserver.Label, tx any, do func(*sqlstore.Session) error) error {
	theirs, ok := tx.(*sql.Tx)
	if !ok || theirs == nil {
		return fmt.Errorf("%v: %w: it is a %T, not a *sql.Tx", label, errand.ErrTxUnsupported, tx)
	}
	on := sqlserver.SQLTx{Ctx: ctx, Dialect: dialect, On: theirs, Bind: bind}
	// The watcher sees the commit, of which this process does not know.
	return s.Inside(ctx, label, on, do, func([]errand.Topic) error { return nil })
}
