package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

var inspectCases = []testCase{
	{name: "a job is found by id, with and without its queue, and in no other queue", run: func(k *kit) {
		id := k.enqueue()
		for _, queue := range []string{"", "q"} {
			if job, err := k.st.Job(k.ctx, queue, id); err != nil || job.ID != id {
				k.Errorf("in %q: %v", queue, err)
			}
		}
		k.enqueue(inQueue("other"))
		_, err := k.st.Job(k.ctx, "other", id)
		k.wantError(err, errand.ErrJobNotFound)
		_, err = k.st.Job(k.ctx, "", newID())
		k.wantError(err, errand.ErrJobNotFound)
		_, err = k.st.Job(k.ctx, "", "no id at all")
		k.wantError(err, errand.ErrJobNotFound)
	}},
	{name: "an empty store lists nothing", run: func(k *kit) {
		if jobs := k.list(errand.JobFilter{}); len(jobs) > 0 {
			k.Errorf("%d jobs", len(jobs))
		}
		infos, err := k.st.Queues(k.ctx, k.now)
		k.ok(err)
		if len(infos) > 0 {
			k.Errorf("queues: %+v", infos)
		}
	}},
	{name: "jobs are listed in the order of their state, a page at a time", run: listings},
	{name: "started jobs are listed by the end of their lease, final ones by when they ended", run: func(k *kit) {
		a, b := k.enqueue(), k.enqueue()
		jobs := k.claim(2)
		k.pass(time.Second)
		k.ok(k.renew(lease(jobs[0])))
		k.wantIDs("started", k.list(errand.JobFilter{State: errand.StateStarted}), b, a)
		k.settle(jobs[1], errand.EventFailed)
		k.pass(time.Second)
		k.settle(jobs[0], errand.EventFailed)
		k.wantIDs("failed", k.list(errand.JobFilter{State: errand.StateFailed, Limit: 1}), b, a)
	}},
	{name: "a listing of every state has the states in their order", run: func(k *kit) {
		everyState(k, 2)
		var got []errand.State
		for _, job := range k.list(errand.JobFilter{Limit: 3}) {
			if len(got) == 0 || got[len(got)-1] != job.State {
				got = append(got, job.State)
			}
		}
		if !slices.Equal(got, errand.States()) {
			k.Errorf("states in order %v", got)
		}
	}},
	{name: "a listing of every queue has the queues by name, also the newest first", run: func(k *kit) {
		b := k.enqueueMany(2, inQueue("b"))
		a := k.enqueueMany(2, inQueue("a"))
		k.wantIDs("oldest first", k.list(errand.JobFilter{Limit: 1}), a[0], a[1], b[0], b[1])
		k.wantIDs("newest first", k.list(errand.JobFilter{Limit: 1, Newest: true}), a[1], a[0], b[1], b[0])
		k.wantIDs("one queue", k.list(errand.JobFilter{Queue: "b"}), b...)
		k.wantIDs("no queue", k.list(errand.JobFilter{Queue: "c"}))
	}},
	{name: "pages of any length go on among jobs of one moment and past them, in both orders", run: func(k *kit) {
		var ids []string
		for _, priority := range []int{9, 5, 0} {
			ids = append(ids, k.enqueueMany(3, withPriority(priority))...)
		}
		k.pass(time.Second)
		ids = append(ids, k.enqueueMany(2)...)
		newest := slices.Clone(ids)
		slices.Reverse(newest)
		for limit := range len(ids) + 1 {
			k.wantIDs("oldest first", k.list(errand.JobFilter{Limit: limit + 1}), ids...)
			k.wantIDs("newest first", k.list(errand.JobFilter{Limit: limit + 1, Newest: true}), newest...)
		}
	}},
	{name: "a listing of one task has only its jobs, on pages of full length", run: func(k *kit) {
		var mails []string
		for i := range 30 {
			if id := k.enqueue(withTask([]string{"mail", "sms", "mail.bulk"}[i%3])); i%3 == 0 {
				mails = append(mails, id)
			}
		}
		k.wantIDs("mails", k.list(errand.JobFilter{Task: "mail", Limit: 3}), mails...)
		page, err := k.st.Jobs(k.ctx, errand.JobFilter{Task: "mail", Limit: 4})
		k.ok(err)
		if len(page.Jobs) != 4 {
			k.Errorf("a page of %d jobs, want 4", len(page.Jobs))
		}
	}},
	{name: "a page holds 100 jobs unless another number is asked for, 1000 at most", run: func(k *kit) {
		k.enqueueMany(1010)
		for limit, want := range map[int]int{0: 100, 7: 7, 1000: 1000, 5000: 1000} {
			page, err := k.st.Jobs(k.ctx, errand.JobFilter{Limit: limit})
			k.ok(err)
			if len(page.Jobs) != want || page.Next == "" {
				k.Errorf("limit %d: %d jobs, next %q", limit, len(page.Jobs), page.Next)
			}
		}
	}},
	{name: "the last page says that there are no more", run: func(k *kit) {
		k.enqueueMany(6)
		page, err := k.st.Jobs(k.ctx, errand.JobFilter{Limit: 6})
		k.ok(err)
		if len(page.Jobs) != 6 || page.Next != "" {
			k.Errorf("%d jobs, next %q", len(page.Jobs), page.Next)
		}
	}},
	{name: "a cursor is good when its job is gone and others have come", run: func(k *kit) {
		ids := k.enqueueMany(6)
		page, err := k.st.Jobs(k.ctx, errand.JobFilter{Limit: 3})
		k.ok(err)
		k.delete(ids[2], ids[3])
		k.pass(time.Second)
		k.enqueue(withPriority(9)) // before the cursor
		last := k.enqueue()
		k.wantIDs("rest", k.list(errand.JobFilter{Limit: 3, Cursor: page.Next}), ids[4], ids[5], last)
	}},
	{name: "a cursor that is none is refused", run: func(k *kit) {
		k.enqueue()
		for _, cursor := range []string{"x", "!!", "e30", "AAAA"} {
			_, err := k.st.Jobs(k.ctx, errand.JobFilter{Cursor: cursor})
			k.wantError(err, errand.ErrInvalid)
			_, err = k.st.Delete(k.ctx, errand.Command{Now: k.now, Filter: errand.JobFilter{Cursor: cursor}})
			k.wantError(err, errand.ErrInvalid)
		}
	}},
	{name: "queues are counted, sorted and timed", run: func(k *kit) {
		everyState(k, 3)
		k.enqueue(inQueue("another"))
		info := k.queueInfo("q")
		for _, state := range errand.States() {
			if info.Counts[state] != 3 {
				k.Errorf("%v: %d, want 3", state, info.Counts[state])
			}
		}
		if !k.queueInfo("another").Oldest.Equal(k.now) {
			k.Errorf("oldest: %v", k.queueInfo("another").Oldest)
		}
	}},
	{name: "a queue whose jobs are gone is still listed", run: func(k *kit) {
		k.run(k.enqueue(), errand.EventSucceeded)
		if info := k.queueInfo("q"); info.Name != "q" || !info.Oldest.IsZero() {
			k.Errorf("queue: %+v", info)
		}
	}},
	{name: "the oldest job is the one that waits longest, whatever its priority", run: func(k *kit) {
		k.enqueue(withPriority(2))
		k.pass(time.Minute)
		k.enqueue(withPriority(9))
		if oldest := k.queueInfo("q").Oldest; !oldest.Equal(start) {
			k.Errorf("oldest %v, want %v", oldest, start)
		}
	}},
	{name: "meters count all, and estimate the last minute", run: meters},
}

// everyState leaves n jobs of queue q in every state, each at another time.
func everyState(k *kit, n int) {
	k.Helper()
	for range n {
		k.run(k.enqueue(withPriority(9)), errand.EventFailed)
		k.run(k.enqueue(withPriority(9)), errand.EventSucceeded, keep(time.Hour))
		k.cancel(k.enqueue())
		k.pass(time.Second)
	}
	k.enqueueMany(n, withPriority(9))
	k.claim(n)
	for range n {
		k.pass(time.Second)
		k.enqueue(after(k.enqueue()))
		k.enqueue(runAt(k.now.Add(time.Hour)))
	}
}

// listings makes jobs whose order by state differs from the order in which they came, and lists each state both ways, by
// pages of several sizes.
func listings(k *kit) {
	const n = 7
	order := []int{3, 0, 6, 2, 5, 1, 4} // the job made as number i belongs at place order[i]
	want := make(map[errand.State][]string)
	for _, state := range errand.States() {
		want[state] = make([]string, n)
	}
	begin := k.now
	for i, place := range order {
		when := begin.Add(time.Duration(place) * time.Second)
		k.now = when
		end := func(event errand.Event, options ...func(*errand.Outcome)) string {
			id := k.enqueue(inQueue("end"))
			k.settle(k.claim(1, "end")[0], event, options...)
			return id
		}
		want[errand.StateFailed][place] = end(errand.EventFailed)
		want[errand.StateFinished][place] = end(errand.EventSucceeded, keep(time.Hour))
		want[errand.StateCanceled][place] = end(errand.EventCanceled)
		want[errand.StateStarted][place] = k.enqueue(inQueue("started"))
		k.claim(1, "started")
		want[errand.StateScheduled][place] = k.enqueue(inQueue("scheduled"), runAt(when.Add(time.Hour)))
		want[errand.StateDeferred][place] = k.enqueue(inQueue("deferred"), after(want[errand.StateScheduled][place]))
		want[errand.StateQueued][place] = k.enqueue(inQueue("queued"), withPriority(9-place/2))
		if i == n-1 {
			k.now = begin.Add(time.Minute)
		}
	}
	for _, state := range errand.States() {
		reversed := slices.Clone(want[state])
		slices.Reverse(reversed)
		for _, limit := range []int{1, 2, 3, n, 100} {
			what := fmt.Sprintf("%v jobs, pages of %d", state, limit)
			k.wantIDs(what, k.list(errand.JobFilter{State: state, Limit: limit}), want[state]...)
			k.wantIDs(what+", newest first", k.list(errand.JobFilter{State: state, Limit: limit, Newest: true}), reversed...)
		}
	}
}

// meters: the estimate is what this minute has counted so far, and of the count of the minute before as large a part as
// lies within the last minute. Minutes begin at :00 of the requests' times.
func meters(k *kit) {
	check := func(what string, got errand.Meter, total int64, rate float64) {
		k.Helper()
		if got.Total != total || got.PerMinute < rate-0.01 || got.PerMinute > rate+0.01 {
			k.Errorf("%s: %+v, want %d and %v a minute", what, got, total, rate)
		}
	}
	k.enqueueMany(10)
	jobs := k.claim(6)
	for _, job := range jobs[:4] {
		k.settle(job, errand.EventSucceeded)
	}
	k.settle(jobs[4], errand.EventFailed)
	k.settle(jobs[5], errand.EventRetried)
	k.pass(30 * time.Second)
	check("enqueued at :30", k.queueInfo("q").Enqueued, 10, 10)
	check("finished at :30", k.queueInfo("q").Finished, 4, 4)
	check("failed at :30", k.queueInfo("q").Failed, 1, 1)
	k.pass(45 * time.Second) // 15 s into the next minute
	k.enqueueMany(2)
	check("enqueued at 1:15", k.queueInfo("q").Enqueued, 12, 10*0.75+2)
	k.pass(45 * time.Second)
	check("enqueued at 2:00", k.queueInfo("q").Enqueued, 12, 2)
	k.pass(time.Hour)
	check("enqueued after an hour", k.queueInfo("q").Enqueued, 12, 0)
	k.requeue(jobs[4].ID)
	check("enqueued after a requeue", k.queueInfo("q").Enqueued, 12, 0)
}
