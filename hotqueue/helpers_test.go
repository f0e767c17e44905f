package hotqueue_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
	"github.com/errandhq/errand/store/sqlite"
)

// eachStore runs a test on every store.
func eachStore(t *testing.T, test func(t *testing.T, st errand.Store)) {
	opened := map[string]func(t *testing.T) errand.Store{
		"memory": func(*testing.T) errand.Store { return memory.New() },
		"sqlite": func(t *testing.T) errand.Store {
			st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "jobs.db"))
			if err != nil {
				t.Fatal(err)
			}
			return st
		},
	}
	for name, open := range opened {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			defer func() {
				if err := st.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			test(t, st)
		})
	}
}

// soon is a context that ends before the test binary's own deadline would, so that what hangs says where.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// faulty is a store that a test can trouble. It wakes nobody.
type faulty struct {
	errand.Store

	now  func() error // nil: the store's time
	put  func(context.Context, errand.PutRequest) error
	pop  func(ctx context.Context, limit int) ([][]byte, error)
	bury func(context.Context, errand.JobSpec, errand.AttemptRecord) error

	puts, pops, buries atomic.Int64
}

func (f *faulty) Now(ctx context.Context) (time.Time, error) {
	if f.now != nil {
		return time.Time{}, f.now()
	}
	return f.Store.Now(ctx)
}

func (f *faulty) Put(ctx context.Context, req errand.PutRequest) error {
	f.puts.Add(1)
	if f.put != nil {
		return f.put(ctx, req)
	}
	return f.Store.Put(ctx, req)
}

func (f *faulty) Pop(ctx context.Context, now time.Time, queue string, limit int) ([][]byte, error) {
	f.pops.Add(1)
	if f.pop != nil {
		return f.pop(ctx, limit)
	}
	return f.Store.Pop(ctx, now, queue, limit)
}

func (f *faulty) Bury(ctx context.Context, now time.Time, spec errand.JobSpec, rec errand.AttemptRecord) error {
	f.buries.Add(1)
	if f.bury != nil {
		return f.bury(ctx, spec, rec)
	}
	return f.Store.Bury(ctx, now, spec, rec)
}

// notifying is a faulty store that wakes those who wait.
type notifying struct {
	*faulty
	errand.Notifier
}

// newFaulty returns a memory store to trouble, without and with its Notifier.
func newFaulty() (*faulty, errand.Store) {
	st := memory.New()
	f := &faulty{Store: st}
	return f, notifying{f, st}
}

// jobsOf returns a queue's jobs of one state.
func jobsOf(t *testing.T, st errand.Store, queue string, state errand.State) []*errand.Job {
	t.Helper()
	page, err := st.Jobs(context.Background(), errand.JobFilter{Queue: queue, State: state, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return page.Jobs
}
