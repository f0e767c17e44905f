package redis_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/redis"
)

// A server that may evict jobs is refused, and the error says what to do.
func TestRefusesEviction(t *testing.T) {
	server := testserver.Redis(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	st, err := redis.Open(t.Context(), server.URL)
	if st != nil || !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "noeviction") {
		t.Fatalf("opened: %v, %v", st, err)
	}
}

// Of a server that saves nothing to disk a warning tells; of others, none.
func TestWarnsOfWeakDurability(t *testing.T) {
	for warned, options := range map[bool][]string{true: {"--save", ""}, false: {"--appendonly", "yes"}} {
		var log strings.Builder
		st, err := redis.Open(t.Context(), testserver.Redis(t, options...).URL, redis.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), "save nothing to disk"); got != warned {
			t.Errorf("%q: %s", options, log.String())
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Errors of a server that is not there, or wants another password, name the operation and not the password.
func TestOpenErrors(t *testing.T) {
	server := testserver.Redis(t, "--requirepass", "right")
	for url, want := range map[string]string{
		"redis://:s3cret@" + server.Addrs[0]: "refuses the user name or the password",
		server.URL:                           "it wants a password",
		"redis://:s3cret@127.0.0.1:1":        "open redis://127.0.0.1:1",
	} {
		st, err := redis.Open(t.Context(), url)
		if st != nil || !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
	if st, err := redis.Open(t.Context(), "redis://:right@"+server.Addrs[0]); err != nil {
		t.Error(err)
	} else if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// The user of the package documentation's ACL line can do all that the suite does.
func TestPermissions(t *testing.T) {
	server := testserver.Redis(t, "--loglevel", "notice")
	client := raw(t, server.URL)
	words := strings.Fields(aclLine(t))
	err := client.Do(t.Context(), client.B().Arbitrary(words[0], words[1]).Args(words[2:]...).Build()).Error()
	if err != nil {
		t.Fatal(err)
	}
	url := "redis://errand:PASSWORD@" + server.Addrs[0]
	h := harness(url)
	h.Open = func(t *testing.T) errand.Store { return openAt(t, place{url, "errand:" + newPrefix()}) }
	h.Corrupt = nil // which the user may do, but its helper knows no passwords
	h.Run(t)
}

// drain enqueues jobs and has a worker run them. half is called when half of them have run.
func drain(t *testing.T, st errand.Store, jobs int, half func()) {
	t.Helper()
	var mu sync.Mutex
	ran := make(map[int]int)
	done := make(chan struct{})
	task := errand.DefineFunc("work", func(_ context.Context, n int) error {
		mu.Lock()
		defer mu.Unlock()
		ran[n]++
		switch {
		case ran[n] > 1:
		case len(ran) == jobs/2 && half != nil:
			half()
		case len(ran) == jobs:
			close(done)
		}
		return nil
	})
	ins := make([]int, jobs)
	for i := range ins {
		ins[i] = i
	}
	if _, err := task.EnqueueMany(t.Context(), errand.NewQueue(st, "work"), ins); err != nil {
		t.Fatal(err)
	}
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"work"}, Concurrency: 4, Lease: 3 * time.Second, Logger: quiet})
	w.Register(task)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		mu.Lock()
		t.Errorf("%d of %d jobs have run", len(ran), jobs)
		mu.Unlock()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A server that forgets its scripts is told them again.
func TestScriptFlush(t *testing.T) {
	server := testserver.Redis(t)
	client := raw(t, server.URL)
	st := openAt(t, place{server.URL, newPrefix()})
	drain(t, st, 2000, func() {
		if err := client.Do(t.Context(), client.B().ScriptFlush().Build()).Error(); err != nil {
			t.Error(err)
		}
	})
}

// A server that is killed and started again in the middle of the work has its jobs, and the worker goes on.
func TestRestart(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "everysec")
	st := openAt(t, place{server.URL, newPrefix()})
	drain(t, st, 5000, server.Restart)
}

// Connections that the server closes, all at once and again and again, are made anew, also those that wait for news.
func TestClientKill(t *testing.T) {
	server := testserver.Redis(t)
	st := openAt(t, place{server.URL, newPrefix()})
	for range 3 {
		drain(t, st, 2000, func() {
			normal, listening := server.Ask(0, "CLIENT", "KILL", "TYPE", "normal"), server.Ask(0, "CLIENT", "KILL", "TYPE", "pubsub")
			if normal+listening == "00" {
				t.Error("there was nobody to kill")
			}
		})
	}
}

// A server whose memory is full refuses jobs with an error that says so, and loses none: workers still claim, settle, retry
// and so empty it, and then it takes jobs again.
func TestMemoryFull(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes")
	st := openAt(t, place{server.URL, newPrefix()})
	var mu sync.Mutex
	ran := make(map[int]int)
	failed := errors.New("the first attempt fails")
	task := errand.DefineFunc("work", func(_ context.Context, p costPayload) error {
		mu.Lock()
		defer mu.Unlock()
		ran[p.N]++
		if p.N%7 == 0 && ran[p.N] == 1 {
			return failed
		}
		return nil
	}, errand.Retry(3, errand.Fixed(10*time.Millisecond)))
	q := errand.NewQueue(st, "work")
	all := costPayloads(20_000)
	const first = 1000
	if _, err := task.EnqueueMany(t.Context(), q, all[:first]); err != nil {
		t.Fatal(err)
	}
	var used int64
	_, rest, _ := strings.Cut(server.Ask(0, "INFO", "memory"), "used_memory:")
	if _, err := fmt.Sscan(rest, &used); err != nil {
		t.Fatal(err)
	}
	if reply := server.Ask(0, "CONFIG", "SET", "maxmemory", itoa(used+1<<20)); reply != "OK" {
		t.Fatal(reply)
	}
	in := first
	var err error
	for err == nil && in < len(all) {
		var handles []errand.Handle[errand.None]
		handles, err = task.EnqueueMany(t.Context(), q, all[in:in+500])
		in += len(handles)
	}
	if !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "its memory is full: raise maxmemory") {
		t.Fatalf("after %d jobs: %v", in, err)
	}
	t.Logf("full after %d jobs: %v", in, err)
	stop := startWorker(t, st, "work", 20, task)
	eventually(t, "the full server is empty", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(ran) >= in && idle(t, st, "work")
	})
	for n := range in {
		if want := map[bool]int{true: 2, false: 1}[n%7 == 0]; ran[n] != want {
			t.Fatalf("job %d ran %d times, want %d", n, ran[n], want)
		}
	}
	if _, err := task.EnqueueMany(t.Context(), q, all[in:in+500]); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	stop()
}

// A server that is frozen keeps nobody longer than he has said, and goes on when it is back.
func TestFrozenServer(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes")
	st := openAt(t, place{server.URL, newPrefix()})
	drain(t, st, 2000, func() {
		server.Signal(syscall.SIGSTOP)
		defer server.Signal(syscall.SIGCONT)
		task := errand.DefineFunc("work", func(context.Context, int) error { return nil })
		for what, call := range map[string]func(context.Context) error{
			"enqueue": func(ctx context.Context) error {
				_, err := task.Enqueue(ctx, errand.NewQueue(st, "other"), 1)
				return err
			},
			"claim": func(ctx context.Context) error {
				_, err := st.Claim(ctx, errand.ClaimRequest{Now: time.Now(), Worker: "w", Number: 1, Queues: []string{"other"}, Limit: 1, Lease: time.Minute})
				return err
			},
			"queues": func(ctx context.Context) error {
				_, err := st.Queues(ctx, time.Now())
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			began := time.Now()
			err := call(ctx)
			if took := time.Since(began); err == nil || took > 8*time.Second {
				t.Errorf("%s on a frozen server took %v: %v", what, took, err)
			}
			cancel()
		}
	})
}

// The nodes of a cluster are killed and come back, one after the other, in the middle of the work on queues of each.
func TestClusterRestart(t *testing.T) {
	server := testserver.RedisCluster(t, "--appendonly", "yes", "--appendfsync", "always")
	st := openAt(t, place{server.URL, newPrefix()})
	for node := range server.Addrs {
		drain(t, st, 1000, func() {
			server.KillNode(node)
			server.StartNode(node)
		})
	}
}

// A process that dies between the script that settles a parent and what follows from it for a child in another queue
// leaves that in the outbox: maintenance, by whoever does it, lets the child go on.
func TestDeathBeforeDelivery(t *testing.T) {
	for _, event := range []errand.Event{errand.EventSucceeded, errand.EventFailed} {
		server := testserver.Redis(t)
		st := openAt(t, place{server.URL, newPrefix()})
		now := time.Now()
		parent := errand.JobSpec{ID: errand.NewID(), Queue: "parents", Task: "t"}
		child := errand.JobSpec{ID: errand.NewID(), Queue: "children", Task: "t", DependsOn: []string{parent.ID}}
		for _, spec := range []errand.JobSpec{parent, child} {
			if errs, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{spec}}}); err != nil || errs[0] != nil {
				t.Fatal(err, errs)
			}
		}
		reply, err := st.Claim(t.Context(), errand.ClaimRequest{
			Now: now, Worker: "w", Number: 1, Queues: []string{"parents"}, Limit: 1, Lease: time.Minute, MaxRecoveries: 2,
		})
		if err != nil || len(reply.Jobs) != 1 {
			t.Fatal(err, reply)
		}
		o := errand.Outcome{ID: parent.ID, Queue: "parents", Token: reply.Jobs[0].Token, Event: event}
		if err := st.SettleAndDie(t.Context(), now, o); err != nil {
			t.Fatal(err)
		}
		state := func() errand.State {
			job, err := st.Job(t.Context(), "children", child.ID)
			if err != nil {
				t.Fatal(err)
			}
			return job.State
		}
		if got := state(); got != errand.StateDeferred {
			t.Fatalf("before delivery the child is %v", got)
		}
		if _, err := st.Maintain(t.Context(), errand.MaintainRequest{Now: now.Add(time.Minute), MaxRecoveries: 2}); err != nil {
			t.Fatal(err)
		}
		want := map[errand.Event]errand.State{errand.EventSucceeded: errand.StateQueued, errand.EventFailed: errand.StateFailed}[event]
		if got := state(); got != want {
			t.Errorf("after maintenance the child of a parent that %v is %v, want %v", event, got, want)
		}
	}
}
