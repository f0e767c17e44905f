package mysql_test

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// TestBudgetRoundTrips bounds how often an operation waits for the server: START TRANSACTION, COMMIT and what nobody awaits
// must travel with something else.
func TestBudgetRoundTrips(t *testing.T) {
	var trips tripCounter
	where, _ := newDatabase(t, testserver.MariaDB(t).URL)
	st := openAt(t, testserver.Relay(t, where, trips.pass))
	ctx, now, number := t.Context(), time.Now(), int64(0)
	enqueue := func(jobs int) {
		number++
		group := make([]errand.JobSpec, jobs)
		for i := range group {
			group[i] = errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "t"}
		}
		req := errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{group}, Producer: "p", Number: number}
		if errs, err := st.Enqueue(ctx, req); err != nil || errs[0] != nil {
			t.Fatal(errs, err)
		}
	}
	claim := func(limit int) []*errand.Job {
		number++
		reply, err := st.Claim(ctx, errand.ClaimRequest{
			Now: now, Worker: "w", Queues: []string{"q"}, Limit: limit, Lease: time.Minute, MaxRecoveries: 3, Number: number,
		})
		if err != nil || len(reply.Jobs) != limit {
			t.Fatal(reply, err)
		}
		return reply.Jobs
	}
	settle := func(jobs []*errand.Job) {
		req := errand.SettleRequest{Now: now, Worker: "w"}
		for _, job := range jobs {
			req.Outcomes = append(req.Outcomes, errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded})
		}
		errs, err := st.Settle(ctx, req)
		if err := errors.Join(append(errs, err)...); err != nil {
			t.Fatal(err)
		}
	}
	const rounds, many = 20, 1000
	cost := func(what string, budget float64, do func()) {
		t.Helper()
		before := trips.Load()
		for range rounds {
			do()
		}
		if got := float64(trips.Load()-before) / rounds; got < 1 || got > budget {
			t.Errorf("%s: %.2f round trips, the budget is %.2f", what, got, budget)
		}
	}
	enqueue(2*many + 10) // the connection is made, and statements are prepared
	settle(claim(10))
	cost("enqueue", 1, func() { enqueue(1) })
	cost("enqueue 100", 1, func() { enqueue(100) })
	cost("enqueue 1,000", 3, func() { enqueue(many) })
	jobs := claim(many) // the next claims find some without a look
	cost("claim", 2.1, func() { jobs = append(jobs, claim(1)...) })
	cost("settle", 2.1, func() {
		settle(jobs[:1])
		jobs = jobs[1:]
	})
	cost("put", 1, func() {
		number++
		err := st.Put(ctx, errand.PutRequest{Now: now, Queue: "m", Messages: [][]byte{nil}, Producer: "p", Number: number})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// tripCounter counts the commands that clients send: their packets with number 0.
type tripCounter struct{ atomic.Int64 }

func (c *tripCounter) pass(near, far net.Conn) {
	go func() {
		_, _ = io.Copy(near, far)
		_ = near.Close()
	}()
	for {
		var head [4]byte // length and number of a packet
		if _, err := io.ReadFull(near, head[:]); err != nil {
			return
		}
		if head[3] == 0 {
			c.Add(1)
		}
		_, wrote := far.Write(head[:])
		_, copied := io.CopyN(far, near, int64(head[0])|int64(head[1])<<8|int64(head[2])<<16)
		if errors.Join(wrote, copied) != nil {
			return
		}
	}
}
