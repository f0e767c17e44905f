package crashtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/internal/wait"
	"github.com/errandhq/errand/store/mysql"
	"github.com/errandhq/errand/store/postgres"
)

// TestKilledServerLosesNothing proves that workers and producers go on after their database server was killed with
// kill -9 and has come back, and that nothing that was acknowledged is lost.
func TestKilledServerLosesNothing(t *testing.T) {
	for _, kind := range []struct {
		name  string
		start func(testing.TB) *testserver.Server
		open  func(ctx context.Context, url string) (errand.Store, error)
	}{
		{
			"postgres", func(tb testing.TB) *testserver.Server { return testserver.OwnPostgres(tb) },
			func(ctx context.Context, url string) (errand.Store, error) { return postgres.Open(ctx, url) },
		},
		{
			"mariadb", func(tb testing.TB) *testserver.Server { return testserver.OwnMariaDB(tb) },
			func(ctx context.Context, url string) (errand.Store, error) {
				return mysql.Open(ctx, strings.TrimSuffix(url, "/")+"/mysql") // the one database that is there
			},
		},
	} {
		t.Run(kind.name, func(t *testing.T) {
			server := kind.start(t)
			st, err := kind.open(t.Context(), server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			killServer(t, server, st)
		})
	}
}

func killServer(t *testing.T, server *testserver.Server, st errand.Store) {
	t.Helper()
	journal, err := os.OpenFile(filepath.Join(t.TempDir(), "journal"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	var ran atomic.Int64
	work := task(journal, func() { ran.Add(1) })
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Concurrency: 16, Lease: lease, Logger: quiet})
	w.Register(work)
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Errorf("worker: %v", err)
		}
	})
	acknowledged, refused := produce(ctx, st, work)

	await := func(n int64) {
		t.Helper()
		limited, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		waiter := wait.Waiter{First: time.Millisecond, Max: 5 * time.Millisecond}
		for ran.Load() < n {
			if err := waiter.Wait(limited); err != nil {
				t.Fatalf("only %d of %d jobs ran: %v", ran.Load(), n, err)
			}
		}
	}
	for round := int64(1); round <= 3; round++ {
		await(ran.Load() + 1000)
		server.Kill()
		server.Restart()
	}
	await(ran.Load() + 1000)
	close(acknowledged.stop)
	acknowledged.producers.Wait()
	s := &scene{T: t, journal: journal.Name()}
	drainedStore(t, st)
	runs, lost, twice := s.runs(), 0, 0
	for _, n := range acknowledged.list {
		switch runs[n] {
		case 0:
			lost++
		case 1:
		default:
			twice++
		}
	}
	t.Logf("%d jobs acknowledged, %d enqueues failed, 3 kills of the server: %d lost, %d ran more than once",
		len(acknowledged.list), refused.Load(), lost, twice)
	if lost > 0 {
		t.Errorf("%d acknowledged jobs were lost", lost)
	}
}

// produced is what producers got in.
type produced struct {
	stop      chan struct{}
	producers sync.WaitGroup
	mu        sync.Mutex
	list      []int
}

// produce has goroutines enqueue, each job until it is acknowledged, or the producers are stopped.
func produce(ctx context.Context, st errand.Store, work *errand.Task[step, errand.None]) (*produced, *atomic.Int64) {
	p := &produced{stop: make(chan struct{})}
	var next, refused atomic.Int64
	q := errand.NewQueue(st, queueName)
	for range 8 {
		p.producers.Go(func() {
			for ctx.Err() == nil {
				select {
				case <-p.stop:
					return
				default:
				}
				n := int(next.Add(1))
				if _, err := work.Enqueue(ctx, q, step{N: n}); err != nil {
					refused.Add(1) // it may be in or not
					pause := time.NewTimer(10 * time.Millisecond)
					<-pause.C
					continue
				}
				p.mu.Lock()
				p.list = append(p.list, n)
				p.mu.Unlock()
			}
		})
	}
	return p, &refused
}

// drainedStore waits until every job is final, and fails where one is not finished.
func drainedStore(t *testing.T, st errand.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	waiter := wait.Waiter{First: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	for {
		page, err := st.Jobs(ctx, errand.JobFilter{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Jobs) == 0 {
			break
		}
		if err := waiter.Wait(ctx); err != nil {
			t.Fatalf("not drained within a minute: %+v", page.Jobs[0])
		}
	}
	infos, err := st.Queues(ctx, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		for state, n := range info.Counts {
			if n != 0 {
				t.Errorf("%d jobs of queue %s are counted as %v, and none is there", n, info.Name, state)
			}
		}
	}
}
