package redis_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/redis"
)

// A producer whose calls follow each other closely has a second connection, and several that meet have a third. None outlives an
// error, a server that was started again gets new ones, and none is left when the store is closed.
func TestExpress(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	p := newPrefix()
	st, err := redis.Open(t.Context(), server.URL, redis.Prefix(p), redis.Logger(quiet))
	if err != nil {
		t.Fatal(err)
	}
	connections := func() int { return strings.Count(server.Ask(0, "CLIENT", "LIST"), " name=errand ") }
	task := errand.DefineFunc("work", func(context.Context, int) error { return nil })
	q := errand.NewQueue(st, "work")
	n := 0
	enqueue := func() {
		t.Helper()
		if _, err := task.Enqueue(t.Context(), q, n); err != nil {
			t.Fatal(err)
		}
		n++
	}
	for range 2 {
		eventually(t, "a lone producer has two connections", func() bool {
			enqueue()
			return connections() == 2
		})
		for range 100 {
			enqueue()
		}
		if got := connections(); got != 2 {
			t.Errorf("a lone producer has %d connections, want 2", got)
		}
		server.KillNode(0)
		server.StartNode(0)
	}
	enqueue()
	if queues, err := st.Queues(t.Context(), now(t, st)); err != nil || queues[0].Counts[errand.StateQueued] != int64(n) {
		t.Errorf("%d jobs were enqueued, and there are %+v: %v", n, queues, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			q := errand.NewQueue(st, "work")
			for ctx.Err() == nil {
				if _, err := task.Enqueue(t.Context(), q, 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	eventually(t, "producers that meet have three connections", func() bool { return connections() == 3 })
	stop()
	wg.Wait()
	if got := connections(); got > 3 {
		t.Errorf("four producers have %d connections, want 3", got)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a closed store has no connection", func() bool { return connections() == 0 })
}

func now(t *testing.T, st errand.Store) (now time.Time) {
	t.Helper()
	now, err := st.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now
}
