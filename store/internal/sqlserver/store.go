// Package sqlserver is what the stores on database servers share: operations that are called at once share a
// transaction, a transaction that met another one is done again, and every call has a time limit. A store kind adds its
// connections, its dialect and its errors.
package sqlserver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/batch"
	"github.com/errandhq/errand/internal/notify"
	"github.com/errandhq/errand/store/internal/migrate"
	"github.com/errandhq/errand/store/internal/sqlroles"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Backend is what differs between the servers.
type Backend interface {
	// Transact runs do in a transaction, which it commits when do has returned nil. Commits are READ COMMITTED.
	Transact(ctx context.Context, do func(sqlstore.Tx) error) error
	// View runs do outside a transaction, for statements that only read.
	View(ctx context.Context, do func(sqlstore.Tx) error) error
	// Again reports whether an error says that a transaction was undone because of another one, and may be done again.
	Again(err error) bool
	// Translate makes an error of the driver one of Errand's.
	Translate(err error) error
	// Committed tells other processes whom a commit concerns. It does not wait for them.
	Committed(topics []errand.Topic)
	// Schema is that of the tables.
	Schema() *migrate.Schema
}

const (
	maxGroup  = 4000             // roughly, rows that one transaction touches
	foldEvery = 64               // transactions of a lane from one adding up of counters to the next
	tries     = 20               // of a transaction that meets others
	fewTries  = 3                // inside a user's, which keeps its view of the data: what it met once it mostly meets again
	timeLimit = 20 * time.Second // of a transaction
)

type roles = sqlroles.Roles

// Store has the roles of errand.Store on a Backend.
type Store struct {
	roles
	Hub notify.Hub // of those who wait in this process

	backend Backend
	dialect *sqlstore.Dialect
	lanes   [lanes]*lane

	use    sync.RWMutex // held for reading by every operation under way
	closed bool

	places sqlstore.Places // of jobs that were claimed here
	rests  rests

	claimsMu sync.Mutex
	claims   map[string]claims // by worker
}

// The lanes are the transactions that one process may have under way at once: what is alike shares one, and so meets
// nobody of its own process. Commands share the lane of settling because both follow dependencies.
const (
	laneEnqueue = iota
	laneClaim
	laneBeside // claims of workers that have one under way already
	laneSettle
	laneMessages
	laneTelemetry
	lanes
)

// lane does operations in groups: whoever finds it free does, in one transaction, all that has gathered.
type lane struct {
	store   *Store
	group   batch.Batcher[*op, struct{}]
	commits int
}

// op is an operation that waits to be done in a transaction. It may be done again after a rollback.
type op struct {
	label   Label
	do      func(*sqlstore.Session) error
	weight  int
	done    chan struct{}
	outcome error
}

// Label names an operation and the queues that it is about, for errors.
type Label = sqlroles.Label

// New makes a store.
func New(backend Backend, dialect *sqlstore.Dialect) *Store {
	s := &Store{backend: backend, dialect: dialect, claims: make(map[string]claims)}
	s.roles = sqlroles.New(runner{s})
	for i := range s.lanes {
		l := &lane{store: s}
		l.group = batch.Batcher[*op, struct{}]{
			Max:   maxGroup,
			Weigh: func(o *op) int { return o.weight },
			Send: func(_ context.Context, ops []*op) ([]struct{}, error) {
				l.run(ops)
				return make([]struct{}, len(ops)), nil
			},
		}
		s.lanes[i] = l
	}
	return s
}

// Enter begins an operation, and Leave ends it.
func (s *Store) Enter(ctx context.Context, label Label) error {
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

func (s *Store) isClosed() bool {
	s.use.RLock()
	defer s.use.RUnlock()
	return s.closed
}

// Leave ends an operation.
func (s *Store) Leave() { s.use.RUnlock() }

// Shut waits for operations under way and lets none begin. It reports whether the store was open.
func (s *Store) Shut() bool {
	s.use.Lock()
	defer s.use.Unlock()
	was := !s.closed
	s.closed = true
	s.Hub.NotifyAll()
	return was
}

// runner implements sqlroles.Runner.
type runner struct{ store *Store }

// laneOf is where operations of a kind are done.
var laneOf = map[sqlroles.Kind]int{
	sqlroles.Enqueues: laneEnqueue, sqlroles.Jobs: laneSettle, sqlroles.Workers: laneClaim, sqlroles.Messages: laneMessages,
	sqlroles.Series: laneTelemetry, sqlroles.Audit: laneTelemetry,
}

func (r runner) Write(ctx context.Context, kind sqlroles.Kind, label Label, weight int, do func(*sqlstore.Session) error) error {
	return r.store.write(ctx, laneOf[kind], label, weight, do)
}

func (r runner) Read(ctx context.Context, label Label, do func(*sqlstore.Session) error) error {
	return r.store.read(ctx, label, do)
}

// write does an operation. When ctx ends before its turn has come it has not been done and never will be; when ctx ends
// later, write waits for the outcome, which is near, so that nothing of the caller's is read after its return.
func (s *Store) write(ctx context.Context, in int, label Label, weight int, do func(*sqlstore.Session) error) error {
	if err := s.Enter(ctx, label); err != nil {
		return err
	}
	defer s.Leave()
	o := &op{label: label, do: do, weight: weight + 1, done: make(chan struct{})}
	if _, err := s.lanes[in].group.Do(ctx, o); errors.Is(err, batch.ErrUnknown) {
		<-o.done
	} else if err != nil {
		return fmt.Errorf("%v: %w", label, ctx.Err())
	}
	return s.backend.Translate(o.outcome)
}

// run does operations in one transaction. When one of them fails, each is done in a transaction of its own, so that none
// hurts another.
func (l *lane) run(ops []*op) {
	err := l.transact(ops)
	all := errors.Is(l.store.backend.Translate(unnamed(err)), errand.ErrUnavailable) // it is the server that fails, not one of them
	for i, o := range ops {
		o.outcome = err
		if err != nil && len(ops) > 1 {
			if all {
				o.outcome = fmt.Errorf("%v: %w", o.label, unnamed(err))
				close(o.done)
				continue
			}
			o.outcome = l.transact(ops[i : i+1])
		}
		var named *opError
		switch {
		case errors.As(o.outcome, &named):
			o.outcome = named.err
		case o.outcome != nil:
			o.outcome = fmt.Errorf("%v: %w", o.label, o.outcome)
		}
		close(o.done)
	}
}

// unnamed is the error of the operation itself where err is one, else err.
func unnamed(err error) error {
	if named, ok := errors.AsType[*opError](err); ok {
		return named.err
	}
	return err
}

// opError is the error of an operation itself, which names it, in contrast to one of the transaction around it.
type opError struct{ err error }

func (e *opError) Error() string { return e.err.Error() }
func (e *opError) Unwrap() error { return e.err }

// transact does operations in one transaction, all or none, again when it met another one.
func (l *lane) transact(ops []*op) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	l.commits++
	for try := 1; ; try++ {
		topics, err := l.once(ctx, ops, l.commits%foldEvery == 0, try > 1)
		if err == nil {
			l.store.backend.Committed(topics) // first, so that those who are woken look
			l.store.Hub.Notify(topics...)
			return nil
		}
		if try == tries || !l.store.backend.Again(err) {
			return err
		}
		jitter := rand.N(min(time.Millisecond<<try, 100*time.Millisecond)) // it needs no secrecy
		select {
		case <-time.After(jitter):
		case <-ctx.Done():
			return err
		}
	}
}

func (l *lane) once(ctx context.Context, ops []*op, fold, careful bool) (topics []errand.Topic, err error) {
	err = l.store.backend.Transact(ctx, func(tx sqlstore.Tx) error {
		session := sqlstore.NewSession(tx, l.store.dialect)
		session.Remember(&l.store.places)
		if careful {
			session.Careful()
		}
		for _, o := range ops {
			if err := o.do(session); err != nil {
				return &opError{err}
			}
		}
		if fold {
			session.Fold()
		}
		topics = session.Topics()
		if err := session.Flush(); err != nil {
			return err
		}
		topics = session.Topics()
		return nil
	})
	return topics, err
}

// read looks at the store.
func (s *Store) read(ctx context.Context, label Label, do func(*sqlstore.Session) error) error {
	if err := s.Enter(ctx, label); err != nil {
		return err
	}
	defer s.Leave()
	limited, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	err := s.backend.View(limited, func(tx sqlstore.Tx) error {
		if err := do(sqlstore.NewSession(tx, s.dialect)); err != nil {
			return &opError{err}
		}
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%v: %w", label, ctx.Err())
	}
	var named *opError
	switch {
	case errors.As(err, &named):
		err = named.err
	case err != nil:
		err = fmt.Errorf("%v: %w", label, err)
	}
	return s.backend.Translate(err)
}

// Inside does an operation in a user's transaction, which is as before when it fails. Its topics are told by tell, inside
// the transaction.
func (s *Store) Inside(ctx context.Context, label Label, tx sqlstore.Tx, do func(*sqlstore.Session) error, tell func([]errand.Topic) error) error {
	if err := s.Enter(ctx, label); err != nil {
		return err
	}
	defer s.Leave()
	err := s.saved(tx, do, tell, false)
	for try := 1; err != nil && try < fewTries && s.backend.Again(err) && ctx.Err() == nil; try++ {
		if _, undone := tx.Exec("ROLLBACK TO SAVEPOINT errand"); undone != nil {
			break // the server has undone the whole transaction
		}
		err = s.saved(tx, do, tell, true)
	}
	if err != nil {
		_, undone := tx.Exec("ROLLBACK TO SAVEPOINT errand")
		return fmt.Errorf("%v: %w", label, s.backend.Translate(errors.Join(err, undone)))
	}
	return nil
}

func (s *Store) saved(tx sqlstore.Tx, do func(*sqlstore.Session) error, tell func([]errand.Topic) error, careful bool) error {
	if _, err := tx.Exec("SAVEPOINT errand"); err != nil {
		return err
	}
	session := sqlstore.NewSession(tx, s.dialect)
	if careful {
		session.Careful()
	}
	if err := do(session); err != nil {
		return err
	}
	if err := session.Flush(); err != nil {
		return err
	}
	if err := tell(session.Topics()); err != nil {
		return err
	}
	_, err := tx.Exec("RELEASE SAVEPOINT errand")
	return err
}

// Known reports whether an error needs no translation: it is Errand's already, or a context's.
func Known(err error) bool {
	for _, known := range []error{
		errand.ErrInvalid, errand.ErrUnavailable, errand.ErrCorrupt, errand.ErrClosed, errand.ErrJobNotFound,
		errand.ErrWorkerNotFound, errand.ErrTxUnsupported,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
