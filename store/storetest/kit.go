package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/errandhq/errand"
)

// pass lets time go by.
func (k *kit) pass(d time.Duration) { k.now = k.now.Add(d) }

func (k *kit) ok(err error) {
	k.Helper()
	if err != nil {
		k.Fatalf("unexpected error: %v", err)
	}
}

var ids atomic.Uint64

// newID returns a UUIDv7 that sorts after the ones before.
func newID() string { return fmt.Sprintf("0190b5c4-0000-7000-8000-%012x", ids.Add(1)) }

// specOption changes a job before it is enqueued.
type specOption func(*errand.JobSpec)

func inQueue(queue string) specOption       { return func(s *errand.JobSpec) { s.Queue = queue } }
func withTask(task string) specOption       { return func(s *errand.JobSpec) { s.Task = task } }
func withPriority(priority int) specOption  { return func(s *errand.JobSpec) { s.Priority = priority } }
func withPayload(payload []byte) specOption { return func(s *errand.JobSpec) { s.Payload = payload } }
func runAt(at time.Time) specOption         { return func(s *errand.JobSpec) { s.RunAt = at } }
func after(parents ...string) specOption {
	return func(s *errand.JobSpec) { s.DependsOn = append(s.DependsOn, parents...) }
}

func unique(key string, window time.Duration) specOption {
	return func(s *errand.JobSpec) { s.UniqueKey, s.UniqueFor = key, window }
}

func spec(options ...specOption) errand.JobSpec {
	s := errand.JobSpec{ID: newID(), Queue: "q", Task: "task", Payload: []byte(`{"n":1}`)}
	for _, option := range options {
		option(&s)
	}
	return s
}

// tryEnqueue enqueues one group and returns its error.
func (k *kit) tryEnqueue(specs ...errand.JobSpec) error {
	k.Helper()
	errs, err := k.st.Enqueue(k.ctx, errand.EnqueueRequest{Now: k.now, Groups: [][]errand.JobSpec{specs}})
	k.ok(err)
	if len(errs) != 1 {
		k.Fatalf("enqueue of one group: %d errors in the reply", len(errs))
	}
	return errs[0]
}

// enqueue adds a job and returns its id.
func (k *kit) enqueue(options ...specOption) string {
	k.Helper()
	s := spec(options...)
	k.ok(k.tryEnqueue(s))
	return s.ID
}

// enqueueMany adds n jobs, in one group of each 100, and returns their ids.
func (k *kit) enqueueMany(n int, options ...specOption) []string {
	k.Helper()
	var all []string
	for len(all) < n {
		var group []errand.JobSpec
		for range min(100, n-len(all)) {
			group = append(group, spec(options...))
			all = append(all, group[len(group)-1].ID)
		}
		k.ok(k.tryEnqueue(group...))
	}
	return all
}

// request is the next claim of a worker.
func (k *kit) request(worker string, limit int, queues ...string) errand.ClaimRequest {
	if len(queues) == 0 {
		queues = []string{"q"}
	}
	k.numbers[worker]++
	return errand.ClaimRequest{
		Now: k.now, Worker: worker, Number: k.numbers[worker], Queues: queues, Limit: limit, Lease: leaseLength,
		MaxRecoveries: maxRecoveries, LastChance: true,
	}
}

func (k *kit) send(req errand.ClaimRequest) errand.ClaimReply {
	k.Helper()
	reply, err := k.st.Claim(k.ctx, req)
	k.ok(err)
	return reply
}

// claim has worker w1 take up to limit jobs.
func (k *kit) claim(limit int, queues ...string) []*errand.Job {
	k.Helper()
	return k.send(k.request("w1", limit, queues...)).Jobs
}

// claimOne has worker w1 take one job, which must be the one with the id, where one is given.
func (k *kit) claimOne(id string) *errand.Job {
	k.Helper()
	jobs := k.claim(1)
	if len(jobs) != 1 {
		k.Fatalf("claim: got %d jobs, want 1", len(jobs))
	}
	if id != "" && jobs[0].ID != id {
		k.Fatalf("claim: got job %s, want %s", jobs[0].ID, id)
	}
	return jobs[0]
}

// none fails when there is a job to claim.
func (k *kit) none(queues ...string) {
	k.Helper()
	if jobs := k.claim(1, queues...); len(jobs) > 0 {
		k.Fatalf("claim: got job %s (%s), want none", jobs[0].ID, jobs[0].Task)
	}
}

func lease(job *errand.Job) errand.Lease {
	return errand.Lease{ID: job.ID, Queue: job.Queue, Token: job.Token}
}

// outcome makes an outcome for a claimed job.
func outcome(job *errand.Job, event errand.Event, changes ...func(*errand.Outcome)) errand.Outcome {
	o := errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: event}
	for _, change := range changes {
		change(&o)
	}
	return o
}

func at(t time.Time) func(*errand.Outcome)       { return func(o *errand.Outcome) { o.At = t } }
func keep(d time.Duration) func(*errand.Outcome) { return func(o *errand.Outcome) { o.Keep = d } }
func result(result []byte) func(*errand.Outcome) {
	return func(o *errand.Outcome) { o.Result = result }
}
func unknownTask() func(*errand.Outcome) { return func(o *errand.Outcome) { o.Unknown = true } }
func noted(rec errand.AttemptRecord) func(*errand.Outcome) {
	return func(o *errand.Outcome) { o.Record = &rec }
}

// trySettle ends an attempt and returns the outcome's error.
func (k *kit) trySettle(o errand.Outcome) error {
	k.Helper()
	errs, err := k.st.Settle(k.ctx, errand.SettleRequest{Now: k.now, Worker: "w1", Outcomes: []errand.Outcome{o}})
	k.ok(err)
	if len(errs) != 1 {
		k.Fatalf("settle of one outcome: %d errors in the reply", len(errs))
	}
	return errs[0]
}

// settle ends an attempt, which must succeed.
func (k *kit) settle(job *errand.Job, event errand.Event, changes ...func(*errand.Outcome)) {
	k.Helper()
	k.ok(k.trySettle(outcome(job, event, changes...)))
}

// run claims the job with that id and ends it at once.
func (k *kit) run(id string, event errand.Event, changes ...func(*errand.Outcome)) *errand.Job {
	k.Helper()
	job := k.claimOne(id)
	k.settle(job, event, changes...)
	return job
}

// job returns a job that must be there.
func (k *kit) job(id string) *errand.Job {
	k.Helper()
	job, err := k.st.Job(k.ctx, "", id)
	k.ok(err)
	return job
}

// want fails unless each of the jobs is in that state, and returns the last one.
func (k *kit) want(state errand.State, ids ...string) *errand.Job {
	k.Helper()
	var job *errand.Job
	for _, id := range ids {
		if job = k.job(id); job.State != state {
			k.Fatalf("job %s is %v, want %v", id, job.State, state)
		}
	}
	return job
}

// maintain does all housekeeping that is due, and returns the sum of the replies.
func (k *kit) maintain(changes ...func(*errand.MaintainRequest)) errand.MaintainReply {
	k.Helper()
	var sum errand.MaintainReply
	for range 1000 {
		req := errand.MaintainRequest{
			Now: k.now, Limit: 500, MaxRecoveries: maxRecoveries,
			KeepFailed: errand.DefaultFailedKeep, MaxFailed: 100_000,
		}
		for _, change := range changes {
			change(&req)
		}
		reply, err := k.st.Maintain(k.ctx, req)
		k.ok(err)
		sum.Promoted += reply.Promoted
		sum.Recovered += reply.Recovered
		sum.Poisoned += reply.Poisoned
		sum.Purged += reply.Purged
		if !reply.More {
			return sum
		}
	}
	k.Fatal("maintain says More without end")
	return sum
}

// lose lets the lease of every started job run out, and recovers them.
func (k *kit) lose() errand.MaintainReply {
	k.Helper()
	k.pass(leaseLength + time.Second)
	return k.maintain()
}

func (k *kit) command(
	do func(context.Context, errand.Command) (errand.CommandReply, error), ids ...string,
) errand.CommandReply {
	k.Helper()
	reply, err := do(k.ctx, errand.Command{Now: k.now, IDs: ids})
	k.ok(err)
	return reply
}

// requeue, cancel and delete act on jobs, all of which it must be possible for.
func (k *kit) requeue(ids ...string) { k.Helper(); k.all(k.command(k.st.Requeue, ids...), len(ids)) }
func (k *kit) cancel(ids ...string)  { k.Helper(); k.all(k.command(k.st.Cancel, ids...), len(ids)) }
func (k *kit) delete(ids ...string)  { k.Helper(); k.all(k.command(k.st.Delete, ids...), len(ids)) }

func (k *kit) all(reply errand.CommandReply, n int) {
	k.Helper()
	if reply.Done != n || reply.Skipped != 0 || reply.Missing != 0 {
		k.Fatalf("command: %+v, want %d done", reply, n)
	}
}

// skipped fails unless the command does nothing to the job because of its state.
func (k *kit) skipped(do func(context.Context, errand.Command) (errand.CommandReply, error), id string) {
	k.Helper()
	before := k.job(id)
	if reply := k.command(do, id); reply.Done != 0 || reply.Skipped != 1 || reply.Missing != 0 {
		k.Fatalf("command: %+v, want 1 skipped", reply)
	}
	k.same("skipped job", k.job(id), before)
}
