package sqlite_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
	"github.com/errandhq/errand/store/sqlite"
)

// succeed reports that jobs have succeeded.
func succeed(t *testing.T, st errand.Store, jobs ...*errand.Job) []error {
	t.Helper()
	outcomes := make([]errand.Outcome, len(jobs))
	for i, job := range jobs {
		outcomes[i] = errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded}
	}
	errs, err := st.Settle(t.Context(), errand.SettleRequest{Now: now, Worker: "w", Outcomes: outcomes})
	if err != nil {
		t.Fatal(err)
	}
	return errs
}

// counted returns the counters of queue q.
func counted(t *testing.T, st errand.Store) errand.QueueInfo {
	t.Helper()
	infos, err := st.Queues(t.Context(), now)
	if err != nil || len(infos) != 1 {
		t.Fatalf("%d queues, %v", len(infos), err)
	}
	return infos[0]
}

func specs(n int) []errand.JobSpec {
	all := make([]errand.JobSpec, n)
	for i := range all {
		all[i] = newSpec([]byte{byte(i)})
	}
	return all
}

// TestSettledTogether proves that jobs which succeed together are each judged by their own lease, though their rows are
// deleted by ranges: whoever has lost one is told so, of one that a person wants canceled nothing is left behind, and what
// is sent again is taken.
func TestSettledTogether(t *testing.T) {
	st := openAt(t, filepath.Join(t.TempDir(), "jobs.db"))
	if err := enqueue(st, specs(100)...); err != nil {
		t.Fatal(err)
	}
	jobs := claim(t, st, 1, 100)
	if _, err := st.Cancel(t.Context(), errand.Command{Now: now, IDs: []string{jobs[7].ID}}); err != nil {
		t.Fatal(err)
	}
	release := errand.Outcome{ID: jobs[3].ID, Queue: "q", Token: jobs[3].Token, Event: errand.EventReleased}
	if _, err := st.Settle(t.Context(), errand.SettleRequest{Now: now, Worker: "w", Outcomes: []errand.Outcome{release}}); err != nil {
		t.Fatal(err)
	}
	again := claim(t, st, 2, 1)
	if len(again) != 1 || again[0].ID != jobs[3].ID {
		t.Fatalf("claimed %v, want the job that was released", again)
	}
	for i, err := range succeed(t, st, jobs[:60]...) {
		if lost := errors.Is(err, errand.ErrLeaseLost); lost != (i == 3) || !lost && err != nil {
			t.Errorf("job %d: %v", i, err)
		}
	}
	for i, err := range succeed(t, st, append(jobs[50:], again...)...) {
		if lost := errors.Is(err, errand.ErrLeaseLost); lost != (i < 10) || !lost && err != nil {
			t.Errorf("job %d, second time: %v", i, err)
		}
	}
	info := counted(t, st)
	if len(info.Counts) != 0 || info.Finished.Total != 100 {
		t.Errorf("counters %v, %d finished, want none left and 100", info.Counts, info.Finished.Total)
	}
	if page, err := st.Jobs(t.Context(), errand.JobFilter{}); err != nil || len(page.Jobs) != 0 {
		t.Errorf("%d jobs are left, %v", len(page.Jobs), err)
	}
}

// TestSettledApart proves the same where jobs end in another order than they were claimed in, so that their rows make no
// ranges.
func TestSettledApart(t *testing.T) {
	st := openAt(t, filepath.Join(t.TempDir(), "jobs.db"))
	if err := enqueue(st, specs(100)...); err != nil {
		t.Fatal(err)
	}
	var odd, even []*errand.Job
	for i, job := range claim(t, st, 1, 100) {
		if i%2 == 1 {
			odd = append(odd, job)
		} else {
			even = append(even, job)
		}
	}
	if _, err := st.Cancel(t.Context(), errand.Command{Now: now, IDs: []string{even[20].ID}}); err != nil {
		t.Fatal(err)
	}
	for _, jobs := range [][]*errand.Job{odd, even[:25], even[25:]} {
		for i, err := range succeed(t, st, jobs...) {
			if err != nil {
				t.Errorf("job %d: %v", i, err)
			}
		}
	}
	for i, err := range succeed(t, st, odd...) {
		if !errors.Is(err, errand.ErrLeaseLost) {
			t.Errorf("job %d, second time: %v", i, err)
		}
	}
	if info := counted(t, st); len(info.Counts) != 0 || info.Finished.Total != 100 {
		t.Errorf("counters %v, %d finished, want none left and 100", info.Counts, info.Finished.Total)
	}
	plans, err := st.Plans()
	if err != nil {
		t.Fatal(err)
	}
	for query, plan := range plans {
		if strings.HasPrefix(query, "DELETE FROM errand_jobs") && !strings.Contains(plan, "PRIMARY KEY (rowid") && !strings.Contains(plan, "(id=?)") {
			t.Errorf("%s\nis planned as\n%s", query, plan)
		}
	}
}

// TestRowUsedAgain proves that a job which is gone is not taken for the one that got its row.
func TestRowUsedAgain(t *testing.T) {
	st := openAt(t, filepath.Join(t.TempDir(), "jobs.db"))
	if err := enqueue(st, newSpec(nil)); err != nil {
		t.Fatal(err)
	}
	first := claim(t, st, 1, 1)
	db := user(t, pathOf(t, st))
	if _, err := db.Exec("DELETE FROM errand_jobs"); err != nil { // as it would be by another process
		t.Fatal(err)
	}
	if err := enqueue(st, newSpec(nil)); err != nil {
		t.Fatal(err)
	}
	second := claim(t, st, 2, 1)
	if errs := succeed(t, st, first...); !errors.Is(errs[0], errand.ErrLeaseLost) {
		t.Errorf("the job that is gone: %v, want a lost lease", errs[0])
	}
	if errs := succeed(t, st, second...); errs[0] != nil {
		t.Errorf("the job in its row: %v", errs[0])
	}
}

// TestTwoStoresCount proves that a store does not go by counters, requests and claims that it remembers once another one,
// as in another process, has written.
func TestTwoStoresCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	stores := []*sqlite.Store{openAt(t, path), openAt(t, path)}
	const rounds = 20
	for n := range int64(rounds) {
		for _, st := range stores {
			number := n + 1
			req := errand.EnqueueRequest{Now: now, Producer: "p", Number: number, Groups: [][]errand.JobSpec{specs(3)}}
			if _, err := st.Enqueue(t.Context(), req); err != nil { // the second store's is the first's, sent again
				t.Fatal(err)
			}
			if _, err := st.Enqueue(t.Context(), req); err != nil {
				t.Fatal(err)
			}
		}
		st := stores[n%2]
		jobs := claim(t, st, n+1, 2)
		if len(jobs) != 2 {
			t.Fatalf("round %d: claimed %d jobs", n, len(jobs))
		}
		if same := claim(t, stores[(n+1)%2], n+1, 2); len(same) != 2 || same[0].ID != jobs[0].ID {
			t.Fatalf("round %d: repeated by the other store, the claim got %d other jobs", n, len(same))
		}
		if errs := succeed(t, stores[(n+1)%2], jobs[0]); errs[0] != nil {
			t.Fatal(errs[0])
		}
		if errs := succeed(t, st, jobs...); errs[1] != nil || !errors.Is(errs[0], errand.ErrLeaseLost) {
			t.Fatalf("round %d: %v, want the first refused", n, errs)
		}
	}
	for i, st := range stores {
		info := counted(t, st)
		if info.Enqueued.Total != 3*rounds || info.Finished.Total != 2*rounds || info.Counts[errand.StateQueued] != rounds || len(info.Counts) != 1 {
			t.Errorf("store %d counts %+v", i, info)
		}
	}
}

// TestUndoneIsNotRemembered proves that what a transaction has counted, claimed and numbered is forgotten with it.
func TestUndoneIsNotRemembered(t *testing.T) {
	st := openAt(t, filepath.Join(t.TempDir(), "jobs.db"))
	if err := enqueue(st, specs(4)...); err != nil {
		t.Fatal(err)
	}
	req := errand.ClaimRequest{Now: now, Worker: "w", Number: 1, Queues: []string{"q"}, Limit: 2, Lease: time.Minute, MaxRecoveries: 3}
	add := errand.EnqueueRequest{Now: now, Producer: "p", Number: 1, Groups: [][]errand.JobSpec{specs(5)}}
	errs := st.Group(func(s *sqlstore.Session) error {
		if _, err := s.Enqueue(add); err != nil {
			return err
		}
		if _, err := s.Claim(req, false); err != nil {
			return err
		}
		return errand.ErrInvalid
	})
	if !errors.Is(errs[0], errand.ErrInvalid) {
		t.Fatal(errs[0])
	}
	if info := counted(t, st); info.Enqueued.Total != 4 || info.Counts[errand.StateQueued] != 4 || len(info.Counts) != 1 {
		t.Errorf("after a rollback the store counts %+v", info)
	}
	if _, err := st.Enqueue(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	jobs := claim(t, st, 1, 10)
	if len(jobs) != 9 {
		t.Fatalf("claimed %d jobs, want the 4 and the 5 that were added again", len(jobs))
	}
	for _, err := range succeed(t, st, jobs...) {
		if err != nil {
			t.Error(err)
		}
	}
	if info := counted(t, st); info.Finished.Total != 9 || len(info.Counts) != 0 {
		t.Errorf("at the end the store counts %+v", info)
	}
}
