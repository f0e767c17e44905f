package postgres_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/storetest"
)

// TestPgBouncer proves that the store works through a PgBouncer in transaction mode, where neither settings of a session nor
// notifications hold: against the model, with a worker that then finds by looking what another process enqueues, and, in
// make soak, through the whole suite.
func TestPgBouncer(t *testing.T) {
	bouncer := testserver.PgBouncer(t, testserver.OwnPostgres(t))
	t.Run("model", func(t *testing.T) {
		storetest.RunModel(t, func(t *testing.T) errand.Store { return openIn(t, bouncer.URL, newSchema()) })
	})
	t.Run("wake-up", func(t *testing.T) {
		schema := newSchema()
		here, there := openIn(t, bouncer.URL, schema), openIn(t, bouncer.URL, schema)
		ran := make(chan struct{}, 1)
		task := errand.DefineFunc("look", func(context.Context, int) error { ran <- struct{}{}; return nil })
		w := errand.NewWorker(here, errand.WorkerConfig{
			Queues: []string{"looked"}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		w.Register(task)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		for n := range 2 {
			began := time.Now()
			if _, err := task.Enqueue(t.Context(), errand.NewQueue(there, "looked"), n); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ran:
				t.Logf("picked up after %v", time.Since(began).Round(time.Millisecond))
			case <-time.After(time.Minute):
				t.Fatal("not picked up within a minute")
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if os.Getenv("ERRAND_SOAK") != "" {
		t.Run("suite", func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) errand.Store { return openIn(t, bouncer.URL, newSchema()) })
		})
	}
}
