// Package memory keeps jobs in the memory of one process: for tests, and for programs whose jobs may die with them.
//
//	st := memory.New()
//	defer st.Close()
//	q := errand.NewQueue(st, "math")
//
// It keeps every promise of [errand.Store] but that of durability: when the process ends, its jobs are gone. Other
// processes cannot reach it, and it takes part in no transactions. Those who wait are woken at once.
//
// It is also the model that store/storetest holds other stores against, so it says plainly what each operation means:
// one lock, one map of jobs, and for each queue and state a tree in the order of [errand.Inspector.Jobs].
package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/notify"
)

// Store is an [errand.Store], an [errand.Notifier] and an [errand.Carrier]. Make one with [New].
type Store struct {
	hub notify.Hub

	mu        sync.Mutex
	closed    bool
	arrivals  int64
	jobs      map[string]*entry
	queues    map[string]*queue
	children  map[string]map[*entry]struct{} // by the id of a job, those in the store that depend on it
	claimers  map[string]*claimer
	producers map[string]producer // those who enqueue
	messages  map[string]*messageQueue
	workers   map[string]workerEntry
	series    series
	audit     []errand.AuditEntry // oldest first

	identity                   string
	packedJobs, packedMessages map[string]*errand.Parcel // by queue: what is on its way to another store
}

var (
	_ errand.Store     = (*Store)(nil)
	_ errand.Notifier  = (*Store)(nil)
	_ errand.Carrier   = (*Store)(nil)
	_ errand.Describer = (*Store)(nil)
)

// New returns an empty store.
func New() *Store {
	return &Store{
		jobs:      make(map[string]*entry),
		queues:    make(map[string]*queue),
		children:  make(map[string]map[*entry]struct{}),
		claimers:  make(map[string]*claimer),
		producers: make(map[string]producer),
		messages:  make(map[string]*messageQueue),
		workers:   make(map[string]workerEntry),
		series:    newSeries(),

		identity: errand.NewID(), packedJobs: make(map[string]*errand.Parcel), packedMessages: make(map[string]*errand.Parcel),
	}
}

// Close makes every later call return [errand.ErrClosed] and wakes up those who wait. It may be repeated.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.hub.NotifyAll()
	return nil
}

// Now returns the process's time.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	t, err := s.begin(ctx, "now", time.Time{})
	if err != nil {
		return time.Time{}, err
	}
	defer t.end()
	return micro(time.Now()), nil
}

// Subscribe implements [errand.Notifier].
func (s *Store) Subscribe(topics ...errand.Topic) (<-chan struct{}, func()) {
	return s.hub.Subscribe(topics...)
}

// turn is one operation on the store: it has the lock from begin to end, and then wakes up those whom it concerns.
type turn struct {
	*Store
	now    time.Time
	topics []errand.Topic
}

// begin waits for the store to be free and makes the operation's time the turn's.
func (s *Store) begin(ctx context.Context, op string, now time.Time) (*turn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", op, errand.ErrClosed)
	}
	return &turn{Store: s, now: micro(now)}, nil
}

func (t *turn) end() {
	t.mu.Unlock()
	if len(t.topics) > 0 {
		t.hub.Notify(t.topics...)
	}
}

// tell notes that those who wait for the topic are to be woken when the turn ends.
func (t *turn) tell(topic func(string) errand.Topic, name string) {
	if t.hub.Idle() {
		return
	}
	if next := topic(name); !slices.Contains(t.topics[max(0, len(t.topics)-4):], next) {
		t.topics = append(t.topics, next)
	}
}

// queue returns the queue of that name, made if need be.
func (t *turn) queue(name string) *queue {
	q, ok := t.queues[name]
	if !ok {
		q = newQueue(name)
		t.queues[name] = q
	}
	return q
}

// micro is t as stores keep it: to the microsecond, in UTC.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
