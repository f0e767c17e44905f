package crashtest

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testproc"
	"github.com/errandhq/errand/store"
)

// tick is a job that says when it was enqueued, in nanoseconds.
var tick = errand.DefineFunc("tick", func(context.Context, int64) error { return nil })

// runTicker enqueues so many jobs at a pace.
func runTicker(args []string) error {
	ctx := context.Background()
	st, err := store.Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer st.Close()
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	pace, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	q := errand.NewQueue(st, queueName)
	for range n {
		time.Sleep(pace) // the pace of the world
		if _, err := tick.Enqueue(ctx, q, time.Now().UnixNano()); err != nil {
			return err
		}
	}
	return nil
}

// listen starts a worker that tells how long after the call of Enqueue each job began.
func listen(t *testing.T, st errand.Store) <-chan time.Duration {
	t.Helper()
	waits := make(chan time.Duration, 1000)
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Concurrency: 10, Logger: quiet})
	w.Register(errand.DefineFunc("tick", func(_ context.Context, at int64) error {
		waits <- time.Since(time.Unix(0, at))
		return nil
	}))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	until(t, "the worker is there", func() bool {
		recs, err := st.Workers(t.Context())
		return err == nil && len(recs) == 1
	})
	return waits
}

// ticks has another process enqueue jobs, and returns how long each waited, sorted.
func ticks(t *testing.T, where string, waits <-chan time.Duration, n int, pace time.Duration) []time.Duration {
	t.Helper()
	p, err := testproc.Start("ticker", where, strconv.Itoa(n), pace.String())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	all := make([]time.Duration, 0, n)
	for range n {
		select {
		case d := <-waits:
			all = append(all, d)
		case <-time.After(2 * time.Minute):
			t.Fatal("a job was not picked up within two minutes")
		}
	}
	slices.Sort(all)
	return all
}

// TestPickupFromAnotherProcess: an idle worker begins at once what another process enqueues: on PostgreSQL because it is
// told, on MariaDB because it looks often while there are jobs. What it logs are figures; it fails where a job waits as
// long as one that is found by a seldom look.
func TestPickupFromAnotherProcess(t *testing.T) {
	for i := range sqlKinds {
		k := &sqlKinds[i]
		t.Run(k.name, func(t *testing.T) {
			_, where := k.start(t)
			waits := listen(t, openStore(t, where))
			ticks(t, where, waits, 20, 10*time.Millisecond) // connections and plans are made
			best := time.Hour
			for try := 0; try < 5 && best > 200*time.Millisecond; try++ { // a busy machine is not always busy
				all := ticks(t, where, waits, 300, 10*time.Millisecond)
				p50, p99 := all[len(all)/2], all[len(all)*99/100]
				t.Logf("from the call of Enqueue in one process to the handler in another: p50 %v, p99 %v", p50, p99)
				best = min(best, p50)
			}
			if best > 200*time.Millisecond {
				t.Errorf("half of the jobs waited for more than %v", best)
			}
		})
	}
}

// TestIdleWorkerLeavesTheServerAlone counts, at the server, what a worker with nothing to do asks of it, soon after a job and
// later, and how soon it begins a job that comes then. All is counted: looks, housekeeping, heartbeats and time series.
func TestIdleWorkerLeavesTheServerAlone(t *testing.T) {
	const soon, calm, watch = 8 * time.Second, 4 * time.Second, 20 * time.Second // heartbeats and time series twice
	counters := map[string]string{
		"postgres": "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()",
		"mariadb":  "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'QUESTIONS'",
	}
	mostSoon := map[string]float64{"postgres": 5, "mariadb": 25}
	most := map[string]float64{"postgres": 2, "mariadb": 2.2} // once a minute there is housekeeping
	for i := range sqlKinds {
		k := &sqlKinds[i]
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			_, where := k.start(t)
			db := k.openDB(t, where)
			waits := listen(t, openStore(t, where))
			ticks(t, where, waits, 1, 0)
			count := func(span time.Duration) float64 {
				before, began := countOf(t, db, counters[k.name]), time.Now()
				<-time.After(span)
				return float64(countOf(t, db, counters[k.name])-before-1) / time.Since(began).Seconds()
			}
			early := count(soon)
			<-time.After(calm)
			rate := count(watch)
			late := ticks(t, where, waits, 1, 0)[0]
			t.Logf("an idle worker asks %.2f times a second soon after a job, and %.2f times later; a job of another process then waits for %v",
				early, rate, late)
			if early > mostSoon[k.name] {
				t.Errorf("soon after a job it asks %.2f times a second", early)
			}
			if rate > most[k.name] {
				t.Errorf("an idle worker asks %.2f times a second", rate)
			}
			if late > 10*time.Second { // twice as long as until it looks even when nobody has woken it
				t.Errorf("a job waited for %v", late)
			}
		})
	}
}
