package crashtest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// soakVariable names the environment variable that says how many jobs the tests of this file take: make soak sets it to a
// million. Without it the one on bloat takes 60,000, and the one on backlogs is left to that target.
const soakVariable = "ERRAND_SOAK"

func soakJobs(t *testing.T, otherwise int) int {
	t.Helper()
	text := os.Getenv(soakVariable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: use a number of jobs", soakVariable, text)
	}
	return n
}

// crew is a worker that counts what it runs.
type crew struct {
	work *errand.Task[int, errand.None]
	ran  atomic.Int64
	stop func()

	until   atomic.Int64
	changed chan struct{} // has a value when ran has come to until
}

// hireCrew starts a worker of a hundred runners.
func hireCrew(t *testing.T, st errand.Store) *crew {
	t.Helper()
	c := &crew{}
	c.define()
	c.begin(t, st)
	return c
}

// define makes the task.
func (c *crew) define() {
	c.changed = make(chan struct{}, 1)
	c.work = errand.DefineFunc("soak", func(context.Context, int) error {
		if n := c.ran.Add(1); n == c.until.Load() {
			c.changed <- struct{}{}
		}
		return nil
	})
}

// reached returns a channel that gets a value when so many jobs have run. It is asked for before they have.
func (c *crew) reached(n int) <-chan struct{} {
	c.until.Store(int64(n))
	if c.ran.Load() >= int64(n) {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
	return c.changed
}

// begin starts the worker.
func (c *crew) begin(t *testing.T, st errand.Store) {
	t.Helper()
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Concurrency: 100, Logger: quiet})
	w.Register(c.work)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	c.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(c.stop)
}

// fill enqueues n jobs.
func fill(t *testing.T, st errand.Store, work *errand.Task[int, errand.None], n int) {
	t.Helper()
	const chunk = 20000
	for ; n > 0; n -= chunk {
		if _, err := work.EnqueueMany(t.Context(), errand.NewQueue(st, queueName), make([]int, min(n, chunk))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBloat: the tables stay small while many jobs go through them without a pause.
func TestBloat(t *testing.T) {
	jobs := soakJobs(t, 60_000)
	options := map[string][]string{"postgres": {"autovacuum_naptime=1s"}}
	sizes := map[string]string{
		"postgres": "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relnamespace = 'errand'::regnamespace",
		"mariadb":  "SELECT CAST(sum(file_size) AS SIGNED) FROM information_schema.innodb_sys_tablespaces WHERE name LIKE 'mysql/errand%'",
	}
	for i := range sqlKinds {
		k := &sqlKinds[i]
		t.Run(k.name, func(t *testing.T) {
			_, where := k.start(t, options[k.name]...)
			db := k.openDB(t, where)
			testBloat(t, openStore(t, where), jobs, func() float64 { return float64(countOf(t, db, sizes[k.name])) / (1 << 20) })
		})
	}
}

func testBloat(t *testing.T, st errand.Store, jobs int, size func() (mb float64)) {
	c := hireCrew(t, st)
	const ahead = 10_000
	var tenth, largest float64
	for in := 0; in < jobs; in += ahead {
		fill(t, st, c.work, ahead)
		until(t, "the worker follows", func() bool { return c.ran.Load() >= int64(in) })
		largest = max(largest, size())
		if in <= max(jobs/10, ahead) {
			tenth = largest
		}
	}
	until(t, "every job ends", func() bool { return c.ran.Load() >= int64(jobs) })
	c.stop()
	t.Logf("%d jobs went through, at most %d at a time: all tables and indexes were at most %.0f MB, %.0f MB after a tenth, %.0f MB at the end",
		jobs, 2*ahead, largest, tenth, size())
	if largest > 160 {
		t.Errorf("the tables grew to %.0f MB", largest)
	}
}

// TestBacklog measures how much slower a drain is for a million jobs that wait behind. Run it with make soak.
func TestBacklog(t *testing.T) {
	backlog := soakJobs(t, 0)
	if backlog == 0 {
		t.Log("not measured: use make soak")
		return
	}
	open := map[string]func(t *testing.T) errand.Store{
		"sqlite": func(t *testing.T) errand.Store { return openStore(t, "sqlite:"+filepath.Join(t.TempDir(), "jobs.db")) },
		"redis":  func(t *testing.T) errand.Store { return openStore(t, testserver.Redis(t, "--appendonly", "no").URL) },
	}
	for i := range sqlKinds {
		k := &sqlKinds[i]
		open[k.name] = func(t *testing.T) errand.Store {
			_, where := k.start(t)
			return openStore(t, where)
		}
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			const turns = 3
			few, many := &backlogged{st: open(t), waiting: 2 * backlogSample}, &backlogged{st: open(t), waiting: backlog}
			for range turns { // so that what the machine does meanwhile meets both
				few.turn(t)
				many.turn(t)
			}
			slower := 1 - many.median()/few.median()
			t.Logf("drained %.0f/s with %d waiting, %.0f/s with %d waiting: %.0f %% slower (medians of %d)",
				few.median(), few.waiting, many.median(), many.waiting, 100*slower, turns)
			if slower > 0.5 {
				t.Errorf("a backlog halves the pace")
			}
		})
	}
}

// backlogSample is how many jobs of a backlog are drained at a time.
const backlogSample = 60_000

// backlogged is a store in which jobs wait.
type backlogged struct {
	st      errand.Store
	waiting int // before a drain
	left    int
	paces   []float64 // jobs a second, of each turn
}

// turn drains several times, and notes the pace. The first time does not count: the other server may still be at work, purging
// and writing what it was left with. Whether one drain meets a purge is chance; all of them pay for those before.
func (b *backlogged) turn(t *testing.T) {
	t.Helper()
	const drains = 4
	b.drain(t)
	var took time.Duration
	for range drains {
		took += b.drain(t)
	}
	b.paces = append(b.paces, drains*backlogSample/took.Seconds())
	t.Logf("%.0f/s with %d waiting", b.paces[len(b.paces)-1], b.waiting)
}

// drain enqueues until so many wait as shall, and says how long the first of them take.
func (b *backlogged) drain(t *testing.T) time.Duration {
	t.Helper()
	fill(t, b.st, errand.DefineFunc("soak", func(context.Context, int) error { return nil }), b.waiting-b.left)
	began := time.Now()
	c := hireCrew(t, b.st)
	<-c.reached(backlogSample)
	took := time.Since(began)
	c.stop()
	b.left = b.waiting - int(c.ran.Load())
	return took
}

func (b *backlogged) median() float64 {
	sorted := slices.Sorted(slices.Values(b.paces))
	return sorted[len(sorted)/2]
}
