package mysql_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// TestClaimsPassOverWhatIsGone holds back the purge, by a transaction that could still see every job, and bounds what a claim then
// reads: jobs that are gone stay in the indexes until the purge, at the head of their queue.
func TestClaimsPassOverWhatIsGone(t *testing.T) {
	st := open(t)
	db := placeOf(t, st).db
	db.SetMaxOpenConns(2)
	const gone, step, tries = 4000, 1000, 3
	now := time.Now()
	group := make([]errand.JobSpec, gone+(tries+1)*step)
	for i := range group {
		group[i] = errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "t"}
	}
	if errs, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{group}}); err != nil || errs[0] != nil {
		t.Fatal(errs, err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "START TRANSACTION WITH CONSISTENT SNAPSHOT"); err != nil {
		t.Fatal(err)
	}
	claim := func() (pages int) {
		before := pagesRead(t, st)
		reply, err := st.Claim(t.Context(), errand.ClaimRequest{
			Now: now, Worker: "w", Queues: []string{"q"}, Limit: step, Lease: time.Minute, MaxRecoveries: 3,
		})
		if err != nil || len(reply.Jobs) != step {
			t.Fatal(len(reply.Jobs), err)
		}
		pages = pagesRead(t, st) - before
		req := errand.SettleRequest{Now: now, Worker: "w"}
		for _, job := range reply.Jobs {
			req.Outcomes = append(req.Outcomes, errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded})
		}
		if _, err := st.Settle(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		return pages
	}
	first := claim()
	for range gone / step {
		claim()
	}
	last := claim()
	for range tries - 1 { // meanwhile the server may have purged, or counted, what tests before left
		last = min(last, claim())
	}
	t.Logf("the first claim read %d pages, one after %d jobs were gone %d", first, gone, last)
	if last > first+gone {
		t.Errorf("a claim reads again what is gone")
	}
}

// pagesRead is how often the server has looked at a page.
func pagesRead(t *testing.T, st errand.Store) int {
	t.Helper()
	return serverCount(t, placeOf(t, st).db, "Innodb_buffer_pool_read_requests")
}

// serverCount is what the server has counted.
func serverCount(t *testing.T, db *sql.DB, what string) (n int) {
	t.Helper()
	if err := db.QueryRow("SHOW GLOBAL STATUS LIKE '"+what+"'").Scan(&what, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
