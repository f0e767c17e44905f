package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/internal/wait"
	"github.com/errandhq/errand/store/redis"
)

// books are what producers and handlers saw of jobs that are numbers.
type books struct {
	mu    sync.Mutex
	acked map[int]time.Time
	ran   map[int]int
}

func newBooks() *books { return &books{acked: make(map[int]time.Time), ran: make(map[int]int)} }

func (b *books) run(_ context.Context, n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ran[n]++
	return nil
}

func (b *books) acknowledged() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.acked)
}

// produce enqueues jobs until told to stop, whatever the server says. Each producer has numbers of its own.
func (b *books) produce(task *errand.Task[int, errand.None], q *errand.Queue, stop <-chan struct{}, from, step int) {
	for n := from; ; n += step {
		select {
		case <-stop:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if _, err := task.Enqueue(ctx, q, n); err == nil {
			b.mu.Lock()
			b.acked[n] = time.Now()
			b.mu.Unlock()
		}
		cancel()
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	waiter := wait.Waiter{First: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	for !holds() {
		if waiter.Wait(ctx) != nil {
			t.Fatalf("two minutes have passed without this: %s", what)
		}
	}
}

// idle reports whether no job of a queue waits or runs.
func idle(t *testing.T, st errand.Store, queue string) bool {
	infos, err := st.Queues(t.Context(), time.Now())
	if err != nil {
		return false
	}
	for _, info := range infos {
		c := info.Counts
		if info.Name == queue && c[errand.StateQueued]+c[errand.StateStarted]+c[errand.StateScheduled] > 0 {
			return false
		}
	}
	return true
}

// startWorker runs a worker until the test, or the function, ends it.
func startWorker(t *testing.T, st errand.Store, queue string, concurrency int, task errand.AnyTask) (stop func()) {
	t.Helper()
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queue}, Concurrency: concurrency, Lease: 3 * time.Second, Logger: quiet})
	w.Register(task)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// TestSentinelFailover: the primary is killed with kill -9 under load. The Sentinels' choice takes over, producers and the
// worker go on by themselves, and of what was acknowledged nothing is lost but what the replica had not got. The old
// primary comes back as a replica, and is refused as such.
func TestSentinelFailover(t *testing.T) {
	server := testserver.RedisSentinel(t)
	st, err := redis.Open(t.Context(), server.URL, redis.Logger(quiet))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	b := newBooks()
	task := errand.DefineFunc("work", b.run)
	q := errand.NewQueue(st, "work")
	stopWorker := startWorker(t, st, "work", 10, task)
	stop := make(chan struct{})
	var producers sync.WaitGroup
	for i := range 8 {
		producers.Go(func() { b.produce(task, q, stop, i, 8) })
	}
	eventually(t, "2000 jobs are acknowledged", func() bool { return b.acknowledged() >= 2000 })
	secured := time.Now()
	server.AwaitReplica(testserver.SentinelPrimary)
	server.KillNode(testserver.SentinelPrimary)
	killed := time.Now()
	before := b.acknowledged()
	eventually(t, "2000 more jobs are acknowledged", func() bool { return b.acknowledged() >= before+2000 })
	t.Logf("2000 more jobs were acknowledged %v after the primary was killed", time.Since(killed).Round(time.Millisecond))
	close(stop)
	producers.Wait()
	eventually(t, "nothing waits", func() bool { return idle(t, st, "work") })
	stopWorker()

	lost, doubled := 0, 0
	for n, at := range b.acked {
		switch {
		case b.ran[n] > 1:
			doubled++
		case b.ran[n] == 0:
			if lost++; at.Before(secured) {
				t.Errorf("a job is lost that was acknowledged %v before the kill, and the replica had it", killed.Sub(at))
			}
		}
	}
	t.Logf("of %d acknowledged jobs %d are lost and %d ran twice", len(b.acked), lost, doubled)

	server.StartNode(testserver.SentinelPrimary)
	eventually(t, "the old primary is a replica", func() bool {
		return strings.Contains(server.Ask(testserver.SentinelPrimary, "INFO", "replication"), "role:slave")
	})
	old, err := redis.Open(t.Context(), "redis://:s3cret@"+server.Addrs[testserver.SentinelPrimary])
	if old != nil || err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a replica was opened, or the password told: %v", err)
	}
	if old, err := redis.Open(t.Context(), "redis://"+server.Addrs[testserver.SentinelPrimary]); old != nil ||
		!errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "it is a replica: give the address of the primary") {
		t.Errorf("a replica was opened: %v", err)
	}
	for what, url := range map[string]string{
		"a user that the Sentinels do not have":    server.URL + "?sentinel_user=nobody&sentinel_password=s3cret",
		"a user that the primary does not have":    strings.Replace(server.URL, "://", "://nobody:s3cret@", 1),
		"a primary that the Sentinels do not know": strings.Replace(server.URL, "://", "://:s3cret@", 1) + "2",
	} {
		began := time.Now()
		st, err := redis.Open(t.Context(), url)
		if st != nil || !errors.Is(err, errand.ErrUnavailable) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", what, err)
		}
		t.Logf("%s, after %v: %v", what, time.Since(began).Round(time.Millisecond), err)
	}
}

// TestDemoted: a primary that is made a replica answers READONLY; the error says so, and when it is the primary again the
// work goes on.
func TestDemoted(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes")
	st := openAt(t, place{server.URL, newPrefix()})
	drain(t, st, 2000, func() {
		if reply := server.Ask(0, "REPLICAOF", "127.0.0.1", "1"); reply != "OK" {
			t.Error(reply)
		}
		task := errand.DefineFunc("work", func(context.Context, int) error { return nil })
		_, err := task.Enqueue(t.Context(), errand.NewQueue(st, "other"), 1)
		if !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "it is a replica: give the address of the primary") {
			t.Errorf("enqueue to a replica: %v", err)
		}
		if reply := server.Ask(0, "REPLICAOF", "NO", "ONE"); reply != "OK" {
			t.Error(reply)
		}
	})
}
