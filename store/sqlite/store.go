// Package sqlite keeps jobs in an SQLite database file: for one machine, with nothing else installed.
//
//	st, err := sqlite.Open(ctx, "jobs.db")
//	if err != nil {
//		return err
//	}
//	defer st.Close()
//	q := errand.NewQueue(st, "math")
//
// What was acknowledged survives a crash of the process, of the system and a power cut ([Full]); see [Normal] for less.
// Only which worker holds a job, and how far it is, is not waited for to reach the disk: a power cut, which ends the
// workers too, may undo it, and the job is run again as it would be anyway.
// Any number of processes of one machine may use a file at once, and wake each other up within about 20 milliseconds. The
// file must be on a local file system: SQLite's locks and shared memory do not work over a network.
//
// # Speed
//
// Operations that are called at the same time share a transaction, and so the wait for the disk: many goroutines enqueue
// many times as fast as one.
//
// # Transactions
//
// A *sql.Tx on the same file can enqueue and settle: the jobs are there if, and only if, it commits. While it is open it
// keeps all others from writing, this store included: keep it short, and do not call the store's other methods before it
// has ended, for they would wait for it, in vain, until the lock timeout.
//
// In a program that uses this package, open the file with the database/sql driver of modernc.org/sqlite (or with
// zombiezen.com/go/sqlite, which shares its library). SQLite forbids that a process opens a file through two copies of
// its library, because they do not see each other's locks: a driver with a copy of its own, such as mattn/go-sqlite3 or
// ncruces/go-sqlite3, may damage the database when it uses the file in the same process. Other processes may use any.
package sqlite

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/notify"
	"github.com/errandhq/errand/store/internal/sqlroles"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

type roles = sqlroles.Roles

// Store is an [errand.Store] with every optional role. Make one with [Open].
type Store struct {
	roles
	path        string
	source      string // which SQLite this is, by its own account
	sync        Sync
	lockTimeout time.Duration
	hub         notify.Hub
	writer      *writer
	readers     *pool
	watcher     watcher

	use    sync.RWMutex // held for reading by every operation under way
	closed bool

	emptyMu sync.Mutex
	empty   map[string]int64 // by worker: the number of its last claim that took nothing, of which the file knows nothing

	expected sync.Map // names of queues that are likely to have queued jobs
}

var (
	_ errand.Store      = (*Store)(nil)
	_ errand.Notifier   = (*Store)(nil)
	_ errand.Transactor = (*Store)(nil)
	_ errand.Carrier    = (*Store)(nil)
	_ errand.Describer  = (*Store)(nil)
	_ errand.Migrator   = (*Store)(nil)
)

// start makes the store ready for use, with the connection that writes.
func (s *Store) start(c *conn) {
	s.roles = sqlroles.New(runner{s})
	s.writer = newWriter(s, c)
	s.readers = newPool(s.path, readers())
	s.watcher.store = s
	s.empty = make(map[string]int64)
}

// enter begins an operation.
func (s *Store) enter(ctx context.Context, label label) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%v: %w", label, err)
	}
	s.use.RLock()
	if s.closed {
		s.use.RUnlock()
		return fmt.Errorf("%v: %w", label, errand.ErrClosed)
	}
	return nil
}

func (s *Store) leave() { s.use.RUnlock() }

// Close waits for operations under way, writes the log back into the file and closes it. It may be repeated.
func (s *Store) Close() error {
	s.use.Lock()
	defer s.use.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.watcher.close()
	s.hub.NotifyAll()
	err := s.readers.close() // before the writer, so that its checkpoint meets no reader
	if last := s.writer.close(); err == nil {
		err = last
	}
	if err != nil {
		return fmt.Errorf("close sqlite: %w", s.translate(err))
	}
	return nil
}

// Now returns the time of this machine, which all processes that use the file share.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if err := s.enter(ctx, label{Op: "now"}); err != nil {
		return time.Time{}, err
	}
	defer s.leave()
	return time.Now().UTC().Truncate(time.Microsecond), nil
}

// Claim implements [errand.Engine].
func (s *Store) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	repeated := s.wasEmpty(&req)
	if !repeated && !s.expects(req.Queues) {
		answer, idle, err := s.idle(ctx, req)
		if err != nil {
			return errand.ClaimReply{}, err
		}
		if idle {
			s.noteEmpty(&req)
			return answer, nil
		}
	}
	var taken errand.ClaimReply
	err := s.hurry(ctx, label{Op: "claim from", Queues: req.Queues}, req.Limit, func(session *sqlstore.Session) error {
		answer, err := session.Claim(req, repeated)
		taken = answer
		return err
	})
	if err == nil && len(taken.Jobs) == 0 {
		s.noteEmpty(&req)
		for _, queue := range req.Queues {
			s.expect(queue, false)
		}
	}
	return sqlroles.Reply(taken, err)
}

// expect notes whether a queue is likely to have queued jobs.
func (s *Store) expect(queue string, queued bool) {
	if queued {
		s.expected.Store(queue, true)
	} else {
		s.expected.Delete(queue)
	}
}

// expects says whether one of the queues is likely to have queued jobs, so that it is no use to look first.
func (s *Store) expects(queues []string) bool {
	return slices.ContainsFunc(queues, func(queue string) bool {
		_, likely := s.expected.Load(queue)
		return likely
	})
}

// idle looks whether there is nothing to claim, so that those who find nothing wait for nobody who writes.
func (s *Store) idle(ctx context.Context, req errand.ClaimRequest) (answer errand.ClaimReply, idle bool, err error) {
	err = s.read(ctx, label{Op: "claim from", Queues: req.Queues}, func(session *sqlstore.Session) (err error) {
		answer, idle, err = session.Idle(req)
		return err
	})
	return answer, idle, err
}

// noteEmpty keeps the number of a claim that took nothing. A repeated one comes through the same store.
func (s *Store) noteEmpty(req *errand.ClaimRequest) {
	s.emptyMu.Lock()
	defer s.emptyMu.Unlock()
	s.empty[req.Claimant()] = max(s.empty[req.Claimant()], req.Number)
}

func (s *Store) wasEmpty(req *errand.ClaimRequest) bool {
	s.emptyMu.Lock()
	defer s.emptyMu.Unlock()
	return req.Number > 0 && req.Number <= s.empty[req.Claimant()]
}
