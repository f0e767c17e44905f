package redis_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/redis"
)

// The jobs of a long queue are listed, counted, taken out, given back and claimed in their order, whichever sorted sets
// they are in; and no set, nor a span in the list, is left when all are gone.
func TestSpans(t *testing.T) {
	server := testserver.Redis(t)
	p := newPrefix()
	st := openAt(t, place{server.URL, p})
	redis.Span(st, 20)
	ctx, now := t.Context(), time.Now()
	var want []string // in the order of claims
	const lots, lot = 30, 10
	for _, prio := range []int{5, 0} {
		for n := range lots {
			if (prio == 5) == (n%3 == 0) {
				for _, spec := range benchSpecs(lot, n*lot) {
					want = append(want, spec.ID)
				}
			}
		}
	}
	for n := range lots {
		now = now.Add(time.Millisecond)
		specs := benchSpecs(lot, n*lot)
		for i := range specs {
			if n%3 == 0 {
				specs[i].Priority = 5
			}
			if n%2 == 0 {
				specs[i].UniqueKey = fmt.Sprint(n, i) // not by the shorter way
			}
		}
		if _, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{specs}}); err != nil {
			t.Fatal(err)
		}
	}
	client := raw(t, server.URL)
	keys := func(pattern string) int {
		t.Helper()
		keys, err := client.Do(ctx, client.B().Keys().Pattern("{"+p+":q:bench}:"+pattern).Build()).AsStrSlice()
		if err != nil {
			t.Fatal(err)
		}
		return len(keys)
	}
	if low, high := keys("queued:0*"), keys("queued:5*"); low < 5 || high < 2 {
		t.Fatalf("%d and %d sorted sets have the jobs, want spans", low, high)
	}
	listed := func() {
		t.Helper()
		var oldest time.Time
		for _, newest := range []bool{false, true} {
			jobs := list(t, st, errand.JobFilter{Queue: "bench", State: errand.StateQueued, Limit: 7, Newest: newest})
			var got []string
			oldest = now
			for _, job := range jobs {
				got = append(got, job.ID)
				if job.ReadyAt.Before(oldest) {
					oldest = job.ReadyAt
				}
			}
			if newest {
				slices.Reverse(got)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("newest first %v: listed %d jobs\n%v\nwant %d\n%v", newest, len(got), got, len(want), want)
			}
		}
		queues, err := st.Queues(ctx, now)
		if err != nil || queues[0].Counts[errand.StateQueued] != int64(len(want)) || !queues[0].Oldest.Equal(oldest) {
			t.Fatalf("the queue has %d jobs, the oldest waits since %v, and it says %+v: %v", len(want), oldest, queues, err)
		}
	}
	listed()

	// Some of each set are taken out, and whole sets.
	sets := keys("queued:0*")
	var gone []string
	for i, id := range want {
		if i%7 == 3 || i >= 120 && i < 160 {
			gone = append(gone, id)
		}
	}
	for i, do := range []func(context.Context, errand.Command) (errand.CommandReply, error){st.Cancel, st.Delete} {
		half := gone[i*len(gone)/2 : (i+1)*len(gone)/2]
		if reply, err := do(ctx, errand.Command{Now: now, IDs: half}); err != nil || reply.Done != len(half) {
			t.Fatalf("%d of %d jobs taken out: %v", reply.Done, len(half), err)
		}
	}
	want = slices.DeleteFunc(want, func(id string) bool { return slices.Contains(gone, id) })
	if left := keys("queued:0*"); left >= sets {
		t.Fatalf("of %d sorted sets %d are left: none is empty", sets, left)
	}
	listed()

	// What was claimed and is given back is in its old place; what is retried is the last.
	now = now.Add(time.Millisecond)
	jobs := claimBench(t, st, now, "w", 1, 90)
	var outcomes []errand.Outcome
	for i, job := range jobs {
		if job.ID != want[i] {
			t.Fatalf("the claim's job %d is %s, want %s", i, job.ID, want[i])
		}
		out := errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventReleased}
		if i == 40 {
			out.Event, out.At = errand.EventRetried, now
		}
		outcomes = append(outcomes, out)
	}
	settle(t, st, now, outcomes)
	retried := want[40]
	want = slices.Delete(want, 40, 41)
	last := slices.IndexFunc(want, func(id string) bool { return priorityOf(t, st, id) < priorityOf(t, st, retried) })
	want = slices.Insert(want, last, retried)
	listed()

	// What nobody has claimed is not settled by the token that it would get, and stays.
	outcomes = outcomes[:0]
	for _, id := range want[len(want)-30:] {
		outcomes = append(outcomes, errand.Outcome{ID: id, Queue: "bench", Token: 1, Event: errand.EventSucceeded})
	}
	errs, err := st.Settle(ctx, errand.SettleRequest{Now: now, Worker: "w", Outcomes: outcomes})
	if err != nil || slices.Contains(errs, nil) {
		t.Fatalf("jobs that wait were settled: %v, %v", errs, err)
	}
	listed()

	for number := int64(2); len(want) > 0; number++ {
		n := min(25, len(want))
		outcomes = outcomes[:0]
		for i, job := range claimBench(t, st, now, "w", number, n) {
			if job.ID != want[i] {
				t.Fatalf("claim %d: job %d is %s, want %s", number, i, job.ID, want[i])
			}
			outcomes = append(outcomes, errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded})
		}
		settle(t, st, now, outcomes)
		want = want[n:]
	}
	reply, err := st.Claim(ctx, errand.ClaimRequest{Now: now, Worker: "w", Number: 100, Queues: []string{"bench"}, Limit: 1, Lease: time.Minute})
	if err != nil || len(reply.Jobs) > 0 {
		t.Fatalf("one more claim found %d jobs: %v", len(reply.Jobs), err)
	}
	if left, lists := keys("queued:*"), keys("spans:*"); left+lists > 0 {
		t.Errorf("no jobs are left, and %d sets and %d lists of spans", left, lists)
	}
	if n, err := client.Do(ctx, client.B().Hget().Key("{"+p+":q:bench}").Field("spans").Build()).AsInt64(); err != nil || n != 0 {
		t.Errorf("the queue counts %d spans: %v", n, err)
	}
}

// list returns all jobs that a filter selects.
func list(t *testing.T, st errand.Store, filter errand.JobFilter) (jobs []*errand.Job) {
	t.Helper()
	for {
		page, err := st.Jobs(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, page.Jobs...)
		if len(jobs) > 10_000 {
			t.Fatalf("the pages of %+v do not end", filter)
		}
		if page.Next == "" {
			return jobs
		}
		filter.Cursor = page.Next
	}
}

func settle(t *testing.T, st errand.Store, now time.Time, outcomes []errand.Outcome) {
	t.Helper()
	errs, err := st.Settle(t.Context(), errand.SettleRequest{Now: now, Worker: "w", Outcomes: outcomes})
	if err = cmp.Or(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

func priorityOf(t *testing.T, st errand.Store, id string) int {
	t.Helper()
	job, err := st.Job(t.Context(), "bench", id)
	if err != nil {
		t.Fatal(err)
	}
	return job.Priority
}
