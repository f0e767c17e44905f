package redis_test

import (
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// TestArrivals: two processes enqueue to a queue, not quite in turns, so that each guesses rightly now and then where its
// jobs will be; and some jobs are sent twice, in one request or in two. Jobs are claimed in the order in which they came,
// and all of them can be settled.
func TestArrivals(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "no")
	p := place{server.URL, newPrefix()}
	one, other := openAt(t, p), openAt(t, p)
	now := time.Now()
	jobs := 0
	for i := range 60 {
		st := one
		if i%3 == 1 {
			st = other
		}
		again := min(i%4, jobs)
		specs := benchSpecs(again+1+i*7%40, jobs-again)
		jobs += len(specs) - again
		if i%5 == 0 {
			specs = append(specs, specs[0])
		}
		if _, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{specs}}); err != nil {
			t.Fatal(err)
		}
	}
	claimed := 0
	for number := int64(1); claimed < jobs; number++ {
		reply, err := one.Claim(t.Context(), errand.ClaimRequest{
			Now: now, Worker: "w", Number: number, Queues: []string{"bench"}, Limit: 100, Lease: time.Minute, MaxRecoveries: 2,
		})
		if err != nil || len(reply.Jobs) == 0 {
			t.Fatalf("claimed %d of %d jobs, then %d: %v", claimed, jobs, len(reply.Jobs), err)
		}
		var outcomes []errand.Outcome
		for _, job := range reply.Jobs {
			if want := benchSpecs(1, claimed)[0].ID; job.ID != want {
				t.Fatalf("job %d is %s, want %s", claimed, job.ID, want)
			}
			claimed++
			outcomes = append(outcomes, errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded})
		}
		refused, err := one.Settle(t.Context(), errand.SettleRequest{Now: now, Worker: "w", Outcomes: outcomes})
		if err != nil {
			t.Fatal(err)
		}
		for i, err := range refused {
			if err != nil {
				t.Errorf("%s: %v", outcomes[i].ID, err)
			}
		}
	}
	queues, err := one.Queues(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	for state, n := range queues[0].Counts {
		if n != 0 {
			t.Errorf("%d jobs are %v", n, state)
		}
	}
}

// TestRanks: many jobs with newer ids than any before are added unlooked for; what is in already is not added again, whether
// it comes whole, beside new jobs or, in a queue of an earlier build, where only the time of the last ids was noted.
func TestRanks(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "no")
	p := place{server.URL, newPrefix()}
	st, client := openAt(t, p), raw(t, server.URL)
	now := time.Now()
	specs := func(n int) []errand.JobSpec {
		made := make([]errand.JobSpec, n)
		for i := range made {
			made[i] = errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "t", Payload: []byte("1")}
		}
		return made
	}
	enqueue := func(want int64, jobs ...errand.JobSpec) {
		t.Helper()
		if _, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{jobs}}); err != nil {
			t.Fatal(err)
		}
		queues, err := st.Queues(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if n := queues[0].Counts[errand.StateQueued]; n != want {
			t.Errorf("%d jobs, want %d", n, want)
		}
	}
	first, second, late, third := specs(20), specs(20), specs(20), specs(20)
	enqueue(20, first...)
	enqueue(40, second...)
	enqueue(40, first...)
	enqueue(60, append(third, second[7], third[1])...)
	enqueue(80, late...)
	base := "{" + p.prefix + ":q:q}"
	if n, err := client.Do(t.Context(), client.B().Hdel().Key(base).Field("ranked").Build()).AsInt64(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	enqueue(80, third...)
	enqueue(100, specs(20)...)
	enqueue(100, late...)
}
