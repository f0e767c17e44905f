package storetest

import (
	"slices"
	"time"

	"github.com/errandhq/errand"
)

var claimCases = []testCase{
	{name: "a claimed job is started, with lease, token, worker, attempt and times", run: func(k *kit) {
		id := k.enqueue()
		before := k.job(id)
		k.pass(time.Second)
		job := k.claimOne(id)
		want := *before
		want.State, want.StartedAt, want.LeaseUntil = errand.StateStarted, k.now, k.now.Add(leaseLength)
		want.Worker, want.Token, want.Attempt = "w1", 1, 1
		k.same("claimed job", job, &want)
		k.same("stored job", k.job(id), &want)
		k.none()
	}},
	{name: "claims give the jobs of one priority in the order in which they came", run: func(k *kit) {
		first := k.enqueueMany(3) // at one time
		k.pass(time.Second)
		second := k.enqueueMany(3)
		k.wantIDs("first claim", k.claim(2), first[:2]...)
		k.wantIDs("second claim", k.claim(3), first[2], second[0], second[1])
		k.wantIDs("third claim", k.claim(100), second[2])
	}},
	{name: "a higher priority goes first", run: func(k *kit) {
		want := make([]string, errand.MaxPriority+1)
		for _, priority := range []int{4, 0, 9, 5, 1, 8, 2, 7, 3, 6} {
			k.pass(time.Second)
			want[errand.MaxPriority-priority] = k.enqueue(withPriority(priority))
		}
		k.wantIDs("listing", k.list(errand.JobFilter{State: errand.StateQueued}), want...)
		k.wantIDs("claim", k.claim(100), want...)
	}},
	{name: "a released job goes back to its old place", run: func(k *kit) {
		ids := k.enqueueMany(4)
		jobs := k.claim(2)
		k.pass(time.Minute)
		k.settle(jobs[1], errand.EventReleased)
		k.settle(jobs[0], errand.EventReleased)
		k.enqueue(withTask("later"))
		k.wantIDs("claim", k.claim(4), ids...)
	}},
	{name: "a job that lost its worker goes back to its old place", run: func(k *kit) {
		ids := k.enqueueMany(3)
		k.claimOne(ids[0])
		k.lose()
		k.wantIDs("claim", k.claim(3), ids...)
	}},
	{name: "scheduled jobs take their place by their time", run: func(k *kit) {
		late := k.enqueue(runAt(k.now.Add(3 * time.Second)))
		early := k.enqueue(runAt(k.now.Add(time.Second)))
		k.pass(2 * time.Second)
		between := k.enqueue()
		k.pass(2 * time.Second)
		last := k.enqueue()
		k.wantIDs("claim", k.claim(10), early, between, late, last)
	}},
	{name: "a retried job takes its place by the time of the retry", run: func(k *kit) {
		a, b := k.enqueue(), k.enqueue()
		k.run(a, errand.EventRetried, at(k.now.Add(time.Second)))
		k.run(b, errand.EventRetried) // at once: behind what waits
		k.wantIDs("claim now", k.claim(10), b)
		k.pass(time.Second)
		k.wantIDs("claim then", k.claim(10), a)
	}},
	{name: "a claim of several queues takes all of the first before the next", run: func(k *kit) {
		b := k.enqueueMany(2, inQueue("b"), withPriority(9))
		a := k.enqueueMany(2, inQueue("a"))
		c := k.enqueueMany(1, inQueue("c"))
		k.wantIDs("claim of a, b, c", k.claim(3, "a", "b", "c"), a[0], a[1], b[0])
		k.wantIDs("claim of c, none, b", k.claim(3, "c", "none", "b"), c[0], b[1])
		k.none("a", "b", "c")
	}},
	{name: "a claim gives no jobs of queues that it does not name", run: func(k *kit) {
		k.enqueue(inQueue("a"))
		k.none("b")
		k.none("A")
		k.none("a ")
	}},
	{name: "a scheduled job is never early, and NextDue says when it is due", run: scheduledNeverEarly},
	{name: "a paused queue gives nothing until it is resumed", run: func(k *kit) {
		ids := k.enqueueMany(2)
		other := k.enqueue(inQueue("other"))
		job := k.claimOne(ids[0])
		k.ok(k.st.Pause(k.ctx, k.now, "q"))
		k.ok(k.st.Pause(k.ctx, k.now, "q"))
		if !k.queueInfo("q").Paused || k.queueInfo("other").Paused {
			k.Error("Queues does not say which queue is paused")
		}
		k.wantIDs("claim of the paused and another", k.claim(10, "q", "other"), other)
		k.settle(job, errand.EventReleased)
		k.enqueue()
		k.none()
		k.ok(k.st.Resume(k.ctx, k.now, "q"))
		k.ok(k.st.Resume(k.ctx, k.now, "q"))
		if jobs := k.claim(10); len(jobs) != 3 {
			k.Errorf("after resume: %d jobs, want 3", len(jobs))
		}
	}},
	{name: "a queue can be paused before it has a job", run: func(k *kit) {
		k.ok(k.st.Pause(k.ctx, k.now, "q"))
		if info := k.queueInfo("q"); !info.Paused {
			k.Errorf("queue: %+v", info)
		}
		id := k.enqueue()
		k.none()
		k.ok(k.st.Resume(k.ctx, k.now, "q"))
		k.claimOne(id)
	}},
	{name: "a repeated claim returns the jobs of then that are still held, and no others", run: repeatedClaim},
	{name: "claims of a worker in two lanes repeat only what was claimed in each", run: laneClaims},
	{name: "a repeated claim that took nothing takes nothing", run: func(k *kit) {
		req := k.request("w1", 5)
		k.wantIDs("first", k.send(req).Jobs)
		k.enqueue()
		k.wantIDs("repeated", k.send(req).Jobs)
		if jobs := k.claim(1); len(jobs) != 1 {
			k.Error("the next claim got no job")
		}
	}},
	{name: "numbers of one worker say nothing of another", run: func(k *kit) {
		ids := k.enqueueMany(2)
		k.wantIDs("w1", k.send(k.request("w1", 1)).Jobs, ids[0])
		k.wantIDs("w2", k.send(k.request("w2", 1)).Jobs, ids[1])
	}},
	{name: "tokens rise with every claim, whoever claims", run: func(k *kit) {
		id := k.enqueue()
		for i := range 5 {
			worker := []string{"w1", "w2"}[i%2]
			jobs := k.send(k.request(worker, 1)).Jobs
			if len(jobs) != 1 || jobs[0].Token != int64(i+1) || jobs[0].Worker != worker {
				k.Fatalf("claim %d: %+v", i, jobs)
			}
			switch i {
			case 0:
				k.settle(jobs[0], errand.EventReleased)
			case 1:
				k.settle(jobs[0], errand.EventRetried)
			case 2:
				k.lose()
			case 3:
				k.settle(jobs[0], errand.EventFailed)
				k.requeue(id)
			}
		}
	}},
	{name: "no job is claimed twice, and all are claimed", run: func(k *kit) {
		ids := k.enqueueMany(300)
		var got []string
		for {
			jobs := k.claim(64)
			if len(jobs) == 0 {
				break
			}
			got = append(got, idsOf(jobs)...)
		}
		if !slices.Equal(got, ids) {
			k.Errorf("claimed %d jobs of %d, or in another order", len(got), len(ids))
		}
	}},
}

// scheduledNeverEarly looks a microsecond before, and at the time itself.
func scheduledNeverEarly(k *kit) {
	due := k.now.Add(10 * time.Second)
	id := k.enqueue(runAt(due))
	k.enqueue(runAt(due.Add(time.Hour)))
	k.enqueue(runAt(due.Add(-time.Second)), inQueue("other"))
	k.now = due.Add(-time.Microsecond)
	reply := k.send(k.request("w1", 10))
	if len(reply.Jobs) > 0 || !reply.NextDue.Equal(due) {
		k.Fatalf("just before: %d jobs, next due %v, want %v", len(reply.Jobs), reply.NextDue, due)
	}
	if n := k.maintain().Promoted; n != 1 { // that of the other queue
		k.Errorf("just before: %d jobs were promoted, want 1", n)
	}
	k.want(errand.StateScheduled, id)
	k.now = due
	reply = k.send(k.request("w1", 10))
	k.wantIDs("claim when due", reply.Jobs, id)
	if !reply.NextDue.Equal(due.Add(time.Hour)) {
		k.Errorf("next due %v, want %v", reply.NextDue, due.Add(time.Hour))
	}
	k.settle(reply.Jobs[0], errand.EventSucceeded)
	k.pass(2 * time.Hour)
	reply = k.send(k.request("w1", 10))
	if len(reply.Jobs) != 1 || !reply.NextDue.IsZero() {
		k.Errorf("at the end: %d jobs, next due %v, want 1 and none", len(reply.Jobs), reply.NextDue)
	}
}

// laneClaims has a worker claim in two lanes, the later number first, and repeats both.
func laneClaims(k *kit) {
	ids := k.enqueueMany(3)
	early, late := k.request("w1", 2), k.request("w1", 2)
	late.Lane = 1
	k.wantIDs("the lane beside", k.send(late).Jobs, ids[0], ids[1])
	k.wantIDs("the first lane, with a lower number", k.send(early).Jobs, ids[2])
	k.wantIDs("the lane beside, again", k.send(late).Jobs, ids[0], ids[1])
	k.wantIDs("the first lane, again", k.send(early).Jobs, ids[2])
}

// repeatedClaim repeats a claim after some of its jobs were settled, and others released and claimed again.
func repeatedClaim(k *kit) {
	ids := k.enqueueMany(5)
	req := k.request("w1", 4)
	first := k.send(req).Jobs
	k.wantIDs("claim", first, ids[:4]...)
	second := k.send(req).Jobs
	k.wantIDs("repeated", second, ids[:4]...)
	for i := range first {
		k.same("repeated claim's job", second[i], first[i])
	}
	k.settle(first[0], errand.EventSucceeded)
	k.settle(first[1], errand.EventRetried, at(k.now.Add(time.Hour)))
	k.settle(first[2], errand.EventReleased)
	k.wantIDs("repeated after settling", k.send(req).Jobs, ids[3])
	other := k.send(k.request("w2", 1)).Jobs // now another has the released one
	k.wantIDs("w2", other, ids[2])
	k.wantIDs("repeated again", k.send(req).Jobs, ids[3])
	k.wantIDs("the next claim", k.claim(10), ids[4])
	k.wantIDs("repeated after the next claim", k.send(req).Jobs, ids[3])
	if attempt := k.job(ids[3]).Attempt; attempt != 1 {
		k.Errorf("repeated claims are counted as attempts: %d", attempt)
	}
}
