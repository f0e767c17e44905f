package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

var commandCases = []testCase{
	{name: "requeue puts a failed job back as it was, with its history", run: func(k *kit) {
		id := k.enqueue(withPriority(4))
		k.claimOne(id)
		k.lose()
		job := k.claimOne(id)
		rec := fullRecord(k.now)
		k.settle(job, errand.EventFailed, noted(rec))
		k.pass(time.Hour)
		k.requeue(id)
		got := k.want(errand.StateQueued, id)
		if got.Attempt != 0 || got.Recoveries != 0 || !got.ReadyAt.Equal(k.now) || !got.EndedAt.IsZero() ||
			len(got.Attempts) != 2 || got.Token != 2 || string(got.Payload) != string(job.Payload) {
			k.Errorf("requeued job: %+v", got)
		}
		if again := k.claimOne(id); again.Attempt != 1 || again.Token != 3 {
			k.Errorf("attempt %d, token %d", again.Attempt, again.Token)
		}
	}},
	{name: "requeue runs canceled, finished and scheduled jobs at once", run: func(k *kit) {
		canceled, finished := k.enqueue(), k.enqueue()
		scheduled, retry := k.enqueue(runAt(k.now.Add(time.Hour))), k.enqueue()
		k.cancel(canceled)
		k.run(finished, errand.EventSucceeded, keep(time.Hour), result([]byte("r")))
		k.run(retry, errand.EventRetried, at(k.now.Add(time.Hour)))
		k.pass(time.Second)
		k.requeue(canceled, finished, scheduled, retry)
		k.want(errand.StateQueued, canceled, finished, scheduled, retry)
		if job := k.job(finished); len(job.Result) > 0 || !job.EndedAt.IsZero() {
			k.Errorf("requeued finished job: result %q, ended %v", job.Result, job.EndedAt)
		}
		jobs := k.claim(10)
		if len(jobs) != 4 || slices.ContainsFunc(jobs, func(j *errand.Job) bool { return j.Attempt != 1 }) {
			k.Errorf("claimed %d jobs", len(jobs))
		}
		k.pass(2 * time.Hour) // nothing of the old result's retention is left
		for _, job := range jobs {
			k.settle(job, errand.EventRetried, at(k.now.Add(time.Hour)))
		}
		k.maintain()
		k.want(errand.StateScheduled, canceled, finished, scheduled, retry)
	}},
	{name: "requeue skips what is queued, started or deferred", run: func(k *kit) {
		started, queued := k.enqueue(), k.enqueue()
		k.claimOne(started)
		for _, id := range []string{started, queued, k.enqueue(after(queued))} {
			k.skipped(k.st.Requeue, id)
		}
	}},
	{name: "cancel makes waiting jobs canceled", run: func(k *kit) {
		queued, scheduled := k.enqueue(), k.enqueue(runAt(k.now.Add(time.Hour)))
		deferred := k.enqueue(after(k.enqueue(inQueue("other"))))
		k.pass(time.Second)
		k.cancel(queued, scheduled, deferred)
		if job := k.want(errand.StateCanceled, queued, scheduled, deferred); !job.EndedAt.Equal(k.now) {
			k.Errorf("ended %v", job.EndedAt)
		}
		k.pass(2 * time.Hour)
		k.none()
	}},
	{name: "cancel skips what is final", run: func(k *kit) {
		failed, finished, canceled := k.enqueue(), k.enqueue(), k.enqueue()
		k.run(failed, errand.EventFailed)
		k.run(finished, errand.EventSucceeded, keep(time.Hour))
		k.cancel(canceled)
		for _, id := range []string{failed, finished, canceled} {
			k.skipped(k.st.Cancel, id)
		}
	}},
	{name: "cancel asks the worker of a started job to cancel it", run: cancelStarted},
	// As in River: whoever canceled a job does not expect it to run again.
	{name: "a started job that was asked to be canceled does not run again, however its attempt ends", run: func(k *kit) {
		for _, event := range []errand.Event{errand.EventRetried, errand.EventSnoozed, errand.EventReleased, errand.EventLost} {
			id := k.enqueue()
			job := k.claimOne(id)
			child := k.enqueue(after(id))
			k.cancel(id)
			if event == errand.EventLost {
				k.lose()
			} else {
				k.settle(job, event, at(k.now.Add(time.Minute)))
			}
			k.want(errand.StateCanceled, id)
			k.wantOrphan(child, id, "was canceled")
			k.orders("w1")
		}
		id := k.enqueue()
		job := k.claimOne(id)
		k.cancel(id)
		k.settle(job, errand.EventSucceeded, keep(time.Hour)) // it was quicker
		k.want(errand.StateFinished, id)
		k.requeue(id)
		k.run(id, errand.EventRetried)
		k.want(errand.StateQueued, id)
	}},
	{name: "delete removes jobs of every state but started", run: func(k *kit) {
		everyState(k, 1)
		for _, job := range k.list(errand.JobFilter{}) {
			if job.State == errand.StateStarted {
				k.skipped(k.st.Delete, job.ID)
			} else if _, err := k.st.Job(k.ctx, "", job.ID); err == nil {
				k.delete(job.ID)
			}
		}
		if jobs := k.list(errand.JobFilter{}); len(jobs) != 1 {
			k.Errorf("%d jobs are left", len(jobs))
		}
	}},
	{name: "a command counts what is done, skipped and missing, each job once", run: func(k *kit) {
		failed, queued := k.enqueue(), k.enqueue()
		k.run(failed, errand.EventFailed)
		reply := k.command(k.st.Requeue, queued, newID(), failed, failed, newID())
		if reply != (errand.CommandReply{Done: 1, Skipped: 1, Missing: 2}) {
			k.Errorf("reply: %+v", reply)
		}
	}},
	{name: "a command that is sent again does nothing twice", run: func(k *kit) {
		id := k.enqueue()
		k.run(id, errand.EventFailed)
		cmd := errand.Command{Now: k.now, IDs: []string{id}}
		for range 2 {
			_, err := k.st.Requeue(k.ctx, cmd)
			k.ok(err)
		}
		k.claimOne(id)
		k.none()
		for range 2 {
			_, err := k.st.Delete(k.ctx, cmd)
			k.ok(err)
		}
		k.want(errand.StateStarted, id)
	}},
	{name: "a command by filter does a bounded part, and goes on where it stopped", run: commandByFilter},
	{name: "a command by filter acts on one queue, state and task", run: func(k *kit) {
		mine := k.enqueue(withTask("mail"))
		others := []string{k.enqueue(inQueue("a"), withTask("mail")), k.enqueue(), k.enqueue(withTask("mail"), runAt(k.now.Add(time.Hour)))}
		reply, err := k.st.Cancel(k.ctx, errand.Command{
			Now: k.now, Filter: errand.JobFilter{Queue: "q", State: errand.StateQueued, Task: "mail"},
		})
		k.ok(err)
		if reply.Done != 1 || reply.Skipped != 0 || reply.More {
			k.Errorf("reply: %+v", reply)
		}
		k.want(errand.StateCanceled, mine)
		for _, id := range others {
			if state := k.job(id).State; state == errand.StateCanceled {
				k.Errorf("job %s of another kind was canceled", id)
			}
		}
	}},
	{name: "commands wait for nothing and leave a paused queue paused", run: func(k *kit) {
		id := k.enqueue()
		k.run(id, errand.EventFailed)
		k.ok(k.st.Pause(k.ctx, k.now, "q"))
		k.requeue(id)
		k.none()
		if !k.queueInfo("q").Paused {
			k.Error("the queue is not paused any more")
		}
	}},
}

// orders fails unless the store asks the worker to cancel exactly these jobs.
func (k *kit) orders(worker string, want ...string) {
	k.Helper()
	orders, err := k.st.Orders(k.ctx, worker)
	k.ok(err)
	slices.Sort(orders.Cancel)
	slices.Sort(want)
	if !slices.Equal(orders.Cancel, want) {
		k.Fatalf("orders of %s: %v, want %v", worker, orders.Cancel, want)
	}
}

func cancelStarted(k *kit) {
	a, b, c := k.enqueue(), k.enqueue(), k.enqueue()
	jobA, jobB := k.claimOne(a), k.claimOne(b)
	other := k.send(k.request("w2", 1)).Jobs[0]
	k.orders("w1")
	before := k.job(a)
	k.cancel(a, b)
	k.cancel(a)
	k.same("job to be canceled", k.job(a), before)
	k.orders("w1", a, b)
	k.orders("w1", a, b) // it says what should be
	k.orders("w2")
	k.orders("nobody")
	k.settle(jobA, errand.EventCanceled)
	k.want(errand.StateCanceled, a)
	k.orders("w1", b)
	k.settle(jobB, errand.EventFailed)
	k.want(errand.StateFailed, b)
	k.orders("w1")
	k.settle(other, errand.EventSucceeded)
	_, err := k.st.Job(k.ctx, "", c)
	k.wantError(err, errand.ErrJobNotFound)
	k.requeue(a)
	k.claimOne(a)
	k.orders("w1")
}

// commandByFilter requeues failed jobs, some of which are skipped because another job holds their unique key.
func commandByFilter(k *kit) {
	const n = 25
	var failed []string
	for i := range n {
		option := withPriority(9)
		if i%5 == 0 {
			option = unique("key", 0)
		}
		failed = append(failed, k.enqueue(option))
		k.run(failed[i], errand.EventFailed)
		k.pass(time.Second)
	}
	holder := k.enqueue(unique("key", 0))
	cmd := errand.Command{Now: k.now, Filter: errand.JobFilter{State: errand.StateFailed, Limit: 10}}
	sum, calls := k.repeat(k.st.Requeue, cmd)
	if sum.Done != n-5 || sum.Skipped != 5 || calls != 3 {
		k.Errorf("%d calls: %+v", calls, sum)
	}
	if left := k.list(errand.JobFilter{State: errand.StateFailed}); len(left) != 5 {
		k.Errorf("%d jobs are still failed, want 5", len(left))
	}
	k.want(errand.StateQueued, holder)
	cmd.Filter = errand.JobFilter{State: errand.StateQueued, Limit: 10}
	if sum, _ := k.repeat(k.st.Delete, cmd); sum.Done != n-5+1 || sum.Skipped != 0 {
		k.Errorf("delete: %+v", sum)
	}
}

// repeat sends a command by filter until there is no more, and returns the sum of the replies and how many there were.
func (k *kit) repeat(
	do func(context.Context, errand.Command) (errand.CommandReply, error), cmd errand.Command,
) (sum errand.CommandReply, calls int) {
	k.Helper()
	for calls < 1000 {
		reply, err := do(k.ctx, cmd)
		k.ok(err)
		calls++
		if n := reply.Done + reply.Skipped; cmd.Filter.Limit > 0 && n > cmd.Filter.Limit {
			k.Fatalf("%d jobs in one call, limit %d", n, cmd.Filter.Limit)
		}
		sum.Done += reply.Done
		sum.Skipped += reply.Skipped
		if !reply.More {
			return sum, calls
		}
		cmd.Filter.Cursor = reply.Cursor
	}
	k.Fatal("the command says More without end")
	return sum, calls
}
