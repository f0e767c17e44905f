package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// TestCompletedJobsAreCounted: a job that its task settled inside a transaction counts as finished once that is committed,
// and as failed where the task forgets to commit.
func TestCompletedJobsAreCounted(t *testing.T) {
	st := openAt(t, filepath.Join(t.TempDir(), "jobs.db"))
	db := user(t, pathOf(t, st))
	task := errand.DefineFunc("pay", func(ctx context.Context, commit bool) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		info, _ := errand.JobFromContext(ctx)
		if err := info.WithTx(tx).Complete(nil); err != nil || !commit {
			return err
		}
		return tx.Commit()
	})
	if _, err := task.EnqueueMany(t.Context(), errand.NewQueue(st, "q"), []bool{true, true, false}); err != nil {
		t.Fatal(err)
	}
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"q"}, Concurrency: 1, Burst: true})
	w.Register(task)
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	reply, err := st.Series(t.Context(), errand.SeriesQuery{Step: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var finished, failed int64
	for _, s := range reply.Samples {
		finished, failed = finished+s.Finished, failed+s.Failed
	}
	if finished != 2 || failed != 1 {
		t.Errorf("%d finished and %d failed are counted, want 2 and 1", finished, failed)
	}
}
