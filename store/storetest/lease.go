package storetest

import (
	"errors"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

var leaseCases = []testCase{
	{name: "a lease that has not run out is left alone", run: func(k *kit) {
		id := k.enqueue()
		job := k.claimOne(id)
		k.now = job.LeaseUntil
		if reply := k.maintain(); reply.Recovered+reply.Poisoned > 0 {
			k.Errorf("maintain: %+v", reply)
		}
		k.same("job", k.job(id), job)
	}},
	{name: "a job whose lease has run out is queued again, and says why", run: func(k *kit) {
		id := k.enqueue()
		job := k.claimOne(id)
		k.now = job.LeaseUntil.Add(time.Microsecond)
		if reply := k.maintain(); reply.Recovered != 1 || reply.Poisoned != 0 {
			k.Errorf("maintain: %+v", reply)
		}
		want := *job
		want.State, want.LeaseUntil, want.Recoveries, want.Attempt = errand.StateQueued, time.Time{}, 1, 0
		want.Attempts = []errand.AttemptRecord{{
			Attempt: 1, Token: 1, Outcome: errand.EventLost, Worker: "w1", StartedAt: job.StartedAt, EndedAt: k.now,
			Error: "worker w1 was lost: its lease ran out",
		}}
		k.same("recovered job", k.job(id), &want)
		if again := k.claimOne(id); again.Attempt != 1 || again.Token != 2 || again.Recoveries != 1 {
			k.Errorf("claimed again: attempt %d, token %d, recoveries %d", again.Attempt, again.Token, again.Recoveries)
		}
	}},
	{name: "a renewed lease lasts from the time of the renewal", run: func(k *kit) {
		id := k.enqueue()
		job := k.claimOne(id)
		for range 5 {
			k.pass(20 * time.Second)
			k.ok(k.renew(lease(job)))
			if until := k.job(id).LeaseUntil; !until.Equal(k.now.Add(leaseLength)) {
				k.Fatalf("lease until %v, want %v", until, k.now.Add(leaseLength))
			}
			if reply := k.maintain(); reply.Recovered > 0 {
				k.Fatal("a renewed job was recovered")
			}
		}
		k.settle(job, errand.EventSucceeded)
	}},
	{name: "a worker whose lease ran out may still renew and settle until the job is recovered", run: func(k *kit) {
		a := k.enqueue()
		job := k.claimOne(a)
		k.pass(time.Hour)
		k.ok(k.renew(lease(job)))
		if reply := k.maintain(); reply.Recovered > 0 {
			k.Error("the renewed job was recovered")
		}
		k.pass(time.Hour)
		k.settle(job, errand.EventSucceeded)
	}},
	{name: "an old token is refused by settle, renew and report, and changes nothing", run: fencing},
	{name: "leases of jobs that are gone, never were or are of other queues are lost", run: func(k *kit) {
		id := k.enqueue()
		job := k.claimOne(id)
		wrong := lease(job)
		wrong.Queue = "other"
		k.wantError(k.renew(wrong), errand.ErrLeaseLost)
		k.wantError(k.trySettle(errand.Outcome{ID: id, Queue: "other", Token: 1, Event: errand.EventFailed}), errand.ErrLeaseLost)
		k.same("job", k.job(id), job)
		k.wantError(k.renew(errand.Lease{ID: newID(), Queue: "q", Token: 1}), errand.ErrLeaseLost)
		k.wantError(k.trySettle(errand.Outcome{ID: newID(), Queue: "q", Token: 1, Event: errand.EventFailed}), errand.ErrLeaseLost)
		k.settle(job, errand.EventSucceeded)
		k.wantError(k.renew(lease(job)), errand.ErrLeaseLost)
		k.wantError(k.report(lease(job), errand.Progress{Done: 1}), errand.ErrLeaseLost)
	}},
	{name: "a renewal of several leases answers each", run: func(k *kit) {
		k.enqueueMany(3)
		jobs := k.claim(3)
		k.settle(jobs[1], errand.EventReleased)
		k.pass(time.Second)
		errs, err := k.st.Renew(k.ctx, errand.RenewRequest{
			Now: k.now, Worker: "w1", Lease: leaseLength,
			Leases: []errand.Lease{lease(jobs[0]), lease(jobs[1]), lease(jobs[2])},
		})
		k.ok(err)
		if len(errs) != 3 || errs[0] != nil || !errors.Is(errs[1], errand.ErrLeaseLost) || errs[2] != nil {
			k.Fatalf("errors: %v", errs)
		}
	}},
	{name: "recoveries are counted apart from attempts, and keep through retries", run: func(k *kit) {
		id := k.enqueue()
		k.claimOne(id)
		k.lose()
		k.run(id, errand.EventRetried)
		k.claimOne(id)
		k.lose()
		job := k.claimOne(id)
		if job.Attempt != 2 || job.Recoveries != 2 || job.Token != 4 {
			k.Errorf("attempt %d, recoveries %d, token %d, want 2, 2, 4", job.Attempt, job.Recoveries, job.Token)
		}
	}},
	{name: "a job that lost its worker once too often fails as a poison pill", run: poisonPill},
	{name: "a requeued poison pill has its recoveries anew", run: func(k *kit) {
		id := k.enqueue()
		for range maxRecoveries + 1 {
			k.claimOne(id)
			k.lose()
		}
		k.want(errand.StateFailed, id)
		k.requeue(id)
		if job := k.claimOne(id); job.Recoveries != 0 || job.Attempt != 1 {
			k.Errorf("recoveries %d, attempt %d", job.Recoveries, job.Attempt)
		}
		if reply := k.lose(); reply.Recovered != 1 {
			k.Errorf("maintain: %+v", reply)
		}
	}},
	{name: "a job on its last recovery is only given to who asks for one, one a claim", run: lastChance},
	{name: "one killer among 500 innocents is the only one that fails", run: killerAmongInnocents},
	{name: "with no recoveries allowed, the first lost worker poisons", run: func(k *kit) {
		id := k.enqueue()
		k.claimOne(id)
		k.pass(time.Hour)
		reply := k.maintain(func(req *errand.MaintainRequest) { req.MaxRecoveries = 0 })
		if reply.Poisoned != 1 || reply.Recovered != 0 {
			k.Errorf("maintain: %+v", reply)
		}
		k.want(errand.StateFailed, id)
	}},
}

func (k *kit) renew(l errand.Lease) error {
	k.Helper()
	errs, err := k.st.Renew(k.ctx, errand.RenewRequest{
		Now: k.now, Worker: "w1", Lease: leaseLength, Leases: []errand.Lease{l},
	})
	k.ok(err)
	if len(errs) != 1 {
		k.Fatalf("renew of one lease: %d errors in the reply", len(errs))
	}
	return errs[0]
}

func (k *kit) report(l errand.Lease, p errand.Progress) error {
	k.Helper()
	errs, err := k.st.Report(k.ctx, []errand.ProgressReport{{Lease: l, Progress: p}})
	k.ok(err)
	if len(errs) != 1 {
		k.Fatalf("report of one job: %d errors in the reply", len(errs))
	}
	return errs[0]
}

// fencing has a worker lose its job, first to the queue and then to another worker, and try everything all the same.
func fencing(k *kit) {
	id := k.enqueue()
	k.run(id, errand.EventReleased) // an outcome of an older token excuses nothing
	stale := k.claimOne(id)
	refused := func() {
		k.Helper()
		before := k.job(id)
		for _, event := range []errand.Event{
			errand.EventSucceeded, errand.EventRetried, errand.EventFailed,
			errand.EventSnoozed, errand.EventCanceled, errand.EventReleased,
		} {
			k.wantError(k.trySettle(outcome(stale, event, result([]byte("stale")), keep(time.Hour), at(k.now.Add(time.Minute)),
				noted(errand.AttemptRecord{Attempt: 1, Error: "stale"}))), errand.ErrLeaseLost)
		}
		k.wantError(k.renew(lease(stale)), errand.ErrLeaseLost)
		k.wantError(k.report(lease(stale), errand.Progress{Done: 7, At: k.now}), errand.ErrLeaseLost)
		k.same("job after a stale worker's attempts", k.job(id), before)
	}
	k.lose()
	refused()
	fresh := k.send(k.request("w2", 1)).Jobs[0]
	refused()
	k.settle(fresh, errand.EventSucceeded, keep(time.Hour), result([]byte("fresh")))
	refused()
	if got := string(k.job(id).Result); got != "fresh" {
		k.Errorf("result %q", got)
	}
}

func poisonPill(k *kit) {
	id := k.enqueue()
	child := k.enqueue(after(id), inQueue("children"))
	for i := range maxRecoveries {
		k.claimOne(id)
		if reply := k.lose(); reply.Recovered != 1 || reply.Poisoned != 0 {
			k.Fatalf("loss %d: %+v", i+1, reply)
		}
	}
	last := k.claimOne(id)
	if reply := k.lose(); reply.Recovered != 0 || reply.Poisoned != 1 {
		k.Fatalf("last loss: %+v", reply)
	}
	job := k.want(errand.StateFailed, id)
	if job.Recoveries != maxRecoveries+1 || !job.EndedAt.Equal(k.now) {
		k.Errorf("recoveries %d, ended %v", job.Recoveries, job.EndedAt)
	}
	if len(job.Attempts) != maxRecoveries+1 {
		k.Fatalf("%d records, want one for each loss", len(job.Attempts))
	}
	rec := job.Attempts[maxRecoveries]
	if rec.Outcome != errand.EventPoisoned || !strings.Contains(rec.Error, errand.ErrPoisoned.Error()) ||
		!strings.Contains(rec.Error, "4") || rec.Worker != "w1" || rec.Token != last.Token {
		k.Errorf("record of the poison pill: %+v", rec)
	}
	k.want(errand.StateFailed, child)
	if n := k.queueInfo("q").Failed.Total; n != 1 {
		k.Errorf("failed jobs counted: %d", n)
	}
	k.none()
}

func lastChance(k *kit) {
	suspects := k.enqueueMany(3)
	for range maxRecoveries {
		if n := len(k.claim(3)) + len(k.claim(3)) + len(k.claim(3)); n != 3 {
			k.Fatalf("claimed %d suspects, want 3", n)
		}
		k.lose()
	}
	innocents := k.enqueueMany(2)
	req := k.request("w1", 10)
	req.LastChance = false
	k.wantIDs("claim without last chance", k.send(req).Jobs, innocents...)
	innocents = k.enqueueMany(2)
	k.wantIDs("claim with last chance", k.claim(10), suspects[0], innocents[0], innocents[1])
	k.wantIDs("next claim", k.claim(10), suspects[1])
	req = k.request("w2", 10)
	req.LastChance = false
	k.wantIDs("claim without last chance when only a suspect is left", k.send(req).Jobs)
	k.want(errand.StateQueued, suspects[2])
}

// killerAmongInnocents crashes a worker again and again: it claims batches, runs them one by one in their order, and dies
// when it comes to the killer, with what it holds. As workers do, it asks for a last chance only while it holds none.
func killerAmongInnocents(k *kit) {
	const innocents = 500
	ids := k.enqueueMany(innocents/2, withTask("innocent"))
	killer := k.enqueue(withTask("killer"))
	ids = append(ids, k.enqueueMany(innocents/2, withTask("innocent"))...)
	crashes := 0
	for round := 0; k.job(killer).State != errand.StateFailed; round++ {
		if round > 1000 {
			k.Fatal("the killer does not fail")
		}
		jobs := k.claim(32)
		last := 0
		var done []errand.Outcome
		for _, job := range jobs {
			if job.Recoveries == maxRecoveries {
				last++
			}
			if job.ID == killer {
				crashes++
				break
			}
			done = append(done, outcome(job, errand.EventSucceeded))
		}
		if last > 1 {
			k.Fatalf("one claim has %d jobs on their last recovery", last)
		}
		k.settleAll(done)
		if len(done) < len(jobs) || len(jobs) == 0 {
			k.lose()
		}
	}
	if crashes != maxRecoveries+1 {
		k.Errorf("%d crashes, want %d", crashes, maxRecoveries+1)
	}
	for jobs := k.claim(32); len(jobs) > 0; jobs = k.claim(32) {
		for _, job := range jobs {
			k.settle(job, errand.EventSucceeded)
		}
	}
	k.wantIDs("what is left", k.list(errand.JobFilter{}), killer)
	if info := k.queueInfo("q"); info.Finished.Total != int64(len(ids)) || info.Failed.Total != 1 {
		k.Errorf("finished %d, failed %d", info.Finished.Total, info.Failed.Total)
	}
}

// settleAll sends outcomes, each of which must succeed.
func (k *kit) settleAll(outcomes []errand.Outcome) {
	k.Helper()
	errs, err := k.st.Settle(k.ctx, errand.SettleRequest{Now: k.now, Worker: "w1", Outcomes: outcomes})
	k.ok(err)
	if len(errs) != len(outcomes) {
		k.Fatalf("%d outcomes, %d errors in the reply", len(outcomes), len(errs))
	}
	k.ok(errors.Join(errs...))
}
