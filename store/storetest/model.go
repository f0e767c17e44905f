package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// RunModel does random operations on the stores that open returns and on the memory store, and fails when a reply or a
// listing differs. Package rapid's flags say how much it does and repeat a failure (-rapid.checks, -rapid.steps,
// -rapid.seed).
func RunModel(t *testing.T, open func(t *testing.T) errand.Store) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{
			ctx: t.Context(), real: open(t), model: memory.New(), now: start,
			numbers: make(map[string]int64), claims: make(map[string]errand.ClaimRequest), settled: make(map[string]errand.Event),
			puts: make(map[string]int64),
		}
		defer func() {
			if err := errors.Join(m.real.Close(), m.model.Close()); err != nil {
				rt.Errorf("close: %v", err)
			}
		}()
		rt.Repeat(map[string]func(*rapid.T){
			"enqueue": m.enqueue, "enqueue again": m.enqueueAgain, "claim": m.claim, "claim more": m.claim,
			"claim again": m.claimAgain, "settle": m.settle, "settle more": m.settle, "renew": m.renew, "report": m.report,
			"maintain": m.maintain, "pass": m.pass, "command": m.command, "command by filter": m.commandByFilter,
			"pause": m.pause, "put": m.put, "pop": m.pop, "bury": m.bury, "page": m.page, "": m.check,
		})
		m.compareAll(rt)
		k := &kit{tester: rt, st: m.real, ctx: m.ctx, now: m.now}
		k.checkInvariants()
	})
}

// machine is a store and its model, to which the same is done.
type machine struct {
	ctx     context.Context
	real    errand.Store
	model   errand.Store
	now     time.Time
	steps   int
	made    int
	specs   []errand.JobSpec // of every job that was ever asked to be enqueued
	held    []*errand.Job    // every job that was ever claimed, as it was claimed
	numbers map[string]int64 // of each worker's last claim
	claims  map[string]errand.ClaimRequest
	settled map[string]errand.Event // by id and token, how an attempt was settled
	puts    map[string]int64        // of each queue and producer, the number of the last put
}

func (m *machine) stores() []errand.Store { return []errand.Store{m.real, m.model} }

// both does the same to the store and to its model.
func both[T any](m *machine, do func(errand.Store) (T, error)) (got, want T, gotErr, wantErr error) {
	got, gotErr = do(m.real)
	want, wantErr = do(m.model)
	return got, want, gotErr, wantErr
}

// kindOf names what callers can tell of an error.
func kindOf(err error) string {
	if dup, ok := errors.AsType[*errand.DuplicateError](err); ok {
		return fmt.Sprintf("%+v", *dup)
	}
	for _, kind := range []error{errand.ErrLeaseLost, errand.ErrInvalid, errand.ErrJobNotFound} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	if err != nil {
		return "error: " + err.Error()
	}
	return "nil"
}

func sameErrors(rt *rapid.T, what string, got, want []error) {
	rt.Helper()
	if len(got) != len(want) {
		rt.Fatalf("%s: %d errors, the model has %d", what, len(got), len(want))
	}
	for i := range got {
		if kindOf(got[i]) != kindOf(want[i]) {
			rt.Fatalf("%s: error %d: %v, the model says %v", what, i, got[i], want[i])
		}
	}
}

func sameJobs(rt *rapid.T, what string, got, want []*errand.Job) {
	rt.Helper()
	if g, w := idsOf(got), idsOf(want); !slices.Equal(g, w) {
		rt.Fatalf("%s:\n\tgot       %v\n\tthe model %v%s", what, g, w, firstApart(got, want))
	}
	for i := range got {
		if diff := difference(normal(got[i]), normal(want[i])); diff != "" {
			rt.Fatalf("%s: job %s (want is the model's):%s", what, want[i].ID, diff)
		}
	}
}

// firstApart shows the first place at which two listings differ.
func firstApart(got, want []*errand.Job) string {
	for i := range min(len(got), len(want)) {
		if g, w := got[i], want[i]; g.ID != w.ID {
			return fmt.Sprintf("\nat place %d:\n\tgot       %s\n\tthe model %s", i, line(g), line(w))
		}
	}
	return ""
}

// line says of a job what it is ordered by.
func line(job *errand.Job) string {
	return fmt.Sprintf("%s in %q: %v, priority %d, ready %v, lease %v, ended %v", job.ID, job.Queue, job.State, job.Priority,
		job.ReadyAt, job.LeaseUntil, job.EndedAt)
}

// check compares everything now and then.
func (m *machine) check(rt *rapid.T) {
	if m.steps++; m.steps%6 == 0 {
		m.compareAll(rt)
	}
}

// compareAll compares full listings, counters, orders and messages.
func (m *machine) compareAll(rt *rapid.T) {
	rt.Helper()
	got, want, err, _ := both(m, func(st errand.Store) ([]*errand.Job, error) {
		return m.listAll(st, errand.JobFilter{Limit: 1000})
	})
	sameErrors(rt, "list", []error{err}, []error{nil})
	sameJobs(rt, "full listing", got, want)
	m.compareQueues(rt)
	for _, worker := range []string{"w1", "w2"} {
		got, want, err, _ := both(m, func(st errand.Store) ([]string, error) {
			orders, err := st.Orders(m.ctx, worker)
			slices.Sort(orders.Cancel)
			return orders.Cancel, err
		})
		if err != nil || !slices.Equal(got, want) {
			rt.Fatalf("orders of %s: %v, %v, the model has %v", worker, got, err, want)
		}
	}
	gotM, wantM, err, _ := both(m, func(st errand.Store) ([]errand.MessageQueueInfo, error) {
		return st.MessageQueues(m.ctx, m.now)
	})
	for i := range gotM {
		round(&gotM[i].Put, &gotM[i].Got)
	}
	for i := range wantM {
		round(&wantM[i].Put, &wantM[i].Got)
	}
	if err != nil || !slices.Equal(gotM, wantM) {
		rt.Fatalf("message queues: %+v, %v, the model has %+v", gotM, err, wantM)
	}
}

// round rounds rates, which stores may compute in different ways.
func round(meters ...*errand.Meter) {
	for _, meter := range meters {
		meter.PerMinute = float64(int64(meter.PerMinute*1000+0.5)) / 1000
	}
}

func (m *machine) compareQueues(rt *rapid.T) {
	rt.Helper()
	got, want, err, _ := both(m, func(st errand.Store) ([]errand.QueueInfo, error) { return st.Queues(m.ctx, m.now) })
	if err != nil || len(got) != len(want) {
		rt.Fatalf("queues: %+v, %v, the model has %+v", got, err, want)
	}
	for i := range got {
		g, w := &got[i], &want[i]
		for _, state := range errand.States() {
			if g.Counts[state] != w.Counts[state] {
				rt.Fatalf("queue %q: %d %v jobs, the model has %d", w.Name, g.Counts[state], state, w.Counts[state])
			}
		}
		g.Counts, w.Counts = nil, nil
		round(&g.Enqueued, &g.Finished, &g.Failed, &w.Enqueued, &w.Finished, &w.Failed)
		if diff := difference(*g, *w); diff != "" {
			rt.Fatalf("queue %q (want is the model's):%s", w.Name, diff)
		}
	}
}

func (m *machine) listAll(st errand.Store, filter errand.JobFilter) ([]*errand.Job, error) {
	var jobs []*errand.Job
	for {
		page, err := st.Jobs(m.ctx, filter)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, page.Jobs...)
		if filter.Cursor = page.Next; filter.Cursor == "" {
			return jobs, nil
		}
	}
}
