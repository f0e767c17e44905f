package redis_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// What 500 jobs may cost: one script each to enqueue, claim and settle them, with so many commands inside, whatever their
// number; and so many allocations a job. Whoever exceeds it has made every job dearer: think first, then raise it.
const (
	budgetEnqueue = 9 // commands, with the script itself
	budgetClaim   = 15
	budgetSettle  = 9

	budgetEnqueueAllocs = 1 // a job, in the store
	budgetClaimAllocs   = 1
	budgetSettleAllocs  = 1
	budgetDrainAllocs   = 11 // from claim to settlement, with engine and codec
)

func TestBudget(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "no")
	st := openAt(t, place{server.URL, newPrefix()})
	const size, rounds = 500, 4
	now := time.Now()
	type used struct{ commands, scripts, allocs int64 }
	var spent [3]used
	part := func(i int, do func()) {
		var before, after runtime.MemStats
		commandsBefore, scriptsBefore := commands(t, server)
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		all, scripts := commands(t, server)
		spent[i] = used{all - commandsBefore, scripts - scriptsBefore, int64(after.Mallocs - before.Mallocs)}
	}
	for round := range int64(rounds) { // the last one counts: the server knows the scripts by then
		var reply errand.ClaimReply
		specs := benchSpecs(size, int(round)*size)
		part(0, func() {
			req := errand.EnqueueRequest{Now: now, Producer: "p", Number: round + 1, Groups: [][]errand.JobSpec{specs}}
			if _, err := st.Enqueue(t.Context(), req); err != nil {
				t.Fatal(err)
			}
		})
		part(1, func() {
			var err error
			reply, err = st.Claim(t.Context(), errand.ClaimRequest{
				Now: now, Worker: "w", Number: round + 1, Queues: []string{"bench"}, Limit: size, Lease: time.Minute, MaxRecoveries: 2,
			})
			if err != nil || len(reply.Jobs) != size {
				t.Fatal(err, len(reply.Jobs))
			}
		})
		outcomes := make([]errand.Outcome, size)
		for i, job := range reply.Jobs {
			outcomes[i] = errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded}
		}
		part(2, func() {
			if _, err := st.Settle(t.Context(), errand.SettleRequest{Now: now, Worker: "w", Outcomes: outcomes}); err != nil {
				t.Fatal(err)
			}
		})
	}
	for i, budget := range []struct {
		what             string
		commands, allocs int64
	}{
		{"enqueue", budgetEnqueue, budgetEnqueueAllocs},
		{"claim", budgetClaim, budgetClaimAllocs},
		{"settle", budgetSettle, budgetSettleAllocs},
	} {
		got := spent[i]
		t.Logf("%s %d jobs: %d script, %d commands, %.2f allocations a job", budget.what, size, got.scripts, got.commands, float64(got.allocs)/size)
		if got.scripts != 1 || got.commands > budget.commands {
			t.Errorf("%s: %d scripts and %d commands, the budget is 1 and %d", budget.what, got.scripts, got.commands, budget.commands)
		}
		if got.allocs > budget.allocs*size+size/2 {
			t.Errorf("%s: %.2f allocations a job, the budget is %d", budget.what, float64(got.allocs)/size, budget.allocs)
		}
	}
}

// A worker's jobs share round trips, and cost few allocations from end to end.
func TestDrainBudget(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "no")
	st := openAt(t, place{server.URL, newPrefix()})
	const jobs = 20_000
	var left atomic.Int64
	left.Store(jobs)
	empty := make(chan struct{})
	task := errand.DefineFunc("work", func(context.Context, costPayload) error {
		if left.Add(-1) == 0 {
			close(empty)
		}
		return nil
	})
	if _, err := task.EnqueueMany(t.Context(), errand.NewQueue(st, "work"), costPayloads(jobs)); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	_, scriptsBefore := commands(t, server)
	runtime.ReadMemStats(&before)
	stop := startWorker(t, st, "work", 100, task)
	<-empty
	stop()
	runtime.ReadMemStats(&after)
	_, scripts := commands(t, server)
	trips, allocs := float64(scripts-scriptsBefore)/jobs, float64(after.Mallocs-before.Mallocs)/jobs
	t.Logf("%.4f round trips and %.1f allocations a job", trips, allocs)
	if trips > 0.1 {
		t.Errorf("%.4f round trips a job, at most 0.1 are allowed", trips)
	}
	if allocs > budgetDrainAllocs {
		t.Errorf("%.1f allocations a job, the budget is %d", allocs, budgetDrainAllocs)
	}
}
