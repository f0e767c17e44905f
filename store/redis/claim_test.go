package redis_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// claimBench claims jobs that were enqueued as benchSpecs, and fails where there are fewer.
func claimBench(t *testing.T, st errand.Store, now time.Time, worker string, number int64, n int) []*errand.Job {
	t.Helper()
	reply, err := st.Claim(t.Context(), errand.ClaimRequest{
		Now: now, Worker: worker, Number: number, Queues: []string{"bench"}, Limit: n, Lease: time.Minute, MaxRecoveries: 2,
	})
	if err != nil || len(reply.Jobs) != n {
		t.Fatalf("%d jobs claimed, want %d: %v", len(reply.Jobs), n, err)
	}
	return reply.Jobs
}

func enqueueBench(t *testing.T, st errand.Store, now time.Time, n, from int) {
	t.Helper()
	req := errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{benchSpecs(n, from)}}
	if _, err := st.Enqueue(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

// Two workers that claim many jobs at the same moment, with the same lease, have their own, before and after a renewal; and
// what was not started is not settled by a token that it would get.
func TestSameLease(t *testing.T) {
	st := openAt(t, place{testserver.Redis(t).URL, newPrefix()})
	ctx, now := t.Context(), time.Now()
	enqueueBench(t, st, now, 100, 0)
	all := map[string][]*errand.Job{"a": claimBench(t, st, now, "a", 1, 40), "b": claimBench(t, st, now, "b", 1, 40)}
	lease := errand.Lease{ID: all["a"][0].ID, Queue: "bench", Token: all["a"][0].Token}
	renewal := errand.RenewRequest{Now: now.Add(time.Second), Worker: "a", Lease: time.Minute, Leases: []errand.Lease{lease}}
	if errs, err := st.Renew(ctx, renewal); err != nil || errs[0] != nil {
		t.Fatal(err, errs)
	}
	for worker, jobs := range all {
		for i, job := range jobs {
			got, err := st.Job(ctx, "bench", job.ID)
			if err != nil {
				t.Fatal(err)
			}
			until := job.LeaseUntil
			if worker == "a" && i == 0 {
				until = until.Add(time.Second)
			}
			if got.State != errand.StateStarted || got.Worker != worker || got.Token != 1 || got.Attempt != 1 ||
				!got.LeaseUntil.Equal(until) || !got.StartedAt.Equal(job.StartedAt) {
				t.Fatalf("job %d of %s is %v of %q with token %d, attempt %d, started %v, leased until %v",
					i, worker, got.State, got.Worker, got.Token, got.Attempt, got.StartedAt, got.LeaseUntil)
			}
		}
	}
	req := errand.SettleRequest{Now: now, Worker: "a"}
	for _, spec := range benchSpecs(100, 0) {
		req.Outcomes = append(req.Outcomes, errand.Outcome{ID: spec.ID, Queue: "bench", Token: 1, Event: errand.EventSucceeded})
	}
	errs, err := st.Settle(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		if waiting := i >= 80; waiting != (err != nil) {
			t.Errorf("settling job %d, which waits: %v: %v", i, waiting, err)
		}
	}
	claimBench(t, st, now, "c", 1, 20)
}

// What is noted of claims does not grow with their number.
func TestClaimsAreForgotten(t *testing.T) {
	server := testserver.Redis(t)
	p := newPrefix()
	st := openAt(t, place{server.URL, p})
	now := time.Now()
	for n := range 100 {
		now = now.Add(time.Millisecond)
		enqueueBench(t, st, now, 20, 20*n)
		req := errand.SettleRequest{Now: now, Worker: "w"}
		for _, job := range claimBench(t, st, now, "w", int64(n+1), 20) {
			req.Outcomes = append(req.Outcomes, errand.Outcome{ID: job.ID, Queue: "bench", Token: job.Token, Event: errand.EventSucceeded})
		}
		if _, err := st.Settle(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	count := func() int64 {
		t.Helper()
		client := raw(t, server.URL)
		n, err := client.Do(t.Context(), client.B().Zcard().Key("{"+p+":q:bench}:claims").Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n < 1 || n > 32 {
		t.Errorf("of 100 claims that are over %d are noted, want some and at most 32", n)
	}
	if _, err := st.Maintain(t.Context(), errand.MaintainRequest{Now: now, Limit: 10, MaxRecoveries: 2}); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 0 {
		t.Errorf("after maintenance %d are noted", n)
	}
}

// A job under an id that is none, which somebody else has written, is claimed like the others and disturbs none of them.
func TestForeignID(t *testing.T) {
	server := testserver.Redis(t)
	p := newPrefix()
	st := openAt(t, place{server.URL, p})
	now := time.Now()
	enqueueBench(t, st, now, 20, 0)
	client := raw(t, server.URL)
	base, id := "{"+p+":q:bench}", uuid.MustParse(benchSpecs(1, 7)[0].ID)
	_, record := readRecord(t, client, base, string(id[:]))
	for _, result := range client.DoMulti(t.Context(),
		client.B().Hset().Key(base+":jobs").FieldValue().FieldValue("foreign", record).Build(),
		client.B().Zadd().Key(base+":queued:0").ScoreMember().ScoreMember(0, "\x00\x00\x00\x00\x00\x00foreign").Build(),
	) {
		if err := result.Error(); err != nil {
			t.Fatal(err)
		}
	}
	jobs := claimBench(t, st, now, "w", 1, 21)
	if jobs[0].ID != "666f726569676e" || jobs[20].ID != benchSpecs(1, 19)[0].ID {
		t.Errorf("claimed %s first and %s last", jobs[0].ID, jobs[20].ID)
	}
}

// Jobs whose records are in slices and in the common hash, in turn, are found in batches: each is in once, however it comes
// again, each is claimed in its place and settled, and nothing is left of them.
func TestSlices(t *testing.T) {
	server := testserver.Redis(t)
	p := newPrefix()
	st := openAt(t, place{server.URL, p})
	now := time.Now()
	specs := benchSpecs(200, 0)
	for i := range specs {
		id := uuid.MustParse(specs[i].ID)
		id[4] = byte(i / 30) // seven slices
		specs[i].ID = id.String()
	}
	enqueue := func(from, n int) {
		t.Helper()
		req := errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{specs[from : from+n]}}
		if _, err := st.Enqueue(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(specs); i += 20 { // one alone, then nineteen together
		enqueue(i, 1)
		enqueue(i+1, 19)
	}
	client := raw(t, server.URL)
	hashes := func() int {
		t.Helper()
		keys, err := client.Do(t.Context(), client.B().Keys().Pattern("{"+p+":q:bench}:jobs*").Build()).AsStrSlice()
		if err != nil {
			t.Fatal(err)
		}
		return len(keys)
	}
	if n := hashes(); n != 8 {
		t.Errorf("the records are in %d hashes, want 8", n)
	}
	enqueue(0, len(specs))
	for i := range specs {
		enqueue(i, 1)
	}
	jobs := claimBench(t, st, now, "w", 1, len(specs))
	req := errand.SettleRequest{Now: now, Worker: "w"}
	for i, job := range jobs {
		if job.ID != specs[i].ID {
			t.Fatalf("the claim's job %d is %s, want %s", i, job.ID, specs[i].ID)
		}
		req.Outcomes = append(req.Outcomes, errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded})
	}
	errs, err := st.Settle(t.Context(), req)
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	if n := hashes(); n != 0 {
		t.Errorf("%d hashes of records are left", n)
	}
	queues, err := st.Queues(t.Context(), now)
	if err != nil || queues[0].Enqueued.Total != 200 || queues[0].Finished.Total != 200 {
		t.Errorf("200 jobs were enqueued and finished, and the queue says %+v: %v", queues, err)
	}
}
