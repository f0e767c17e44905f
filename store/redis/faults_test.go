package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
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
	case <-time.After(time.Minute):
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
