package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// The cases of errand.Carrier are left out where a store is none. They carry from the store to another one of its kind,
// to the model and back.

func carries(h Harness) bool { return h.Open != nil }

var carryCases = []testCase{
	{name: "jobs of all kinds are carried as they are, in their order", run: carryAll, needs: carries},
	{name: "what is packed is nowhere else, and is packed again until it is delivered", run: packAgain, needs: carries},
	{name: "a parcel is for one store", run: packForOne, needs: carries},
	{name: "a parcel is unpacked once, whatever has become of its jobs", run: unpackOnce, needs: carries},
	{name: "a started job cannot be packed", run: packStarted, needs: carries},
	{name: "a unique key is held for what is left of its window", run: carryUnique, needs: carries},
	{name: "a job whose unique key is taken fails with that reason", run: carryConflict, needs: carries},
	{name: "a parent goes before its children, which wait for it in the other store", run: carryFamily, needs: carries},
	{name: "a child that comes later sees what has become of its parent", run: carryLate, needs: carries},
	{name: "a child that failed because of a parent is deferred when that is requeued", run: carryOrphan, needs: carries},
	{name: "a finished job is deleted when it would have been", run: carryFinished, needs: carries},
	{name: "messages are carried in their order, and put once", run: carryMessages, needs: carries},
	{name: "jobs that cannot be read are carried as failed ones", run: carryCorrupt, needs: func(h Harness) bool { return h.Corrupt != nil }},
}

// carrier returns the store as errand.Carrier, or nil.
func (k *kit) carrier() errand.Carrier {
	c, _ := k.st.(errand.Carrier)
	return c
}

// with is a kit on another store, at the same time.
func (k *kit) with(st errand.Store) *kit {
	other := *k
	other.st, other.numbers = st, make(map[string]int64)
	k.t.Cleanup(func() { _ = st.Close() })
	return &other
}

// pairs calls do for each way in which a store takes part: as source and as destination. A store that is no Carrier has
// none.
func (k *kit) pairs(do func(from, to *kit)) {
	k.Helper()
	if k.carrier() == nil {
		return
	}
	do(k, k.with(k.h.Open(k.t)))
	do(k.with(k.h.Open(k.t)), k.with(memory.New()))
	do(k.with(memory.New()), k.with(k.h.Open(k.t)))
}

// packable are the states in the order in which they are carried.
var packable = []errand.State{
	errand.StateQueued, errand.StateScheduled, errand.StateDeferred, errand.StateFailed, errand.StateFinished, errand.StateCanceled,
}

// pack packs jobs of queue q.
func (k *kit) pack(to *kit, state errand.State, limit int, number int64) errand.Parcel {
	k.Helper()
	name, err := to.carrier().Identity(k.ctx)
	k.ok(err)
	parcel, err := k.carrier().Pack(k.ctx, errand.PackRequest{
		Now: k.now, To: name, Token: "mover", Number: number, Queue: "q", State: state, Limit: limit,
	})
	k.ok(err)
	return parcel
}

func (k *kit) unpack(parcel errand.Parcel) errand.UnpackReply {
	k.Helper()
	reply, err := k.carrier().Unpack(k.ctx, k.now, &parcel)
	k.ok(err)
	return reply
}

func (k *kit) delivered(parcel errand.Parcel) {
	k.Helper()
	k.ok(k.carrier().Delivered(k.ctx, &parcel))
}

// carryTo carries all jobs but started ones, a few at a time, and says how many were passed over to the end.
func (k *kit) carryTo(to *kit) (passed int) {
	k.Helper()
	name, err := to.carrier().Identity(k.ctx)
	k.ok(err)
	number := int64(0)
	for moved := true; moved; {
		moved, passed = false, 0
		infos, err := k.st.Queues(k.ctx, k.now)
		k.ok(err)
		for _, state := range packable {
			for _, info := range infos {
				req := errand.PackRequest{Now: k.now, To: name, Token: "mover", Queue: info.Name, State: state, Limit: 7}
				for {
					number++
					req.Number = number
					parcel, err := k.carrier().Pack(k.ctx, req)
					k.ok(err)
					passed += parcel.Passed
					if parcel.Token != "" {
						moved = true
						to.unpack(parcel)
						k.delivered(parcel)
					}
					if parcel.Next == "" {
						break
					}
					req.Cursor = parcel.Next
				}
			}
		}
	}
	return passed
}

// fill makes jobs of all kinds but started ones.
func (k *kit) fill() {
	k.Helper()
	for i := range 20 {
		k.enqueueMany(2, withPriority(i%4), withPayload([]byte{0, 0xff, byte(i)}), inQueue([]string{"q", "other"}[i%2]))
	}
	hour := k.now.Add(time.Hour)
	k.enqueueMany(10, runAt(hour), inQueue("late"))
	failed := k.enqueue(inQueue("f"), withPriority(9))
	job := k.claim(1, "f")[0]
	k.settle(job, errand.EventRetried, at(k.now), noted(fullRecord(k.now)))
	k.pass(time.Second)
	job = k.claim(1, "f")[0]
	_, err := k.st.Report(k.ctx, []errand.ProgressReport{{Lease: lease(job), Progress: errand.Progress{Done: 3, Total: 4, Log: []string{"a"}, At: k.now}}})
	k.ok(err)
	orphan := k.enqueue(inQueue("g"), after(failed))
	k.settle(job, errand.EventFailed, noted(fullRecord(k.now)))
	k.want(errand.StateFailed, failed, orphan)
	k.enqueue(inQueue("f"), func(s *errand.JobSpec) { s.KeepResult = time.Hour })
	k.settle(k.claim(1, "f")[0], errand.EventSucceeded, keep(time.Hour), result([]byte("r\x00")))
	k.cancel(k.enqueue(inQueue("f")))
	k.enqueue(inQueue("lost"))
	k.claim(1, "lost")
	k.lose()
	k.enqueue(inQueue("u"), unique("k\xff", time.Hour), func(s *errand.JobSpec) {
		s.Timeout, s.Retry = time.Minute, errand.RetryPolicy{Max: 2, Backoff: errand.Delays(time.Second, time.Minute)}
	})
	k.enqueue(inQueue("odd"))
	k.settle(k.claim(1, "odd")[0], errand.EventReleased, unknownTask(), at(k.now.Add(time.Minute)))
	parent := k.enqueue(inQueue("p"), runAt(hour))
	child := k.enqueue(inQueue("c"), after(parent))
	k.enqueue(inQueue("a"), after(child, parent))
}

func carryAll(k *kit) {
	k.pairs(func(from, to *kit) {
		from.fill()
		to.now = from.now
		before := from.list(errand.JobFilter{Limit: 50})
		if passed := from.carryTo(to); passed != 0 {
			k.Errorf("%d jobs were passed over", passed)
		}
		if left := from.list(errand.JobFilter{}); len(left) != 0 {
			k.Fatalf("%d jobs were left", len(left))
		}
		now := to.list(errand.JobFilter{Limit: 50})
		to.wantIDs("carried", now, idsOf(before)...)
		for i := range before {
			to.same("carried", now[i], before[i])
		}
		from.checkInvariants()
		to.checkInvariants()
	})
}

func packAgain(k *kit) {
	k.pairs(func(from, to *kit) {
		ids := from.enqueueMany(5)
		if empty := from.pack(to, errand.StateQueued, 0, 1); empty.Token != "" || len(empty.Jobs) != 0 {
			k.Errorf("limit 0: %+v", empty)
		}
		parcel := from.pack(to, errand.StateQueued, 3, 1)
		if got := packedIDs(parcel); !slices.Equal(got, ids[:3]) {
			k.Fatalf("packed %v", got)
		}
		_, err := from.st.Job(k.ctx, "", ids[0])
		k.wantError(err, errand.ErrJobNotFound)
		from.wantIDs("left", from.list(errand.JobFilter{}), ids[3:]...)
		from.checkInvariants()
		for _, again := range []errand.Parcel{from.pack(to, errand.StateQueued, 3, 2), from.pack(to, errand.StateFailed, 0, 3)} {
			if again.Number != 1 || again.Token != "mover" || !slices.Equal(packedIDs(again), ids[:3]) {
				k.Errorf("packed again: %+v", again)
			}
		}
		from.delivered(errand.Parcel{Queue: "q", Token: "mover", Number: 7, Jobs: parcel.Jobs}) // of no such parcel
		from.delivered(parcel)
		from.delivered(parcel)
		if next := from.pack(to, errand.StateQueued, 3, 2); next.Number != 2 || !slices.Equal(packedIDs(next), ids[3:]) {
			k.Errorf("packed next: %+v", next)
		}
	})
}

func packedIDs(parcel errand.Parcel) []string {
	var ids []string
	for i := range parcel.Jobs {
		ids = append(ids, parcel.Jobs[i].Job.ID)
	}
	return ids
}

func packForOne(k *kit) {
	k.pairs(func(from, to *kit) {
		from.enqueue()
		from.pack(to, errand.StateQueued, 3, 1)
		own, err := from.carrier().Identity(k.ctx)
		k.ok(err)
		again, err := from.carrier().Identity(k.ctx)
		k.ok(err)
		theirs, err := to.carrier().Identity(k.ctx)
		k.ok(err)
		if own == theirs || own != again || own == "" {
			k.Errorf("identities %q, %q, %q", own, again, theirs)
		}
		_, err = from.carrier().Pack(k.ctx, errand.PackRequest{Now: k.now, To: "a third", Token: "t", Number: 1, Queue: "q", State: errand.StateQueued, Limit: 1})
		k.wantError(err, errand.ErrMoveUnderWay)
	})
}

func unpackOnce(k *kit) {
	k.pairs(func(from, to *kit) {
		from.enqueueMany(2)
		parcel := from.pack(to, errand.StateQueued, 10, 1)
		to.unpack(parcel)
		to.unpack(parcel)
		if jobs := to.list(errand.JobFilter{}); len(jobs) != 2 {
			k.Fatalf("%d jobs after unpacking twice", len(jobs))
		}
		for _, job := range to.claim(10) {
			to.settle(job, errand.EventSucceeded)
		}
		to.unpack(parcel)
		to.pass(300 * 24 * time.Hour)
		to.maintain()
		to.unpack(parcel)
		if jobs := to.list(errand.JobFilter{}); len(jobs) != 0 {
			k.Fatalf("%d jobs came back", len(jobs))
		}
		other := parcel
		other.Number = 2
		other.Jobs = other.Jobs[:1]
		to.unpack(other)
		if jobs := to.list(errand.JobFilter{}); len(jobs) != 1 {
			k.Fatalf("%d jobs of another parcel", len(jobs))
		}
		to.checkInvariants()
	})
}

func packStarted(k *kit) {
	k.pairs(func(from, to *kit) {
		from.enqueue()
		from.claim(1)
		if passed := from.carryTo(to); passed != 0 || from.queueInfo("q").Counts[errand.StateStarted] != 1 {
			k.Errorf("passed %d, %+v", passed, from.queueInfo("q"))
		}
		_, err := from.carrier().Pack(k.ctx, errand.PackRequest{Now: k.now, To: "x", Token: "t", Number: 1, Queue: "q", State: errand.StateStarted, Limit: 1})
		k.wantError(err, errand.ErrInvalid)
	})
}

func carryUnique(k *kit) {
	k.pairs(func(from, to *kit) {
		id, forever := from.enqueue(unique("a", time.Minute)), from.enqueue(unique("b", 0))
		from.pass(40 * time.Second)
		to.now = from.now
		from.carryTo(to)
		k.ok(from.tryEnqueue(spec(unique("a", time.Minute)))) // free in the store that it left
		to.duplicate(id, unique("a", time.Minute))
		to.pass(21 * time.Second)
		k.ok(to.tryEnqueue(spec(unique("a", 0))))
		to.pass(time.Hour)
		to.duplicate(forever, unique("b", 0))
		jobs := to.claim(10)
		for _, job := range jobs {
			to.settle(job, errand.EventSucceeded)
		}
		k.ok(to.tryEnqueue(spec(unique("b", 0))))
	})
}

func carryConflict(k *kit) {
	k.pairs(func(from, to *kit) {
		id, holder := from.enqueue(unique("a", 0)), to.enqueue(unique("a", 0))
		child := from.enqueue(after(id))
		parcel := from.pack(to, errand.StateQueued, 10, 1)
		if reply := to.unpack(parcel); reply.Conflicts != 1 {
			k.Errorf("reply %+v", reply)
		}
		from.delivered(parcel)
		rec, _ := to.want(errand.StateFailed, id).LastError()
		if rec.Error != errand.ConflictError(holder) || rec.Outcome != errand.EventFailed || !rec.EndedAt.Equal(k.now) {
			k.Errorf("record %+v", rec)
		}
		from.carryTo(to)
		to.want(errand.StateFailed, child)
		to.skipped(to.st.Requeue, id)
		to.run(holder, errand.EventSucceeded)
		to.requeue(id)
		to.want(errand.StateDeferred, child)
		to.run(id, errand.EventSucceeded)
		to.want(errand.StateQueued, child)
		to.checkInvariants()
	})
}

func carryFamily(k *kit) {
	k.pairs(func(from, to *kit) {
		grandparent := from.enqueue(inQueue("p"))
		parent := from.enqueue(inQueue("p"), after(grandparent))
		child := from.enqueue(after(parent, grandparent))
		started := from.enqueue(inQueue("s"))
		waits := from.enqueue(after(started))
		from.claim(1, "s")
		if passed := from.carryTo(to); passed != 1 {
			k.Errorf("passed over %d", passed)
		}
		to.want(errand.StateDeferred, parent, child)
		from.want(errand.StateDeferred, waits)
		from.checkInvariants()
		to.checkInvariants()
		for _, id := range []string{grandparent, parent} {
			jobs := to.claim(10, "p", "q")
			to.wantIDs("claim", jobs, id)
			to.settle(jobs[0], errand.EventSucceeded)
		}
		to.run(child, errand.EventSucceeded)
		from.lose()
		from.settle(from.claim(1, "s")[0], errand.EventSucceeded)
		from.want(errand.StateQueued, waits)
	})
}

func carryLate(k *kit) {
	for _, event := range []errand.Event{errand.EventSucceeded, errand.EventFailed} {
		k.pairs(func(from, to *kit) {
			parent := from.enqueue()
			child := from.enqueue(after(parent))
			parcel := from.pack(to, errand.StateQueued, 10, 1)
			to.unpack(parcel)
			from.delivered(parcel)
			to.run(parent, event)
			from.carryTo(to)
			if event == errand.EventSucceeded {
				to.run(child, errand.EventSucceeded)
				return
			}
			rec, _ := to.want(errand.StateFailed, child).LastError()
			if want := fmt.Sprintf("job %s that it depends on failed", parent); rec.Error != want {
				k.Errorf("error %q, want %q", rec.Error, want)
			}
			to.requeue(parent)
			to.want(errand.StateDeferred, child)
			to.checkInvariants()
		})
	}
}

func carryOrphan(k *kit) {
	k.pairs(func(from, to *kit) {
		parent := from.enqueue()
		child := from.enqueue(inQueue("c"), after(parent))
		grandchild := from.enqueue(after(child))
		from.run(parent, errand.EventFailed)
		from.want(errand.StateFailed, parent, child, grandchild)
		if passed := from.carryTo(to); passed != 0 {
			k.Errorf("passed over %d", passed)
		}
		to.pass(time.Second)
		to.requeue(parent)
		to.want(errand.StateDeferred, child, grandchild)
		to.run(parent, errand.EventSucceeded)
		to.settle(to.claim(1, "c")[0], errand.EventSucceeded)
		to.run(grandchild, errand.EventSucceeded)
		to.checkInvariants()
	})
}

func carryFinished(k *kit) {
	k.pairs(func(from, to *kit) {
		id := from.enqueue()
		from.run(id, errand.EventSucceeded, keep(time.Hour), result([]byte("r")))
		from.pass(50 * time.Minute)
		to.now = from.now
		from.carryTo(to)
		to.pass(9 * time.Minute)
		to.maintain()
		to.want(errand.StateFinished, id)
		to.pass(2 * time.Minute)
		to.maintain()
		_, err := to.st.Job(k.ctx, "", id)
		k.wantError(err, errand.ErrJobNotFound)
	})
}

func carryMessages(k *kit) {
	k.pairs(func(from, to *kit) {
		name, err := to.carrier().Identity(k.ctx)
		k.ok(err)
		want := [][]byte{[]byte("a"), {0, 0xff}, nil, []byte("d"), []byte("e")}
		k.ok(from.st.Put(k.ctx, errand.PutRequest{Now: k.now, Queue: "m", Messages: want}))
		req := errand.PackRequest{Now: k.now, To: name, Token: "mover", Queue: "m", Limit: 3}
		for number := int64(1); ; number++ {
			req.Number = number
			parcel, err := from.carrier().PackMessages(k.ctx, req)
			k.ok(err)
			if parcel.Token == "" {
				break
			}
			if n, err := from.st.Len(k.ctx, "m"); err != nil || n != int64(max(0, 5-3*number)) {
				k.Errorf("length %d beside a parcel: %v", n, err)
			}
			other := req
			other.To = "a third"
			_, err = from.carrier().PackMessages(k.ctx, other)
			k.wantError(err, errand.ErrMoveUnderWay)
			again, err := from.carrier().PackMessages(k.ctx, errand.PackRequest{Now: k.now, To: name, Token: "later", Number: 9, Queue: "m"})
			k.ok(err)
			if again.Token != "mover" || again.Number != number || len(again.Messages) != len(parcel.Messages) {
				k.Errorf("packed again: %+v", again)
			}
			put := errand.PutRequest{
				Now: k.now, Queue: "m", Producer: parcel.Token, Number: parcel.Number, Messages: parcel.Messages, Remember: errand.RememberParcels,
			}
			k.ok(to.st.Put(k.ctx, put))
			to.now = k.now.Add(300 * 24 * time.Hour)
			to.maintain()
			put.Now = to.now
			k.ok(to.st.Put(k.ctx, put))
			from.delivered(parcel)
		}
		got, err := to.st.Pop(k.ctx, to.now, "m", 10)
		k.ok(err)
		if !slices.EqualFunc(got, want, slices.Equal) {
			k.Errorf("got %q, want %q", got, want)
		}
	})
}

func carryCorrupt(k *kit) {
	if k.carrier() == nil {
		return
	}
	to := k.with(k.h.Open(k.t))
	id := k.enqueue(withPayload([]byte("intact")), runAt(k.now.Add(time.Hour)))
	bad := k.enqueue(withPayload([]byte("intact")))
	k.h.Corrupt(k.t, k.st, bad)
	k.carryTo(to)
	to.want(errand.StateScheduled, id)
	if job := to.want(errand.StateFailed, bad); string(job.Payload) != "intact" || len(job.Attempts) != 1 {
		k.Errorf("carried: %+v", job)
	}
	to.checkInvariants()
}
