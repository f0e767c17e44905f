package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// duplicate fails unless a job with the key is refused because of the holder, and nothing is stored.
func (k *kit) duplicate(holder string, options ...specOption) {
	k.Helper()
	s := spec(options...)
	err := k.tryEnqueue(s)
	var dup *errand.DuplicateError
	if !errors.As(err, &dup) || !errors.Is(err, errand.ErrDuplicate) {
		k.Fatalf("enqueue: %v, want a duplicate of %s", err, holder)
	}
	if dup.ID != holder || dup.Queue != s.Queue || dup.Task != "task" {
		k.Fatalf("duplicate error %+v, want holder %s", *dup, holder)
	}
	if _, err := k.st.Job(k.ctx, "", s.ID); !errors.Is(err, errand.ErrJobNotFound) {
		k.Fatalf("the refused job: %v", err)
	}
}

// freedBy returns a case: the key is held until the end, and free after it.
func freedBy(name string, end func(k *kit, id string)) testCase {
	return testCase{name: "a key is held until its job is " + name, run: func(k *kit) {
		id := k.enqueue(unique("key", 0))
		k.duplicate(id, unique("key", 0))
		end(k, id)
		next := k.enqueue(unique("key", 0))
		k.duplicate(next, unique("key", 0))
	}}
}

var uniqueCases = []testCase{
	freedBy("finished", func(k *kit, id string) {
		job := k.claimOne(id)
		k.duplicate(id, unique("key", 0))
		k.settle(job, errand.EventSucceeded)
	}),
	freedBy("finished and kept", func(k *kit, id string) { k.run(id, errand.EventSucceeded, keep(time.Hour)) }),
	freedBy("failed", func(k *kit, id string) { k.run(id, errand.EventFailed) }),
	freedBy("canceled while it waits", func(k *kit, id string) { k.cancel(id) }),
	freedBy("canceled while it runs", func(k *kit, id string) {
		job := k.claimOne(id)
		k.cancel(id)
		k.duplicate(id, unique("key", 0))
		k.settle(job, errand.EventCanceled)
	}),
	freedBy("deleted", func(k *kit, id string) { k.delete(id) }),
	freedBy("a poison pill", func(k *kit, id string) {
		for range maxRecoveries + 1 {
			k.claimOne(id)
			k.duplicate(id, unique("key", 0))
			k.lose()
		}
		k.want(errand.StateFailed, id)
	}),
	{name: "a key is held until its job fails because of its parent", run: func(k *kit) {
		parent := k.enqueue()
		child := k.enqueue(unique("key", 0), after(parent))
		k.duplicate(child, unique("key", 0))
		k.cancel(parent)
		k.want(errand.StateFailed, child)
		k.enqueue(unique("key", 0))
	}},
	{name: "a key is held through retries, snoozes, releases and lost workers", run: func(k *kit) {
		id := k.enqueue(unique("key", 0))
		for _, event := range []errand.Event{errand.EventRetried, errand.EventSnoozed, errand.EventReleased} {
			k.run(id, event, at(k.now.Add(time.Minute)))
			k.duplicate(id, unique("key", 0))
			k.pass(time.Minute)
		}
		k.claimOne(id)
		k.lose()
		k.duplicate(id, unique("key", 0))
		k.claimOne(id)
		k.duplicate(id, unique("key", 0))
	}},
	{name: "a key is free when its window has run out, though its job lives", run: func(k *kit) {
		first := k.enqueue(unique("key", time.Minute))
		k.pass(time.Minute - time.Microsecond)
		k.duplicate(first, unique("key", time.Minute))
		k.pass(time.Microsecond)
		second := k.enqueue(unique("key", time.Minute))
		k.duplicate(second, unique("key", time.Minute))
		k.run(first, errand.EventSucceeded) // does not free what is the second's now
		k.duplicate(second, unique("key", time.Minute))
		k.pass(time.Minute)
		k.enqueue(unique("key", 0))
	}},
	{name: "keys of other queues and other keys do not refuse", run: func(k *kit) {
		id := k.enqueue(unique("key", 0))
		k.enqueue(unique("key", 0), inQueue("other"))
		k.enqueue(unique("Key", 0))
		k.enqueue(unique("key ", 0))
		k.enqueue()
		k.enqueue()
		k.duplicate(id, unique("key", time.Hour))
	}},
	{name: "one duplicate refuses its own group whole and no other", run: func(k *kit) {
		holder := k.enqueue(unique("key", 0))
		a, b, dup := spec(), spec(), spec(unique("key", 0))
		c, d := spec(), spec(unique("new", 0))
		errs, err := k.st.Enqueue(k.ctx, errand.EnqueueRequest{
			Now: k.now, Groups: [][]errand.JobSpec{{a, b, dup}, {c, d}},
		})
		k.ok(err)
		var refused *errand.DuplicateError
		if len(errs) != 2 || !errors.As(errs[0], &refused) || refused.ID != holder || errs[1] != nil {
			k.Fatalf("errors: %v", errs)
		}
		k.wantIDs("jobs", k.list(errand.JobFilter{}), holder, c.ID, d.ID)
		if n := k.queueInfo("q").Enqueued.Total; n != 3 {
			k.Errorf("%d jobs are counted as enqueued, want 3", n)
		}
	}},
	{name: "a key twice in one group refuses it", run: func(k *kit) {
		a, b := spec(unique("key", 0)), spec(unique("key", 0))
		err := k.tryEnqueue(a, b)
		var dup *errand.DuplicateError
		if !errors.As(err, &dup) || dup.ID != a.ID {
			k.Fatalf("got %v, want a duplicate of %s", err, a.ID)
		}
		if jobs := k.list(errand.JobFilter{}); len(jobs) > 0 {
			k.Errorf("%d jobs are in", len(jobs))
		}
		k.enqueue(unique("key", 0))
	}},
	{name: "a group is refused because of a group before it in the same request", run: func(k *kit) {
		a, b := spec(unique("key", 0)), spec(unique("key", 0))
		errs, err := k.st.Enqueue(k.ctx, errand.EnqueueRequest{Now: k.now, Groups: [][]errand.JobSpec{{a}, {b}}})
		k.ok(err)
		if errs[0] != nil || !errors.Is(errs[1], errand.ErrDuplicate) {
			k.Fatalf("errors: %v", errs)
		}
	}},
	{name: "a requeue takes the key again, and is skipped while another job holds it", run: func(k *kit) {
		first := k.enqueue(unique("key", 0))
		k.run(first, errand.EventFailed)
		second := k.enqueue(unique("key", 0))
		k.skipped(k.st.Requeue, first)
		k.run(second, errand.EventSucceeded)
		k.requeue(first)
		k.duplicate(first, unique("key", 0))
	}},
	{name: "of two failed jobs with one key, a requeue of both takes one", run: func(k *kit) {
		first := k.enqueue(unique("key", 0))
		k.run(first, errand.EventFailed)
		second := k.enqueue(unique("key", 0))
		k.run(second, errand.EventFailed)
		if reply := k.command(k.st.Requeue, first, second); reply.Done != 1 || reply.Skipped != 1 {
			k.Fatalf("requeue: %+v", reply)
		}
		k.want(errand.StateQueued, first)
		k.want(errand.StateFailed, second)
	}},
	{name: "a requeue starts the window anew", run: func(k *kit) {
		id := k.enqueue(unique("key", time.Minute))
		k.run(id, errand.EventFailed)
		k.pass(time.Hour)
		k.requeue(id)
		k.pass(59 * time.Second)
		k.duplicate(id, unique("key", 0))
		k.pass(time.Second)
		k.enqueue(unique("key", 0))
	}},
	{name: "of concurrent enqueues with one key exactly one wins", run: concurrentUnique},
}

func concurrentUnique(k *kit) {
	const producers, rounds = 8, 5
	for round := range rounds {
		var wg sync.WaitGroup
		errs := make([]error, producers)
		specs := make([]errand.JobSpec, producers)
		for i := range producers {
			specs[i] = spec(unique(fmt.Sprint("key", round), 0))
			wg.Go(func() {
				reply, err := k.st.Enqueue(k.ctx, errand.EnqueueRequest{Now: k.now, Groups: [][]errand.JobSpec{{specs[i]}}})
				errs[i] = err
				if err == nil {
					errs[i] = reply[0]
				}
			})
		}
		wg.Wait()
		winner := ""
		for i, err := range errs {
			switch {
			case err == nil && winner == "":
				winner = specs[i].ID
			case err == nil:
				k.Fatalf("two jobs won: %s and %s", winner, specs[i].ID)
			}
		}
		for _, err := range errs {
			var dup *errand.DuplicateError
			if err != nil && (!errors.As(err, &dup) || dup.ID != winner) {
				k.Fatalf("got %v, want a duplicate of %q", err, winner)
			}
		}
	}
}
