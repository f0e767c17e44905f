// Package readme runs the examples of the README that are not whole programs.
package readme

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver of the user's own transaction

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/sqlite"
)

var Square = errand.Define("square", func(_ context.Context, n int) (int, error) {
	return n * n, nil
})

type Message struct{ To, Text string }

func open(t *testing.T) (st *sqlite.Store, db *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jobs.db")
	st, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	db, err = sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = db.Close()
		_ = st.Close()
	})
	return st, db
}

// TestJobs runs the examples of jobs as a reader meets them, without their errors, and then counts what is in.
//
//nolint:errcheck // see above
func TestJobs(t *testing.T) {
	ctx := t.Context()
	st, db := open(t)
	q := errand.NewQueue(st, "math")
	a, _ := Square.Enqueue(ctx, q, 1)
	b, _ := Square.Enqueue(ctx, q, 2)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()

	Square.EnqueueMany(ctx, q, []int{1, 2, 3})                               // few round trips, all or nothing up to 500
	Square.Enqueue(ctx, q, 7, errand.In(10*time.Minute), errand.Priority(9)) // later; sooner than others
	Square.Enqueue(ctx, q, 7, errand.Retry(5, errand.Exponential(time.Second, time.Hour)), errand.Timeout(30*time.Second))
	Square.Enqueue(ctx, q, 7, errand.Unique(time.Hour))     // refused, with the first one's id, while that one is alive
	Square.Enqueue(ctx, q, 7, errand.DependsOn(a.ID, b.ID)) // when both have finished

	Square.Enqueue(ctx, q.WithTx(tx), 7) // lands if, and only if, your *sql.Tx commits
	err = tx.Commit()

	if err != nil {
		t.Fatal(err)
	}
	page, err := st.Jobs(ctx, errand.JobFilter{})
	if err != nil || len(page.Jobs) != 10 {
		t.Errorf("%d jobs are in, want 10; %v", len(page.Jobs), err)
	}
}

func TestList(t *testing.T) {
	ctx := t.Context()
	st, _ := open(t)

	mail := hotqueue.New[Message](st, "mail")
	mail.Put(ctx, Message{To: "ada", Text: "hello"}) //nolint:errcheck // as a reader meets it
	m, err := mail.Get(ctx)                          // waits for one

	if err != nil || m.To != "ada" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestParameters(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	st, _ := open(t)
	numbers := hotqueue.New[int](st, "numbers")
	squares := make(chan int, 1)
	if err := numbers.Put(ctx, 12); err != nil {
		t.Fatal(err)
	}
	go func() {
		if n := <-squares; n != 144 {
			t.Errorf("got %d", n)
		}
		stop()
	}()

	square := hotqueue.Worker(numbers, func(_ context.Context, n int) error { squares <- n * n; return nil })
	err := square.Run(ctx) // waits when there are none; a call that fails leaves a failed job, to look at and requeue

	if err != nil {
		t.Error(err)
	}
}
