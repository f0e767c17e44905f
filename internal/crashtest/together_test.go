package crashtest

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/memory"
)

// together are the stores of the tests in this file, each with a way to open it once more.
var together = []struct {
	name string
	open func(t *testing.T) func() errand.Store
}{
	{"memory", func(*testing.T) func() errand.Store {
		st := memory.New()
		return func() errand.Store { return st }
	}},
	{"sqlite", func(t *testing.T) func() errand.Store {
		where := "sqlite:" + filepath.Join(t.TempDir(), "jobs.db")
		return func() errand.Store { return openStore(t, where) }
	}},
	{"postgres", func(t *testing.T) func() errand.Store {
		_, where := sqlKinds[0].start(t)
		return func() errand.Store { return openStore(t, where) }
	}},
	{"mariadb", func(t *testing.T) func() errand.Store {
		_, where := sqlKinds[1].start(t)
		return func() errand.Store { return openStore(t, where) }
	}},
	{"redis", func(t *testing.T) func() errand.Store {
		where := testserver.Redis(t).URL
		return func() errand.Store { return openStore(t, where) }
	}},
}

// TestManyWorkersTogether: twenty workers on one queue, of two versions of a program of which the older knows one task less,
// on two stores opened in one process, beside a third store of another kind: no job is run twice, none starves, and what
// only the newer ones know is run by them.
func TestManyWorkersTogether(t *testing.T) {
	for _, kind := range together {
		t.Run(kind.name, func(t *testing.T) {
			open := kind.open(t)
			stores := []errand.Store{open(), open()}
			const jobs, few, workers = 2000, 10, 20 // few: an older worker that meets one puts it off by 2 s
			var runs [2][jobs]atomic.Int32
			var left atomic.Int32
			left.Store(jobs + few)
			ended := make(chan struct{})
			task := func(name string, which int) *errand.Task[int, errand.None] {
				return errand.DefineFunc(name, func(_ context.Context, n int) error {
					runs[which][n].Add(1)
					if left.Add(-1) == 0 {
						close(ended)
					}
					return nil
				})
			}
			known, fresh := task("known", 0), task("fresh", 1)

			other := memory.New() // works on meanwhile, undisturbed
			var elsewhere atomic.Int32
			aside := errand.DefineFunc("aside", func(context.Context, int) error { elsewhere.Add(1); return nil })
			if _, err := aside.EnqueueMany(t.Context(), errand.NewQueue(other, queueName), make([]int, 100)); err != nil {
				t.Fatal(err)
			}

			ctx, stop := context.WithCancel(t.Context())
			var group sync.WaitGroup
			run := func(st errand.Store, tasks ...errand.AnyTask) {
				w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Concurrency: 4, Logger: quiet})
				w.Register(tasks...)
				group.Go(func() {
					if err := w.Run(ctx); err != nil {
						t.Error(err)
					}
				})
			}
			run(other, aside)
			for i := range workers {
				if i%4 == 0 {
					run(stores[i/4%2], known)
				} else {
					run(stores[i/4%2], known, fresh)
				}
			}
			for i, task := range []*errand.Task[int, errand.None]{known, fresh} {
				group.Go(func() {
					params := make([]int, []int{jobs, few}[i])
					for n := range params {
						params[n] = n
					}
					if _, err := task.EnqueueMany(ctx, errand.NewQueue(stores[i], queueName), params); err != nil {
						t.Error(err)
					}
				})
			}
			select {
			case <-ended:
			case <-t.Context().Done():
			}
			stop()
			group.Wait()
			twice := 0
			for which := range runs {
				for n := range []int{jobs, few}[which] {
					if runs[which][n].Load() != 1 {
						twice++
					}
				}
			}
			if twice > 0 || elsewhere.Load() != 100 {
				t.Errorf("%d jobs did not run once; %d of 100 ran in the other store", twice, elsewhere.Load())
			}
			page, err := stores[0].Jobs(t.Context(), errand.JobFilter{})
			if err != nil || len(page.Jobs) > 0 {
				t.Errorf("%d jobs are left, %v", len(page.Jobs), err)
			}
		})
	}
}
