package storetest

import (
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

var maintainCases = []testCase{
	{name: "scheduled jobs that are due are made queued in bounded batches", run: func(k *kit) {
		due := k.enqueueMany(25, runAt(k.now.Add(time.Minute)))
		later := k.enqueue(runAt(k.now.Add(2 * time.Minute)))
		k.pass(time.Minute)
		k.batches(10, []int{10, 10, 5}, func(r errand.MaintainReply) int { return r.Promoted })
		k.want(errand.StateQueued, due...)
		k.want(errand.StateScheduled, later)
	}},
	{name: "jobs of lost workers are recovered in bounded batches", run: func(k *kit) {
		ids := k.enqueueMany(25)
		k.claim(25)
		k.pass(time.Hour)
		k.batches(10, []int{10, 10, 5}, func(r errand.MaintainReply) int { return r.Recovered })
		k.want(errand.StateQueued, ids...)
	}},
	{name: "finished jobs are deleted when their result need not be kept longer", run: func(k *kit) {
		brief, long := k.enqueue(), k.enqueue()
		k.run(brief, errand.EventSucceeded, keep(time.Minute))
		k.run(long, errand.EventSucceeded, keep(time.Hour))
		k.pass(time.Minute - time.Microsecond)
		if n := k.maintain().Purged; n != 0 {
			k.Errorf("purged %d too early", n)
		}
		k.pass(time.Second)
		if n := k.maintain().Purged; n != 1 {
			k.Errorf("purged %d, want 1", n)
		}
		k.wantIDs("left", k.list(errand.JobFilter{}), long)
	}},
	{name: "a result is kept as long as the outcome says", run: func(k *kit) {
		s := spec()
		s.KeepResult = time.Minute
		k.ok(k.tryEnqueue(s))
		k.run(s.ID, errand.EventSucceeded, keep(time.Hour))
		k.pass(2 * time.Minute)
		k.maintain()
		k.want(errand.StateFinished, s.ID)
	}},
	{name: "failed and canceled jobs are deleted when they are old, and living ones never", run: func(k *kit) {
		failed, canceled, kept := k.enqueue(), k.enqueue(), k.enqueue()
		k.run(failed, errand.EventFailed)
		k.cancel(canceled)
		k.run(kept, errand.EventSucceeded, keep(1000*time.Hour))
		queued, scheduled := k.enqueue(), k.enqueue(runAt(k.now.Add(time.Hour)))
		deferred := k.enqueue(after(queued))
		bound := func(r *errand.MaintainRequest) { r.KeepFailed = time.Hour }
		k.pass(time.Hour - time.Second)
		k.maintain(bound)
		k.want(errand.StateFailed, failed)
		k.pass(2 * time.Second)
		if n := k.maintain(bound).Purged; n != 2 {
			k.Errorf("purged %d, want 2", n)
		}
		for _, id := range []string{failed, canceled} {
			_, err := k.st.Job(k.ctx, "", id)
			k.wantError(err, errand.ErrJobNotFound)
		}
		k.want(errand.StateFinished, kept)
		k.want(errand.StateQueued, queued, scheduled)
		k.want(errand.StateDeferred, deferred)
	}},
	{name: "of final jobs that are too many the oldest of each queue and state go", run: tooMany},
	{name: "a bound of zero is none", run: func(k *kit) {
		id := k.enqueue()
		k.run(id, errand.EventFailed)
		k.pass(100 * 24 * time.Hour)
		k.maintain(func(r *errand.MaintainRequest) { r.KeepFailed, r.MaxFailed = 0, 0 })
		k.want(errand.StateFailed, id)
	}},
	{name: "final jobs are deleted in bounded batches", run: func(k *kit) {
		k.enqueueMany(25)
		for _, job := range k.claim(25) {
			k.settle(job, errand.EventFailed)
		}
		k.pass(2 * errand.DefaultFailedKeep)
		k.batches(10, []int{10, 10, 5}, func(r errand.MaintainReply) int { return r.Purged })
		if jobs := k.list(errand.JobFilter{}); len(jobs) > 0 {
			k.Errorf("%d jobs are left", len(jobs))
		}
	}},
	{name: "a child whose finished parent was purged is not touched", run: func(k *kit) {
		parent, other := k.enqueue(), k.enqueue()
		child := k.enqueue(after(parent, other))
		k.run(parent, errand.EventSucceeded, keep(time.Minute))
		k.pass(time.Hour)
		k.maintain()
		k.want(errand.StateDeferred, child)
		k.run(other, errand.EventSucceeded)
		k.want(errand.StateQueued, child)
	}},
	{name: "deleting a kept result leaves the meters as they are", run: func(k *kit) {
		k.run(k.enqueue(), errand.EventSucceeded, keep(time.Minute))
		k.pass(time.Hour)
		k.maintain()
		if info := k.queueInfo("q"); info.Finished.Total != 1 || info.Enqueued.Total != 1 || info.Name != "q" {
			k.Errorf("queue: %+v", info)
		}
	}},
	{name: "maintenance of an empty store does nothing", run: func(k *kit) {
		if reply := k.maintain(); reply != (errand.MaintainReply{}) {
			k.Errorf("maintain: %+v", reply)
		}
	}},
	{
		name:  "a record that cannot be read makes one job fail, with its bytes kept, and disturbs nothing else",
		needs: func(h Harness) bool { return h.Corrupt != nil },
		run:   malformed,
	},
	{
		name:  "what is in the store is there after it was closed and opened again",
		needs: func(h Harness) bool { return h.Reopen != nil },
		run:   reopened,
	},
}

// batches calls Maintain with a limit: each call does as much as it says here, and all but the last say More.
func (k *kit) batches(limit int, want []int, count func(errand.MaintainReply) int) {
	k.Helper()
	for i, n := range want {
		reply, err := k.st.Maintain(k.ctx, errand.MaintainRequest{
			Now: k.now, Limit: limit, MaxRecoveries: maxRecoveries, KeepFailed: errand.DefaultFailedKeep, MaxFailed: 1000,
		})
		k.ok(err)
		if count(reply) != n || (i < len(want)-1 && !reply.More) {
			k.Fatalf("call %d: %+v, want %d", i+1, reply, n)
		}
	}
	if reply := k.maintain(); count(reply) != 0 {
		k.Fatalf("there was more: %+v", reply)
	}
}

func tooMany(k *kit) {
	var failed, canceled, finished, other []string
	for range 8 {
		failed = append(failed, k.enqueue())
		k.run(failed[len(failed)-1], errand.EventFailed)
		canceled = append(canceled, k.enqueue())
		k.cancel(canceled[len(canceled)-1])
		finished = append(finished, k.enqueue())
		k.run(finished[len(finished)-1], errand.EventSucceeded, keep(1000*time.Hour))
		other = append(other, k.enqueue(inQueue("other")))
		k.settle(k.claim(1, "other")[0], errand.EventFailed)
		k.pass(time.Second)
	}
	if n := k.maintain(func(r *errand.MaintainRequest) { r.MaxFailed = 5 }).Purged; n != 12 {
		k.Errorf("purged %d, want 12", n)
	}
	for name, ids := range map[errand.State][]string{
		errand.StateFailed: failed, errand.StateCanceled: canceled, errand.StateFinished: finished,
	} {
		k.wantIDs(fmt.Sprint(name, " left"), k.list(errand.JobFilter{Queue: "q", State: name}), ids[3:]...)
	}
	k.wantIDs("other queue", k.list(errand.JobFilter{Queue: "other"}), other[3:]...)
}

// malformed damages one of three jobs. The store meets it when it claims.
func malformed(k *kit) {
	a, bad, b := k.enqueue(), k.enqueue(withPayload([]byte("raw \x00\xff bytes"))), k.enqueue()
	k.h.Corrupt(k.t, k.st, bad)
	k.list(errand.JobFilter{})
	k.list(errand.JobFilter{State: errand.StateQueued})
	var got []string
	for range 3 {
		jobs := k.claim(10)
		got = append(got, idsOf(jobs)...)
		for _, job := range jobs {
			k.settle(job, errand.EventSucceeded)
		}
	}
	if len(got) != 2 || got[0] != a || got[1] != b {
		k.Fatalf("claimed %v, want %s and %s", got, a, b)
	}
	job := k.want(errand.StateFailed, bad)
	if string(job.Payload) != "raw \x00\xff bytes" {
		k.Errorf("payload %q", job.Payload)
	}
	if rec, ok := job.LastError(); !ok {
		k.Errorf("no reason is given: %+v", rec)
	}
	k.wantIDs("failed", k.list(errand.JobFilter{State: errand.StateFailed}), bad)
	k.maintain()
	k.run(k.enqueue(), errand.EventSucceeded)
	k.delete(bad)
}

// reopened compares a full listing, messages and workers before and after.
func reopened(k *kit) {
	parent := k.enqueue()
	k.ok(k.tryEnqueue(fullSpec(parent)))
	failed, started := k.enqueue(withPriority(9)), k.enqueue(withPriority(8))
	k.run(failed, errand.EventFailed, noted(fullRecord(k.now)))
	k.run(k.enqueue(withPriority(9)), errand.EventSucceeded, keep(time.Hour), result([]byte("r")))
	job := k.claimOne(started)
	k.ok(k.report(lease(job), errand.Progress{Done: 1, Total: 2, Log: []string{"x"}, At: k.now}))
	k.ok(k.st.Pause(k.ctx, k.now, "paused"))
	k.ok(k.st.Put(k.ctx, errand.PutRequest{Now: k.now, Queue: "m", Producer: "p", Number: 1, Messages: [][]byte{{0}, {1}}}))
	before := k.list(errand.JobFilter{})
	k.st = k.h.Reopen(k.t, k.st)
	after := k.list(errand.JobFilter{})
	k.wantIDs("listing after opening again", after, idsOf(before)...)
	for i := range after {
		k.same("job after opening again", after[i], before[i])
	}
	if !k.queueInfo("paused").Paused {
		k.Error("the paused queue is not paused")
	}
	k.ok(k.st.Put(k.ctx, errand.PutRequest{Now: k.now, Queue: "m", Producer: "p", Number: 1, Messages: [][]byte{{0}, {1}}}))
	k.wantMessages("m", []byte{0}, []byte{1})
	k.settle(job, errand.EventSucceeded)
	k.run(parent, errand.EventSucceeded)
}
