package storetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// wantOrphan fails unless the job failed because of the parent, and says so.
func (k *kit) wantOrphan(id, parent, became string) {
	k.Helper()
	job := k.want(errand.StateFailed, id)
	if len(job.Attempts) == 0 {
		k.Fatalf("job %s failed without a record", id)
	}
	rec := job.Attempts[len(job.Attempts)-1]
	want := fmt.Sprintf("job %s that it depends on %s", parent, became)
	if rec.Outcome != errand.EventOrphaned || rec.Error != want || !rec.EndedAt.Equal(job.EndedAt) {
		k.Fatalf("record %+v, want %v: %q", rec, errand.EventOrphaned, want)
	}
	if job.Attempt != 0 || job.Worker != "" {
		k.Errorf("a job that never ran has attempt %d, worker %q", job.Attempt, job.Worker)
	}
}

var depsCases = []testCase{
	{name: "a child waits until its parent has finished", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent), withPriority(9))
		k.want(errand.StateDeferred, child)
		job := k.claimOne(parent)
		k.none()
		k.pass(time.Second)
		k.settle(job, errand.EventSucceeded)
		if c := k.want(errand.StateQueued, child); !c.ReadyAt.Equal(k.now) {
			k.Errorf("the child is ready since %v, want %v", c.ReadyAt, k.now)
		}
		k.run(child, errand.EventSucceeded)
	}},
	{name: "a parent that is kept when it has finished fulfills too", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		k.run(parent, errand.EventSucceeded, keep(time.Hour))
		k.want(errand.StateQueued, child)
	}},
	{name: "a retried, snoozed or lost parent keeps its child waiting", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		k.run(parent, errand.EventRetried)
		k.run(parent, errand.EventSnoozed)
		k.run(parent, errand.EventReleased)
		k.claimOne(parent)
		k.lose()
		k.want(errand.StateDeferred, child)
		k.run(parent, errand.EventSucceeded)
		k.want(errand.StateQueued, child)
	}},
	{name: "a parent that is gone, or never was, counts as finished", run: func(k *kit) {
		gone := k.enqueue()
		k.run(gone, errand.EventSucceeded)
		k.want(errand.StateQueued, k.enqueue(after(gone)), k.enqueue(after(newID(), newID())))
	}},
	{name: "a parent that has finished and is kept does not make wait", run: func(k *kit) {
		parent := k.enqueue()
		k.run(parent, errand.EventSucceeded, keep(time.Hour))
		k.want(errand.StateQueued, k.enqueue(after(parent)))
	}},
	{name: "a child of a parent that has failed or was canceled fails at enqueue", run: func(k *kit) {
		failed, canceled, living := k.enqueue(), k.enqueue(), k.enqueue()
		k.run(failed, errand.EventFailed)
		k.cancel(canceled)
		child := k.enqueue(after(living, failed), unique("key", 0))
		k.wantOrphan(child, failed, "failed")
		k.enqueue(unique("key", 0)) // it holds no key
		k.wantOrphan(k.enqueue(after(canceled)), canceled, "was canceled")
		k.wantOrphan(k.enqueue(after(child)), child, "failed")
	}},
	{name: "a child fails when its parent fails", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		k.pass(time.Second)
		k.run(parent, errand.EventFailed)
		k.wantOrphan(child, parent, "failed")
		if job := k.job(child); !job.EndedAt.Equal(k.now) {
			k.Errorf("ended %v", job.EndedAt)
		}
		k.none()
	}},
	{name: "a child fails when its parent is canceled, by a person or by its worker", run: func(k *kit) {
		a, b := k.enqueue(), k.enqueue()
		childA, childB := k.enqueue(after(a)), k.enqueue(after(b))
		k.cancel(a)
		k.wantOrphan(childA, a, "was canceled")
		k.run(b, errand.EventCanceled)
		k.wantOrphan(childB, b, "was canceled")
	}},
	{name: "a child fails when its parent is deleted unfinished", run: func(k *kit) {
		a, b := k.enqueue(), k.enqueue(runAt(k.now.Add(time.Hour)))
		childA, childB := k.enqueue(after(a)), k.enqueue(after(b))
		grandchild := k.enqueue(after(childA))
		k.delete(a, b)
		k.wantOrphan(childA, a, "was deleted")
		k.wantOrphan(childB, b, "was deleted")
		k.wantOrphan(grandchild, childA, "failed")
	}},
	{name: "a diamond runs its end once, after both sides", run: func(k *kit) {
		top := k.enqueue()
		left, right := k.enqueue(after(top)), k.enqueue(after(top))
		end := k.enqueue(after(left, right))
		k.run(top, errand.EventSucceeded)
		k.want(errand.StateQueued, left, right)
		k.run(left, errand.EventSucceeded)
		k.want(errand.StateDeferred, end)
		k.run(right, errand.EventSucceeded)
		k.run(end, errand.EventSucceeded)
		k.none()
	}},
	{name: "a chain runs in its order, and fails as a whole from where it breaks", run: func(k *kit) {
		chain := []string{k.enqueue()}
		for i := range 20 {
			chain = append(chain, k.enqueue(after(chain[i])))
		}
		for _, id := range chain[:10] {
			k.run(id, errand.EventSucceeded)
		}
		k.run(chain[10], errand.EventFailed)
		for i, id := range chain[11:] {
			k.wantOrphan(id, chain[10+i], "failed")
		}
		if n := k.queueInfo("q").Failed.Total; n != 11 {
			k.Errorf("failed jobs counted: %d, want 11", n)
		}
	}},
	{name: "dependencies reach across queues, both ways", run: func(k *kit) {
		a := k.enqueue(inQueue("a"))
		b := k.enqueue(inQueue("b"), after(a))
		c := k.enqueue(inQueue("a"), after(b))
		d := k.enqueue(inQueue("c"), after(c))
		k.settle(k.claim(1, "a")[0], errand.EventSucceeded)
		k.maintain()
		k.want(errand.StateQueued, b)
		k.settle(k.claim(1, "b")[0], errand.EventFailed)
		k.maintain()
		k.wantOrphan(c, b, "failed")
		k.wantOrphan(d, c, "failed")
	}},
	{name: "a group may depend on jobs before it in the same request, and in itself", run: func(k *kit) {
		a, b := spec(inQueue("a")), spec(inQueue("b"))
		b.DependsOn = []string{a.ID}
		c := spec(inQueue("b"), after(b.ID))
		errs, err := k.st.Enqueue(k.ctx, errand.EnqueueRequest{Now: k.now, Groups: [][]errand.JobSpec{{a}, {b, c}}})
		k.ok(err)
		k.ok(errs[0])
		k.ok(errs[1])
		k.want(errand.StateQueued, a.ID)
		k.want(errand.StateDeferred, b.ID, c.ID)
	}},
	// What comes later counts as not in the store, so that a circle runs rather than waits for ever.
	{name: "a job that depends on itself or on a later one of its group does not wait", run: func(k *kit) {
		a, b, c := spec(), spec(), spec()
		a.DependsOn, b.DependsOn, c.DependsOn = []string{b.ID}, []string{a.ID}, []string{c.ID}
		k.ok(k.tryEnqueue(a, b, c))
		k.want(errand.StateQueued, a.ID, c.ID)
		k.want(errand.StateDeferred, b.ID)
	}},
	{name: "a parent named twice is waited for once", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(after(parent, parent))
		k.run(parent, errand.EventSucceeded)
		k.want(errand.StateQueued, child)
	}},
	{name: "a child whose time is later waits for its time too", run: func(k *kit) {
		due := k.now.Add(time.Hour)
		parent := k.enqueue()
		child := k.enqueue(after(parent), runAt(due))
		k.run(parent, errand.EventSucceeded)
		if job := k.want(errand.StateScheduled, child); !job.ReadyAt.Equal(due) {
			k.Errorf("ready %v, want %v", job.ReadyAt, due)
		}
		k.none()
		k.now = due
		k.run(child, errand.EventSucceeded)
	}},
	{name: "children become ready in the order in which they came", run: func(k *kit) {
		parent := k.enqueue()
		children := k.enqueueMany(10, after(parent))
		k.run(parent, errand.EventSucceeded)
		k.wantIDs("claim", k.claim(20), children...)
	}},
	{name: "a canceled or deleted child does not come back when its parent finishes", run: func(k *kit) {
		parent := k.enqueue()
		canceled, deleted, left := k.enqueue(after(parent)), k.enqueue(after(parent)), k.enqueue(after(parent))
		k.cancel(canceled)
		k.delete(deleted)
		k.run(parent, errand.EventSucceeded)
		k.want(errand.StateCanceled, canceled)
		k.wantIDs("claim", k.claim(10), left)
	}},
	{name: "a thousand parents can be waited for", run: func(k *kit) {
		parents := k.enqueueMany(1000)
		child := k.enqueue(after(parents...), inQueue("children"))
		for jobs := k.claim(250); len(jobs) > 0; jobs = k.claim(250) {
			k.want(errand.StateDeferred, child)
			var done []errand.Outcome
			for _, job := range jobs {
				done = append(done, outcome(job, errand.EventSucceeded))
			}
			k.settleAll(done)
		}
		k.want(errand.StateQueued, child)
	}},
	{name: "a parent that settles while its child is enqueued strands nobody", run: settlesMeanwhile},
}

// settlesMeanwhile has parents end while their children come in: whichever is first, each child ends up right.
func settlesMeanwhile(k *kit) {
	const rounds = 30
	parents := k.enqueueMany(rounds)
	jobs := k.claim(rounds)
	children := make([]errand.JobSpec, rounds)
	var wg sync.WaitGroup
	for i := range rounds {
		children[i] = spec(inQueue("children"), after(parents[i]))
	}
	wg.Go(func() {
		for _, job := range jobs {
			event := errand.EventSucceeded
			if job.ID == parents[3] {
				event = errand.EventFailed
			}
			_, err := k.st.Settle(k.ctx, errand.SettleRequest{
				Now: k.now, Worker: "w1", Outcomes: []errand.Outcome{outcome(job, event)},
			})
			if err != nil {
				k.Errorf("settle: %v", err)
			}
		}
	})
	wg.Go(func() {
		for _, child := range children {
			_, err := k.st.Enqueue(k.ctx, errand.EnqueueRequest{Now: k.now, Groups: [][]errand.JobSpec{{child}}})
			if err != nil {
				k.Errorf("enqueue: %v", err)
			}
		}
	})
	wg.Wait()
	k.maintain()
	for i, child := range children {
		if i == 3 {
			k.wantOrphan(child.ID, parents[3], "failed")
		} else {
			k.want(errand.StateQueued, child.ID)
		}
	}
}
