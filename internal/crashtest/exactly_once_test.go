package crashtest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver of the task's own transaction

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testproc"
	"github.com/errandhq/errand/store"
)

// count adds one to a counter and settles its own job in the same transaction: both happen or neither does.
func count(db *sql.DB) *errand.Task[int, errand.None] {
	return errand.DefineFunc("count", func(ctx context.Context, _ int) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
		if _, err := tx.ExecContext(ctx, "UPDATE counter SET n = n + 1"); err != nil {
			return err
		}
		fmt.Println("counted") // where a kill hurts most: the write is made and not committed
		info, _ := errand.JobFromContext(ctx)
		if err := info.WithTx(tx).Complete(nil); err != nil {
			return err
		}
		return tx.Commit()
	}, errand.Retry(100, errand.Fixed(0)))
}

// openCounter opens the database of a store as its user does, apart from the store.
func openCounter(kind, where string) (*sql.DB, error) {
	for i := range sqlKinds {
		if k := &sqlKinds[i]; k.name == kind {
			return k.db(where)
		}
	}
	path := strings.TrimPrefix(where, "sqlite:")
	return sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)")
}

// runCounter works until it is killed.
func runCounter(args []string) error {
	ctx := context.Background()
	st, err := store.Open(ctx, args[1])
	if err != nil {
		return err
	}
	defer st.Close()
	db, err := openCounter(args[0], args[1])
	if err != nil {
		return err
	}
	defer db.Close()
	w := errand.NewWorker(st, errand.WorkerConfig{
		Queues: []string{queueName}, Concurrency: 4, Lease: lease, MaxRecoveries: 100, Logger: quiet,
	})
	w.Register(count(db))
	return w.Run(ctx)
}

// TestCounterEndsExactlyRight: workers are killed again and again between their write and its commit, and yet every job
// has counted once.
func TestCounterEndsExactlyRight(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testCounter(t, "sqlite", "sqlite:"+filepath.Join(t.TempDir(), "jobs.db")) })
	for i := range sqlKinds {
		k := &sqlKinds[i]
		t.Run(k.name, func(t *testing.T) {
			_, where := k.start(t)
			testCounter(t, k.name, where)
		})
	}
}

func testCounter(t *testing.T, kind, where string) {
	st := openStore(t, where)
	db, err := openCounter(kind, where)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, query := range []string{"CREATE TABLE counter (n INTEGER NOT NULL)", "INSERT INTO counter VALUES (0)"} {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	const jobs, kills = 300, 5
	if _, err := count(db).EnqueueMany(t.Context(), errand.NewQueue(st, queueName), make([]int, jobs)); err != nil {
		t.Fatal(err)
	}
	for range kills {
		p, err := testproc.Start("counter", kind, where)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, ok := <-p.Lines; !ok {
				t.Fatal("the worker ended by itself")
			}
		}
		p.Kill()
	}
	p, err := testproc.Start("counter", kind, where)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	drop(p)
	var info errand.QueueInfo
	until(t, "every job ends", func() bool {
		infos, err := st.Queues(t.Context(), mustNow(t, st))
		if err != nil || len(infos) != 1 {
			return false
		}
		info = infos[0]
		return info.Finished.Total+info.Counts[errand.StateFailed] >= jobs
	})
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT n FROM counter").Scan(&n); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d jobs, %d workers killed in the middle of a transaction: the counter is %d", jobs, kills, n)
	if n != jobs || info.Finished.Total != jobs || info.Counts[errand.StateFailed] != 0 {
		t.Errorf("the counter is %d, %d jobs finished, %d failed; want %d, %d, 0",
			n, info.Finished.Total, info.Counts[errand.StateFailed], jobs, jobs)
	}
}
