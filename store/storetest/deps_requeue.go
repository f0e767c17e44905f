package storetest

import (
	"time"

	"github.com/errandhq/errand"
)

var depsRequeueCases = []testCase{
	{name: "requeueing a parent defers again what failed because of it, all the way down", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		grandchild := k.enqueue(after(child), inQueue("other"))
		k.run(parent, errand.EventFailed)
		k.want(errand.StateFailed, child, grandchild)
		k.pass(time.Second)
		k.requeue(parent)
		k.want(errand.StateDeferred, child, grandchild)
		if job := k.job(child); len(job.Attempts) != 1 || !job.EndedAt.IsZero() || !job.ReadyAt.Equal(k.now) {
			k.Errorf("deferred again: %d records, ended %v, ready %v", len(job.Attempts), job.EndedAt, job.ReadyAt)
		}
		k.run(parent, errand.EventSucceeded)
		k.run(child, errand.EventSucceeded)
		k.want(errand.StateQueued, grandchild)
	}},
	{name: "requeueing a canceled parent defers its children again", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		k.cancel(parent)
		k.requeue(parent)
		k.want(errand.StateDeferred, child)
	}},
	{name: "a child that failed by itself stays failed when its parent is requeued", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		k.run(parent, errand.EventSucceeded, keep(time.Hour))
		k.run(child, errand.EventFailed)
		k.requeue(parent)
		k.want(errand.StateFailed, child)
	}},
	{name: "a child that failed because of its parent once, and then by itself, stays failed", run: func(k *kit) {
		parent := k.enqueue()
		again, forced := k.enqueue(after(parent)), k.enqueue(after(parent))
		k.run(parent, errand.EventFailed)
		k.requeue(forced)
		k.run(forced, errand.EventFailed)
		k.requeue(parent)
		k.want(errand.StateFailed, forced)
		k.want(errand.StateDeferred, again)
		k.run(parent, errand.EventSucceeded, keep(time.Hour))
		k.run(again, errand.EventFailed)
		k.requeue(parent)
		k.run(parent, errand.EventFailed)
		k.requeue(parent)
		k.want(errand.StateFailed, again, forced)
	}},
	{name: "a child of two failed parents waits only when both are requeued", run: func(k *kit) {
		a, b := k.enqueue(), k.enqueue()
		child := k.enqueue(after(a, b))
		k.run(a, errand.EventFailed)
		k.run(b, errand.EventFailed)
		k.wantOrphan(child, a, "failed")
		k.pass(time.Second)
		k.requeue(a)
		k.wantOrphan(child, b, "failed") // now because of the other
		k.requeue(b)
		k.want(errand.StateDeferred, child)
		k.run(a, errand.EventSucceeded)
		k.want(errand.StateDeferred, child)
		k.run(b, errand.EventSucceeded)
		k.want(errand.StateQueued, child)
	}},
	{name: "a child that is requeued itself waits for a parent that lives, and runs without one that does not", run: func(k *kit) {
		living, failed := k.enqueue(), k.enqueue()
		waits := k.enqueue(after(living))
		k.cancel(waits)
		k.requeue(waits)
		k.want(errand.StateDeferred, waits)
		k.run(living, errand.EventSucceeded)
		k.want(errand.StateQueued, waits)
		forced := k.enqueue(after(failed))
		k.delete(waits)
		k.run(failed, errand.EventFailed)
		k.requeue(forced)
		k.want(errand.StateQueued, forced)
		k.requeue(failed)
		k.want(errand.StateQueued, forced)
	}},
	{name: "a child whose unique key is taken meanwhile stays failed", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent), unique("key", 0))
		k.run(parent, errand.EventFailed)
		other := k.enqueue(unique("key", 0))
		k.requeue(parent)
		k.want(errand.StateFailed, child)
		k.delete(other)
		k.run(parent, errand.EventFailed)
		k.requeue(parent)
		k.want(errand.StateDeferred, child)
		k.duplicate(child, unique("key", 0))
	}},
	{name: "a parent that was deleted and comes again under its id is another job", run: func(k *kit) {
		failed, deleted := spec(), spec()
		k.ok(k.tryEnqueue(failed, deleted))
		child, orphan := k.enqueue(after(failed.ID)), k.enqueue(after(deleted.ID))
		k.run(failed.ID, errand.EventFailed)
		k.delete(failed.ID, deleted.ID)
		k.ok(k.tryEnqueue(failed, deleted))
		waiting := k.enqueue(after(failed.ID, deleted.ID))
		k.cancel(failed.ID, deleted.ID)
		k.requeue(failed.ID, deleted.ID)
		k.want(errand.StateFailed, child, orphan)
		k.want(errand.StateDeferred, waiting)
	}},
	// A command is done to all its jobs before anything follows from it.
	{name: "a parent and its child that are requeued together wait for each other in order", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		k.run(parent, errand.EventFailed)
		k.requeue(child, parent)
		k.want(errand.StateQueued, parent)
		k.want(errand.StateDeferred, child)
	}},
	{name: "a parent and its child that are canceled together are both canceled", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		k.cancel(parent, child)
		k.want(errand.StateCanceled, parent, child)
	}},
	{name: "a parent and its child that are deleted together are both gone", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		k.delete(parent, child)
		if jobs := k.list(errand.JobFilter{}); len(jobs) > 0 {
			k.Errorf("%d jobs are left", len(jobs))
		}
	}},
}
