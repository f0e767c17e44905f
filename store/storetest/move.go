package storetest

import (
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// The cases of Move, which puts jobs in another queue.
var moveCases = []testCase{
	{name: "a moved job is as it was, but for its queue", run: moveWhole},
	{name: "moved jobs have the same order there", run: moveOrder},
	{name: "started, deferred and finished jobs are skipped, and those that are there", run: moveSkips},
	{name: "a filter moves what it selects, a piece at a time", run: moveFilter},
	{name: "a moved job takes its unique key along, for what is left of the window", run: moveUnique},
	{name: "a job whose unique key is taken there is skipped", run: moveConflict},
	{name: "children find a parent that was moved", run: moveParent},
	{name: "children of a failed parent that was moved are deferred when it is requeued", run: moveFailedParent},
	{name: "a failed child that was moved is deferred when its parent is requeued", run: moveFailedChild},
	{name: "a moved job is counted and woken for in its queue", run: moveCounts},
}

// move puts jobs in another queue, all of which it must be possible for.
func (k *kit) move(queue string, ids ...string) {
	k.Helper()
	k.all(k.tryMove(queue, ids...), len(ids))
}

func (k *kit) tryMove(queue string, ids ...string) errand.CommandReply {
	k.Helper()
	reply, err := k.st.Move(k.ctx, errand.Command{Now: k.now, IDs: ids}, queue)
	k.ok(err)
	return reply
}

func moveWhole(k *kit) {
	queued := k.enqueue(withPriority(4), withPayload([]byte{0, 0xff}))
	scheduled := k.enqueue(inQueue("s"), runAt(k.now.Add(time.Hour)))
	failed, canceled := k.enqueue(inQueue("f")), k.enqueue(inQueue("c"))
	k.settle(k.claim(1, "f")[0], errand.EventFailed, noted(fullRecord(k.now)))
	k.cancel(canceled)
	ids := []string{queued, scheduled, failed, canceled}
	var before []*errand.Job
	for _, id := range ids {
		before = append(before, k.job(id))
	}
	k.pass(time.Minute)
	k.move("there", ids...)
	for i, id := range ids {
		before[i].Queue = "there"
		k.same("moved", k.job(id), before[i])
		got, err := k.st.Job(k.ctx, "there", id)
		k.ok(err)
		k.same("moved", got, before[i])
	}
	if reply := k.tryMove("there", "0190b5c4-ffff-7000-8000-000000000000"); reply.Missing != 1 || reply.Done != 0 {
		k.Errorf("missing: %+v", reply)
	}
	k.none()
	jobs := k.claim(10, "there")
	k.wantIDs("claim", jobs, queued)
	k.settle(jobs[0], errand.EventSucceeded)
	k.requeue(failed)
	k.want(errand.StateQueued, failed)
}

func moveOrder(k *kit) {
	var ids []string
	for _, priority := range []int{0, 9, 5} {
		ids = append(ids, k.enqueue(withPriority(priority)))
		k.pass(time.Second)
	}
	last := k.enqueue(inQueue("there"), withPriority(5))
	k.move("there", ids...)
	k.wantIDs("order", k.list(errand.JobFilter{Queue: "there"}), ids[1], ids[2], last, ids[0])
}

func moveSkips(k *kit) {
	started, there, finished := k.enqueue(), k.enqueue(inQueue("there")), k.enqueue(inQueue("f"))
	k.claimOne(started)
	deferred := k.enqueue(after(started))
	k.settle(k.claim(1, "f")[0], errand.EventSucceeded, keep(time.Hour))
	for _, id := range []string{started, there, finished, deferred} {
		before := k.job(id)
		if reply := k.tryMove("there", id); reply.Done != 0 || reply.Skipped != 1 || reply.Missing != 0 {
			k.Errorf("job that is %v: %+v", before.State, reply)
		}
		k.same("skipped", k.job(id), before)
	}
}

func moveFilter(k *kit) {
	ids := k.enqueueMany(25)
	cmd := errand.Command{Now: k.now, Filter: errand.JobFilter{Queue: "q", State: errand.StateQueued, Limit: 10}}
	done := 0
	for more := true; more; {
		reply, err := k.st.Move(k.ctx, cmd, "there")
		k.ok(err)
		done += reply.Done
		more, cmd.Filter.Cursor = reply.More, reply.Cursor
	}
	if done != 25 {
		k.Errorf("moved %d", done)
	}
	k.wantIDs("moved", k.list(errand.JobFilter{Queue: "there"}), ids...)
}

func moveUnique(k *kit) {
	id, failed := k.enqueue(unique("a", time.Minute)), k.enqueue(inQueue("f"), unique("b", 0))
	k.settle(k.claim(1, "f")[0], errand.EventFailed)
	k.pass(40 * time.Second)
	k.move("there", id, failed)
	k.ok(k.tryEnqueue(spec(unique("a", time.Minute))))
	k.duplicate(id, inQueue("there"), unique("a", 0))
	k.ok(k.tryEnqueue(spec(inQueue("there"), unique("b", 0)))) // which a failed job does not hold
	k.pass(21 * time.Second)
	k.ok(k.tryEnqueue(spec(inQueue("there"), unique("a", 0))))
	k.settle(k.claim(1, "there")[0], errand.EventSucceeded)
}

func moveConflict(k *kit) {
	id, holder := k.enqueue(unique("a", 0)), k.enqueue(inQueue("there"), unique("a", 0))
	before := k.job(id)
	if reply := k.tryMove("there", id); reply.Done != 0 || reply.Skipped != 1 {
		k.Errorf("reply %+v", reply)
	}
	k.same("skipped", k.job(id), before)
	third := k.enqueue(inQueue("third"), unique("a", 0))
	if reply := k.tryMove("new", id, third); reply.Done != 1 || reply.Skipped != 1 {
		k.Errorf("two with one key: %+v", reply)
	}
	k.want(errand.StateQueued, holder, id, third)
}

func moveParent(k *kit) {
	parent, other := k.enqueue(), k.enqueue()
	child, second := k.enqueue(inQueue("c"), after(parent)), k.enqueue(after(other))
	k.move("there", parent, other)
	late := k.enqueue(after(parent))
	k.want(errand.StateDeferred, child, second, late)
	jobs := k.claim(10, "there")
	slices.SortFunc(jobs, func(a, b *errand.Job) int { return len(a.DependsOn) - len(b.DependsOn) })
	for _, job := range jobs {
		event := errand.EventSucceeded
		if job.ID == other {
			event = errand.EventFailed
		}
		k.settle(job, event)
	}
	k.want(errand.StateQueued, child, late)
	k.want(errand.StateFailed, second)
}

func moveFailedParent(k *kit) {
	parent := k.enqueue()
	child := k.enqueue(inQueue("c"), after(parent))
	k.run(parent, errand.EventFailed)
	k.move("there", parent)
	k.requeue(parent)
	k.want(errand.StateDeferred, child)
	k.settle(k.claim(1, "there")[0], errand.EventSucceeded)
	k.want(errand.StateQueued, child)
}

func moveFailedChild(k *kit) {
	parent := k.enqueue()
	child := k.enqueue(inQueue("c"), after(parent))
	grandchild := k.enqueue(after(child))
	k.run(parent, errand.EventFailed)
	k.move("there", child)
	k.requeue(parent)
	if job := k.want(errand.StateDeferred, child, grandchild); job == nil {
		return
	}
	k.run(parent, errand.EventSucceeded)
	jobs := k.claim(1, "there")
	k.wantIDs("claim", jobs, child)
	k.settle(jobs[0], errand.EventSucceeded)
	k.want(errand.StateQueued, grandchild)
}

func moveCounts(k *kit) {
	id := k.enqueue()
	if _, ok := k.st.(errand.Notifier); ok {
		k.woken(errand.QueueTopic("there"), func() { k.move("there", id) })
	} else {
		k.move("there", id)
	}
	if info := k.queueInfo("there"); info.Counts[errand.StateQueued] != 1 || info.Enqueued.Total != 1 || !info.Oldest.Equal(k.now) {
		k.Errorf("there: %+v", info)
	}
	if info := k.queueInfo("q"); info.Counts[errand.StateQueued] != 0 || info.Enqueued.Total != 1 {
		k.Errorf("here: %+v", info)
	}
}
