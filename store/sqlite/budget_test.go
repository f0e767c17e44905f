package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/errandhq/errand"
)

// TestBudget holds how many statements the writer runs, BEGIN, COMMIT and the look for others' commits included, so that
// they cannot creep up.
func TestBudget(t *testing.T) {
	st := openAt(t, filepath.Join(t.TempDir(), "jobs.db"))
	if err := enqueue(st, newSpec(nil)); err != nil { // the queue is known from here on
		t.Fatal(err)
	}
	count := st.CountStatements()
	spent := func(what string, most int, do func()) {
		t.Helper()
		before := count()
		do()
		if n := count() - before; n > most {
			t.Errorf("%s took %d statements, want at most %d", what, n, most)
		} else {
			t.Logf("%s: %d statements", what, n)
		}
	}
	add := func(number int64, n int) {
		req := errand.EnqueueRequest{Now: now, Producer: "p", Number: number, Groups: [][]errand.JobSpec{specs(n)}}
		if errs, err := st.Enqueue(t.Context(), req); err != nil || errs[0] != nil {
			t.Fatal(errs, err)
		}
	}
	add(1, 1)
	var jobs []*errand.Job
	spent("a job, enqueued alone", 6, func() { add(2, 1) })
	spent("500 jobs, enqueued together", 12, func() { add(3, 500) })
	claim(t, st, 1, 1)
	spent("a claim of a job", 7, func() { jobs = claim(t, st, 2, 1) })
	spent("an attempt that succeeded", 5, func() { succeed(t, st, jobs...) })
	spent("a claim of 500 jobs", 7, func() { jobs = claim(t, st, 3, 500) })
	spent("500 attempts that succeeded", 5, func() { succeed(t, st, jobs...) })
	if len(jobs) != 500 {
		t.Errorf("claimed %d jobs", len(jobs))
	}
}
