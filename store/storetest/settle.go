package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

var settleCases = []testCase{
	{name: "a job that succeeds is deleted", run: func(k *kit) {
		id := k.enqueue()
		k.run(id, errand.EventSucceeded, result([]byte("1")))
		_, err := k.st.Job(k.ctx, "q", id)
		k.wantError(err, errand.ErrJobNotFound)
		if n := k.queueInfo("q").Finished.Total; n != 1 {
			k.Errorf("finished jobs counted: %d", n)
		}
	}},
	{name: "a job that succeeds is kept with its result when that is asked", run: func(k *kit) {
		id := k.enqueue()
		k.claimOne(id)
		job := k.job(id)
		k.pass(time.Second)
		rec := errand.AttemptRecord{Attempt: 1, Token: 1, Outcome: errand.EventSucceeded, EndedAt: k.now, Log: []string{"line"}}
		k.settle(job, errand.EventSucceeded, keep(time.Hour), result([]byte("144")), noted(rec))
		job.State, job.EndedAt, job.LeaseUntil = errand.StateFinished, k.now, time.Time{}
		job.Result, job.Attempts = []byte("144"), []errand.AttemptRecord{rec}
		k.same("finished job", k.job(id), job)
		k.none()
	}},
	{name: "a job that fails is kept with the whole record of its attempt", run: func(k *kit) {
		id := k.enqueue()
		job := k.claimOne(id)
		k.pass(time.Second)
		rec := fullRecord(k.now)
		k.settle(job, errand.EventFailed, noted(rec))
		job.State, job.EndedAt, job.LeaseUntil = errand.StateFailed, k.now, time.Time{}
		job.Attempts = []errand.AttemptRecord{rec}
		k.same("failed job", k.job(id), job)
		if n := k.queueInfo("q").Failed.Total; n != 1 {
			k.Errorf("failed jobs counted: %d", n)
		}
		k.none()
	}},
	{name: "a retried job is scheduled for the time, and its attempt is charged", run: func(k *kit) {
		id := k.enqueue()
		due := k.now.Add(time.Minute)
		k.run(id, errand.EventRetried, at(due))
		if job := k.want(errand.StateScheduled, id); !job.ReadyAt.Equal(due) || job.Attempt != 1 {
			k.Errorf("ready %v, attempt %d", job.ReadyAt, job.Attempt)
		}
		k.none()
		k.now = due
		if job := k.claimOne(id); job.Attempt != 2 {
			k.Errorf("attempt %d, want 2", job.Attempt)
		}
	}},
	{name: "a retry whose time has come is queued, behind what waits", run: func(k *kit) {
		ids := k.enqueueMany(2)
		k.pass(time.Second)
		k.run(ids[0], errand.EventRetried, at(k.now))
		k.want(errand.StateQueued, ids[0])
		k.wantIDs("claim", k.claim(2), ids[1], ids[0])
	}},
	{name: "a snoozed job is scheduled for the time, and its attempt is not charged", run: func(k *kit) {
		id := k.enqueue()
		k.run(id, errand.EventSnoozed, at(k.now.Add(time.Minute)))
		if job := k.want(errand.StateScheduled, id); job.Attempt != 0 {
			k.Errorf("attempt %d", job.Attempt)
		}
		k.pass(time.Minute)
		if job := k.claimOne(id); job.Attempt != 1 || job.Token != 2 {
			k.Errorf("attempt %d, token %d", job.Attempt, job.Token)
		}
	}},
	{name: "a released job is queued or scheduled, and its attempt is not charged", run: func(k *kit) {
		id := k.enqueue()
		k.run(id, errand.EventReleased)
		if job := k.want(errand.StateQueued, id); job.Attempt != 0 || !job.ReadyAt.Equal(start) {
			k.Errorf("attempt %d, ready %v", job.Attempt, job.ReadyAt)
		}
		due := k.now.Add(time.Second)
		k.run(id, errand.EventReleased, at(due))
		if job := k.want(errand.StateScheduled, id); job.Attempt != 0 || !job.ReadyAt.Equal(due) {
			k.Errorf("attempt %d, ready %v", job.Attempt, job.ReadyAt)
		}
	}},
	{name: "a job that its worker cancels is canceled", run: func(k *kit) {
		id := k.enqueue()
		k.run(id, errand.EventCanceled, noted(errand.AttemptRecord{Attempt: 1, Outcome: errand.EventCanceled, Error: "off"}))
		if job := k.want(errand.StateCanceled, id); len(job.Attempts) != 1 || !job.EndedAt.Equal(k.now) {
			k.Errorf("records %+v, ended %v", job.Attempts, job.EndedAt)
		}
	}},
	{name: "a settle that is sent again is answered nil and does nothing", run: settledAgain},
	{name: "a settle of a deleted job that is sent again does nothing", run: func(k *kit) {
		id := k.enqueue()
		job := k.run(id, errand.EventSucceeded)
		if err := k.trySettle(outcome(job, errand.EventSucceeded)); err != nil && !errors.Is(err, errand.ErrLeaseLost) {
			k.Error(err)
		}
		if n := k.queueInfo("q").Finished.Total; n != 1 {
			k.Errorf("finished jobs counted: %d", n)
		}
	}},
	{name: "a second, different outcome is refused", run: func(k *kit) {
		failed, finished := k.enqueue(), k.enqueue()
		a := k.run(failed, errand.EventFailed)
		b := k.run(finished, errand.EventSucceeded, keep(time.Hour))
		k.wantError(k.trySettle(outcome(a, errand.EventSucceeded)), errand.ErrLeaseLost)
		k.wantError(k.trySettle(outcome(b, errand.EventFailed)), errand.ErrLeaseLost)
		k.want(errand.StateFailed, failed)
		k.want(errand.StateFinished, finished)
	}},
	{name: "one settle ends many attempts, each as its outcome says", run: mixedOutcomes},
	{name: "an event that is no outcome is refused", run: func(k *kit) {
		job := k.claimOne(k.enqueue())
		for _, event := range []errand.Event{0, errand.EventDue, errand.EventRequeued, errand.EventLost, errand.EventPoisoned} {
			if err := k.trySettle(outcome(job, event)); err == nil {
				k.Errorf("%v was accepted", event)
			}
		}
		k.same("job", k.job(job.ID), job)
	}},
	{name: "the history keeps the first record and the newest", run: func(k *kit) {
		id := k.enqueue()
		const runs = errand.MaxAttemptRecords + 10
		for i := range runs {
			k.run(id, errand.EventRetried, noted(errand.AttemptRecord{Attempt: i + 1, Error: fmt.Sprint("error ", i+1)}))
		}
		recs := k.job(id).Attempts
		if len(recs) != errand.MaxAttemptRecords {
			k.Fatalf("%d records", len(recs))
		}
		if recs[0].Attempt != 1 || recs[1].Attempt != runs-errand.MaxAttemptRecords+2 || recs[len(recs)-1].Attempt != runs {
			k.Errorf("records of attempts %d, %d ... %d", recs[0].Attempt, recs[1].Attempt, recs[len(recs)-1].Attempt)
		}
	}},
	{name: "since when a task is unknown is kept until another outcome", run: unknownSince},
	{name: "jobs of an outcome's worker are settled whoever sends it", run: func(k *kit) {
		job := k.claimOne(k.enqueue())
		errs, err := k.st.Settle(k.ctx, errand.SettleRequest{
			Now: k.now, Worker: "w9", Outcomes: []errand.Outcome{outcome(job, errand.EventFailed)},
		})
		k.ok(err)
		k.ok(errors.Join(errs...))
	}},
}

// fullRecord is a record with something in every field.
func fullRecord(now time.Time) errand.AttemptRecord {
	return errand.AttemptRecord{
		Attempt: 1, Token: 1, Outcome: errand.EventFailed, Worker: "host-1-abc", StartedAt: now.Add(-time.Second),
		EndedAt: now, Error: "dial: \u4e2d\u6587 \U0001F600 'quoted' \"twice\"\n\ttab", Chain: []string{"*net.OpError: dial", "b"},
		Stack: "goroutine 1 [running]:\nmain.main()\n", Panic: true, Log: []string{"a", "", "b"}, RetryAt: now.Add(time.Hour),
	}
}

// settledAgain repeats each outcome that leaves the job in the store.
func settledAgain(k *kit) {
	due := k.now.Add(time.Minute)
	rec := errand.AttemptRecord{Attempt: 1, Token: 1, Error: "once"}
	for _, o := range []errand.Outcome{
		{Event: errand.EventSucceeded, Keep: time.Hour, Result: []byte("1")},
		{Event: errand.EventRetried, At: due}, {Event: errand.EventRetried},
		{Event: errand.EventFailed},
		{Event: errand.EventSnoozed, At: due}, {Event: errand.EventSnoozed},
		{Event: errand.EventCanceled},
		{Event: errand.EventReleased}, {Event: errand.EventReleased, At: due, Unknown: true},
	} {
		queue := newID()
		id := k.enqueue(inQueue(queue))
		job := k.claim(1, queue)[0]
		o.ID, o.Queue, o.Token, o.Record = job.ID, job.Queue, job.Token, &rec
		k.ok(k.trySettle(o))
		before := k.job(id)
		k.pass(time.Second)
		if err := k.trySettle(o); err != nil {
			k.Errorf("%v sent again: %v", o.Event, err)
		}
		k.same(o.Event.String()+" sent again: job", k.job(id), before)
	}
}

// mixedOutcomes ends jobs of two queues, one of them with a lost lease, in one request.
func mixedOutcomes(k *kit) {
	k.enqueueMany(4, inQueue("a"))
	k.enqueueMany(2, inQueue("b"))
	jobs := k.claim(6, "a", "b")
	stale := outcome(jobs[2], errand.EventFailed)
	stale.Token = 99
	errs, err := k.st.Settle(k.ctx, errand.SettleRequest{Now: k.now, Worker: "w1", Outcomes: []errand.Outcome{
		outcome(jobs[0], errand.EventSucceeded),
		outcome(jobs[5], errand.EventFailed),
		stale,
		outcome(jobs[1], errand.EventRetried, at(k.now.Add(time.Minute))),
		outcome(jobs[4], errand.EventReleased),
		outcome(jobs[3], errand.EventSucceeded, keep(time.Hour)),
	}})
	k.ok(err)
	for i, err := range errs {
		if (i == 2) != errors.Is(err, errand.ErrLeaseLost) || (i != 2 && err != nil) {
			k.Errorf("outcome %d: %v", i, err)
		}
	}
	_, err = k.st.Job(k.ctx, "a", jobs[0].ID)
	k.wantError(err, errand.ErrJobNotFound)
	k.want(errand.StateScheduled, jobs[1].ID)
	k.want(errand.StateStarted, jobs[2].ID)
	k.want(errand.StateFinished, jobs[3].ID)
	k.want(errand.StateQueued, jobs[4].ID)
	k.want(errand.StateFailed, jobs[5].ID)
}

// unknownSince: claims and lost workers do not end it; every outcome but a release as unknown does, and so does a requeue.
func unknownSince(k *kit) {
	id := k.enqueue()
	since := func(want time.Time) {
		k.Helper()
		if got := k.job(id).UnknownSince; !got.Equal(want) {
			k.Fatalf("unknown since %v, want %v", got, want)
		}
	}
	since(time.Time{})
	k.pass(time.Second)
	first := k.now
	k.run(id, errand.EventReleased, unknownTask(), at(k.now.Add(time.Second)))
	since(first)
	k.pass(time.Second)
	job := k.claimOne(id)
	if !job.UnknownSince.Equal(first) {
		k.Errorf("claimed job: unknown since %v", job.UnknownSince)
	}
	k.settle(job, errand.EventReleased, unknownTask())
	since(first)
	k.claimOne(id)
	k.lose()
	since(first)
	for _, event := range []errand.Event{errand.EventReleased, errand.EventRetried, errand.EventSnoozed, errand.EventFailed} {
		k.run(id, event)
		since(time.Time{})
		if event != errand.EventFailed {
			k.run(id, errand.EventReleased, unknownTask())
			since(k.now)
		}
	}
}
