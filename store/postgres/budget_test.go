package postgres_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// TestBudgetRoundTrips bounds how often an operation waits for the server: BEGIN, COMMIT and what nobody awaits must travel
// with something else.
func TestBudgetRoundTrips(t *testing.T) {
	var trips tripCounter
	// One connection, on which all statements are prepared, whatever meets whatever else.
	st := openIn(t, ofOne(testserver.Relay(t, testserver.Postgres(t).URL, trips.pass)), newSchema())
	ctx, now, number := t.Context(), time.Now(), int64(0)
	enqueue := func() string {
		number++
		spec := errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "t"}
		req := errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{spec}}, Producer: "p", Number: number}
		if errs, err := st.Enqueue(ctx, req); err != nil || errs[0] != nil {
			t.Fatal(errs, err)
		}
		return spec.ID
	}
	claim := func() []*errand.Job {
		number++
		reply, err := st.Claim(ctx, errand.ClaimRequest{
			Now: now, Worker: "w", Queues: []string{"q"}, Limit: 1, Lease: time.Minute, MaxRecoveries: 3, Number: number,
		})
		if err != nil || len(reply.Jobs) != 1 {
			t.Fatal(reply, err)
		}
		return reply.Jobs
	}
	settle := func(job *errand.Job) {
		o := errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded}
		if errs, err := st.Settle(ctx, errand.SettleRequest{Now: now, Outcomes: []errand.Outcome{o}}); err != nil || errs[0] != nil {
			t.Fatal(errs, err)
		}
	}
	put := func() {
		number++
		err := st.Put(ctx, errand.PutRequest{Now: now, Queue: "m", Messages: [][]byte{nil}, Producer: "p", Number: number})
		if err != nil {
			t.Fatal(err)
		}
	}
	const rounds = 20
	cost := func(what string, budget float64, do func()) {
		t.Helper()
		st.AwaitTold()
		before := trips.Load()
		for range rounds {
			do()
		}
		st.AwaitTold()
		if got := float64(trips.Load()-before) / rounds; got < 1 || got > budget {
			t.Errorf("%s: %.2f round trips, the budget is %.2f", what, got, budget)
		}
	}
	for range rounds { // statements are prepared
		enqueue()
		put()
	}
	var jobs []*errand.Job
	for range rounds {
		jobs = append(jobs, claim()...)
	}
	for _, job := range jobs {
		settle(job)
	}
	cost("enqueue, and telling of it", 2, func() { enqueue() })
	jobs = nil
	cost("claim", 2.1, func() { jobs = append(jobs, claim()...) })
	cost("settle, and telling of it", 3.2, func() {
		settle(jobs[0])
		jobs = jobs[1:]
	})
	cost("put, and telling of it", 2, put)
}

// tripCounter counts how often a server says that it is ready for the next request.
type tripCounter struct{ atomic.Int64 }

func (c *tripCounter) pass(near, far net.Conn) {
	go func() {
		_, _ = io.Copy(far, near)
		_ = far.Close()
	}()
	for {
		var head [5]byte // type and length of a message
		if _, err := io.ReadFull(far, head[:]); err != nil {
			return
		}
		if head[0] == 'Z' {
			c.Add(1)
		}
		rest := int64(binary.BigEndian.Uint32(head[1:])) - 4
		_, wrote := near.Write(head[:])
		_, copied := io.CopyN(near, far, rest)
		if errors.Join(wrote, copied) != nil {
			return
		}
	}
}
