package postgres_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/storetest"
)

// ofOne is a URL with a pool of one connection.
func ofOne(url string) string {
	if strings.Contains(url, "?") {
		return url + "&pool_max_conns=1"
	}
	return url + "?pool_max_conns=1"
}

// TestPoolOfOne proves that a store whose pool may open one connection does all that others do: nothing that holds the
// connection waits for another. In make soak it goes through the whole suite.
func TestPoolOfOne(t *testing.T) {
	url := ofOne(testserver.Postgres(t).URL)
	open := func(t *testing.T) errand.Store { return openIn(t, url, newSchema()) }
	if os.Getenv("ERRAND_SOAK") != "" {
		t.Run("suite", func(t *testing.T) { storetest.Run(t, open) })
	}
	t.Run("model", func(t *testing.T) { storetest.RunModel(t, open) })
	t.Run("worker", func(t *testing.T) { testPoolOfOne(t, open(t), url) })
}

// testPoolOfOne runs tasks that enqueue, and that complete in transactions of a user whose pool has one connection as well.
func testPoolOfOne(t *testing.T, st errand.Store, url string) {
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	const jobs = 200
	q := errand.NewQueue(st, "q")
	var left atomic.Int64
	left.Store(3 * jobs)
	ended := make(chan struct{})
	done := func() {
		if left.Add(-1) == 0 {
			close(ended)
		}
	}
	leaf := errand.DefineFunc("leaf", func(context.Context, int) error { done(); return nil })
	root := errand.DefineFunc("root", func(ctx context.Context, n int) error {
		if _, err := leaf.Enqueue(ctx, q, n); err != nil { // while the handler's own job is renewed and others are settled
			return err
		}
		tx, err := pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx) //nolint:errcheck // after a commit there is nothing to undo
		if _, err := leaf.Enqueue(ctx, q.WithTx(tx), n); err != nil {
			return err
		}
		if _, err := leaf.Enqueue(ctx, q, n, errand.In(time.Hour)); err != nil { // past the transaction that is open
			return err
		}
		info, _ := errand.JobFromContext(ctx)
		if err := info.WithTx(tx).Complete(nil); err != nil {
			return err
		}
		done()
		return tx.Commit(ctx)
	})
	w := errand.NewWorker(st, errand.WorkerConfig{
		Queues: []string{"q"}, Concurrency: 16, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	w.Register(root, leaf)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	for n := range jobs {
		if _, err := root.Enqueue(t.Context(), q, n); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Queues(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		t.Errorf("%d calls are left after two minutes", left.Load())
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	page, err := st.Jobs(t.Context(), errand.JobFilter{Limit: 1000})
	if err != nil || len(page.Jobs) != jobs {
		t.Errorf("%d jobs are left, want the %d that are due in an hour; %v", len(page.Jobs), jobs, err)
	}
}
