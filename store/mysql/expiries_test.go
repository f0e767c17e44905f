package mysql_test

import (
	"errors"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// TestUpgradeWithJobs takes a database with jobs, an hour's and two hours' retention and those that wait, through the step that
// lists what expires.
func TestUpgradeWithJobs(t *testing.T) {
	st := open(t)
	now := time.Now()
	finish(t, st, now, []time.Duration{time.Hour, 2 * time.Hour, time.Hour})
	enqueueJobs(t, st, now, 3)
	for _, query := range []string{ // as before the step
		"DROP TABLE errand_expiries", "ALTER TABLE errand_jobs ADD INDEX errand_jobs_expiry (expires_at)",
		"DELETE FROM errand_migrations WHERE version = 6",
	} {
		if _, err := placeOf(t, st).db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	st = reopen(t, st)
	purges(t, st, now.Add(30*time.Minute), 0)
	purges(t, st, now.Add(90*time.Minute), 2)
	purges(t, st, now.Add(3*time.Hour), 1)
	if jobs := claimJobs(t, st, now, 5); len(jobs) != 3 {
		t.Errorf("%d jobs wait, not 3", len(jobs))
	}
}

// TestListOfExpiries: what the list of jobs that expire says of others, which were requeued or deleted, deletes none, and goes.
func TestListOfExpiries(t *testing.T) {
	st := open(t)
	now := time.Now()
	listed := func(want int) {
		t.Helper()
		var n int
		if err := placeOf(t, st).db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM errand_expiries").Scan(&n); err != nil || n != want {
			t.Fatalf("%d jobs are listed, not %d: %v", n, want, err)
		}
	}
	jobs := finish(t, st, now, []time.Duration{time.Hour, time.Hour, time.Hour, 3 * time.Hour, 4 * time.Hour})
	listed(5)
	ids := func(some ...*errand.Job) errand.Command {
		cmd := errand.Command{Now: now}
		for _, job := range some {
			cmd.IDs = append(cmd.IDs, job.ID)
		}
		return cmd
	}
	if reply, err := st.Requeue(t.Context(), ids(jobs[0], jobs[1])); err != nil || reply.Done != 2 {
		t.Fatal(reply, err)
	}
	if reply, err := st.Delete(t.Context(), ids(jobs[2])); err != nil || reply.Done != 1 {
		t.Fatal(reply, err)
	}
	listed(4)
	again := claimJobs(t, st, now, 2)
	settleJobs(t, st, now, again[:1], []time.Duration{2 * time.Hour})
	settleJobs(t, st, now, again[1:], []time.Duration{0})
	listed(4) // one is gone
	purges(t, st, now.Add(90*time.Minute), 0)
	listed(3)
	reply, err := st.Maintain(t.Context(), errand.MaintainRequest{Now: now, Limit: 10, MaxRecoveries: 3, MaxFailed: 2})
	if err != nil || reply.Purged != 1 {
		t.Fatal(reply, err)
	}
	listed(2)
	purges(t, st, now.Add(5*time.Hour), 2)
	listed(0)
}

func enqueueJobs(t *testing.T, st errand.Store, now time.Time, n int) {
	t.Helper()
	group := make([]errand.JobSpec, n)
	for i := range group {
		group[i] = errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "t"}
	}
	errs, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{group}})
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

func claimJobs(t *testing.T, st errand.Store, now time.Time, limit int) []*errand.Job {
	t.Helper()
	reply, err := st.Claim(t.Context(), errand.ClaimRequest{
		Now: now, Worker: "w", Queues: []string{"q"}, Limit: limit, Lease: time.Minute, MaxRecoveries: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	return reply.Jobs
}

// settleJobs has jobs succeed, and each kept for so long.
func settleJobs(t *testing.T, st errand.Store, now time.Time, jobs []*errand.Job, keep []time.Duration) {
	t.Helper()
	req := errand.SettleRequest{Now: now, Worker: "w"}
	for i, job := range jobs {
		o := errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded, Keep: keep[i], Result: []byte("1")}
		req.Outcomes = append(req.Outcomes, o)
	}
	errs, err := st.Settle(t.Context(), req)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

// finish has new jobs succeed, and each kept for so long.
func finish(t *testing.T, st errand.Store, now time.Time, keep []time.Duration) []*errand.Job {
	t.Helper()
	enqueueJobs(t, st, now, len(keep))
	jobs := claimJobs(t, st, now, len(keep))
	settleJobs(t, st, now, jobs, keep)
	return jobs
}

// purges does the housekeeping of a time, which is to delete so many jobs.
func purges(t *testing.T, st errand.Store, now time.Time, want int) {
	t.Helper()
	reply, err := st.Maintain(t.Context(), errand.MaintainRequest{Now: now, Limit: 10, MaxRecoveries: 3})
	if err != nil || reply.Purged != want {
		t.Fatalf("%d jobs were purged after some time, not %d: %v", reply.Purged, want, err)
	}
}
