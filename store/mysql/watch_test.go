package mysql

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// TestWatcher: it looks often after a change and seldom later, and sees the next.
func TestWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var found, looks, told atomic.Int64
		w := watcher{
			look:   func(context.Context) (sums, error) { looks.Add(1); return sums{2: found.Load()}, nil },
			notify: func() { told.Add(1) },
		}
		w.add()
		defer w.close()
		after := func(d time.Duration, least, most int64, calm bool) uint64 {
			t.Helper()
			looks.Store(0)
			time.Sleep(d)
			synctest.Wait()
			changes, ok := w.Calm()
			if n := looks.Load(); n < least || n > most || ok != calm {
				t.Errorf("in %v it looked %d times; calm: %v", d, n, ok)
			}
			return changes
		}
		after(9*time.Second, 180, 9*25, false)
		before := after(2*time.Second, 10, 2*25, true)
		if after(time.Minute, 90, 101, true) != before || told.Load() != 1 {
			t.Errorf("told %d times, changes after %d", told.Load(), before)
		}
		found.Add(1)
		if after(seldom, 1, 14, false) == before || told.Load() != 2 {
			t.Errorf("a change was not seen: told %d times", told.Load())
		}
		after(9*time.Second, 180, 9*25, false)
	})
}

// TestAnswersWhileCalm: while nothing changes, who found nothing is not let ask again, until a change was seen, or a job is
// due, or a minute is over.
func TestAnswersWhileCalm(t *testing.T) {
	ctx := t.Context()
	server := strings.TrimSuffix(testserver.MariaDB(t).URL, "/") + "/"
	name := fmt.Sprintf("errand_calm_%d", os.Getpid())
	admin, err := Open(ctx, server+"mysql", Unmigrated())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.backend.db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = admin.backend.db.ExecContext(context.Background(), "DROP DATABASE "+name) }()
	open := func() *Store {
		st, err := Open(ctx, server+name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		return st
	}
	st, other := open(), open()
	rest := func() { // as if it had looked for a while
		w := &st.backend.watcher
		w.seenMu.Lock()
		defer w.seenMu.Unlock()
		w.changed, w.looked = time.Now().Add(-2*calm), time.Now()
	}
	now, number := time.Now(), int64(0)
	enqueue := func(in *Store, at time.Time) {
		t.Helper()
		spec := errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "t", RunAt: at}
		if errs, err := in.Enqueue(ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{spec}}}); err != nil || errs[0] != nil {
			t.Fatal(errs, err)
		}
	}
	claim := func(want int) {
		t.Helper()
		rest()
		number++
		reply, err := st.Claim(ctx, errand.ClaimRequest{
			Now: now, Worker: "w", Number: number, Queues: []string{"q"}, Limit: 10, Lease: time.Minute, MaxRecoveries: 3,
		})
		if err != nil || len(reply.Jobs) != want {
			t.Errorf("claimed %d jobs, want %d: %v", len(reply.Jobs), want, err)
		}
		queues, err := st.Queues(ctx, now)
		if err != nil {
			t.Error(err)
		}
		if _, err := st.Maintain(ctx, errand.MaintainRequest{Now: now, MaxRecoveries: 3}); err != nil {
			t.Error(err)
		}
		if orders, err := st.Orders(ctx, "w"); err != nil || orders.Stop || len(queues) > 1 {
			t.Error(orders, queues, err)
		}
	}
	claim(0)
	enqueue(other, time.Time{})
	claim(0) // it was not seen yet
	st.backend.watcher.note(true)
	claim(1)
	claim(0)
	enqueue(st, time.Time{}) // its own it knows of
	claim(1)
	claim(0)
	enqueue(other, time.Time{})
	now = now.Add(time.Minute) // an answer does not hold for longer
	claim(1)
	enqueue(st, now.Add(time.Second))
	claim(0)
	now = now.Add(time.Second)
	claim(1) // it is due
}
