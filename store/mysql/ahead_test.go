package mysql_test

import (
	"errors"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// TestReadAhead: what settles read from the disk are the pages that claims come to next, where a backlog is larger than the
// server's memory.
func TestReadAhead(t *testing.T) {
	server := testserver.OwnMariaDB(t, "--innodb-buffer-pool-size=32M").URL
	where, name := newDatabase(t, server)
	st, db := openAt(t, where), user(t, server, name)
	read := func() int { return serverCount(t, db, "Innodb_buffer_pool_reads") }
	ctx, now := t.Context(), time.Now()
	const step, rounds = 1000, 20
	payload := make([]byte, 300)
	for range 6 * rounds {
		group := make([]errand.JobSpec, step)
		for i := range group {
			group[i] = errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "t", Payload: payload}
		}
		req := errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{group}}
		if errs, err := st.Enqueue(ctx, req); err != nil || errs[0] != nil {
			t.Fatal(errs, err)
		}
	}
	settled := 0
	for round := range rounds {
		reply, err := st.Claim(ctx, errand.ClaimRequest{
			Now: now, Worker: "w", Queues: []string{"q"}, Limit: step, Lease: time.Minute, MaxRecoveries: 3, Number: int64(round + 1),
		})
		if err != nil || len(reply.Jobs) != step {
			t.Fatal(len(reply.Jobs), err)
		}
		before := read()
		req := errand.SettleRequest{Now: now, Worker: "w"}
		for _, job := range reply.Jobs {
			req.Outcomes = append(req.Outcomes, errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded})
		}
		errs, err := st.Settle(ctx, req)
		if err := errors.Join(append(errs, err)...); err != nil {
			t.Fatal(err)
		}
		settled += read() - before
	}
	t.Logf("%d pages were read while %d jobs were settled", settled, rounds*step)
	if pages := rounds * step * len(payload) / 16384; settled < pages {
		t.Errorf("settling read less than the %d pages that claims came to next", pages)
	}
}
