package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// TestUpgradeWithJobs takes a database with jobs through the step that leaves out the index of their arrival: they
// still come in that order.
func TestUpgradeWithJobs(t *testing.T) {
	st := open(t)
	p := placeOf(t, st)
	for _, query := range []string{ // as before the step
		"ALTER TABLE " + p.table("errand_jobs") + " DROP CONSTRAINT errand_jobs_id",
		"ALTER TABLE " + p.table("errand_jobs") + " ADD PRIMARY KEY (seq)",
		"CREATE UNIQUE INDEX errand_jobs_id ON " + p.table("errand_jobs") + " (id)",
		"DELETE FROM " + p.table("errand_migrations") + " WHERE version = 5",
	} {
		if _, err := p.pool.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	var ids []string
	for range 5 {
		ids = append(ids, errand.NewID())
	}
	slices.Reverse(ids) // so that the order is not that of the ids
	var group []errand.JobSpec
	for _, id := range ids {
		group = append(group, errand.JobSpec{ID: id, Queue: "q", Task: "t"})
	}
	if errs, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{group}}); err != nil || errs[0] != nil {
		t.Fatal(errs, err)
	}
	st = reopen(t, st)
	reply, err := st.Claim(t.Context(), errand.ClaimRequest{
		Now: now, Worker: "w", Number: 1, Queues: []string{"q"}, Limit: 10, Lease: time.Minute, MaxRecoveries: 3,
	})
	if err != nil || len(reply.Jobs) != len(ids) {
		t.Fatal(reply, err)
	}
	for i, job := range reply.Jobs {
		if job.ID != ids[i] {
			t.Errorf("job %d of the claim is %s, not %s", i, job.ID, ids[i])
		}
	}
	var indexes int
	err = p.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_indexes WHERE schemaname = $1 AND tablename = 'errand_jobs'`, p.schema).Scan(&indexes)
	if err != nil || indexes != 4 {
		t.Errorf("errand_jobs has %d indexes: %v", indexes, err)
	}
}
