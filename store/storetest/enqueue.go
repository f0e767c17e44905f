package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

var enqueueCases = []testCase{
	{name: "what is stored of a job is what was said of it", run: func(k *kit) {
		parent := k.enqueue()
		s := fullSpec(parent)
		k.ok(k.tryEnqueue(s))
		want := &errand.Job{JobSpec: s, State: errand.StateDeferred, CreatedAt: k.now, ReadyAt: s.RunAt}
		k.same("stored job", k.job(s.ID), want)
	}},
	{name: "a job is queued at once, scheduled when its time is later, queued when its time has passed", run: func(k *kit) {
		if job := k.want(errand.StateQueued, k.enqueue()); !job.ReadyAt.Equal(k.now) || !job.CreatedAt.Equal(k.now) {
			k.Errorf("queued job: ready %v, created %v, want %v", job.ReadyAt, job.CreatedAt, k.now)
		}
		later := k.now.Add(time.Minute)
		if job := k.want(errand.StateScheduled, k.enqueue(runAt(later))); !job.ReadyAt.Equal(later) {
			k.Errorf("scheduled job: ready %v, want %v", job.ReadyAt, later)
		}
		k.want(errand.StateQueued, k.enqueue(runAt(k.now)), k.enqueue(runAt(k.now.Add(-time.Hour))))
	}},
	{name: "a repeated enqueue changes nothing, whatever state the job is in", run: repeatedEnqueue},
	{name: "a producer's request that is sent again gets the same reply and does nothing, also when its jobs are gone", run: repeatedRequest},
	{name: "an id twice in one group is one job", run: func(k *kit) {
		s := spec()
		k.ok(k.tryEnqueue(s, s))
		k.wantIDs("jobs", k.list(errand.JobFilter{}), s.ID)
	}},
	{name: "a group of jobs that are in already in part adds the rest", run: func(k *kit) {
		a, b, c := spec(), spec(), spec()
		k.ok(k.tryEnqueue(b))
		k.ok(k.tryEnqueue(a, b, c))
		k.wantIDs("jobs", k.list(errand.JobFilter{State: errand.StateQueued}), b.ID, a.ID, c.ID)
	}},
	{name: "groups of several queues go in with one request", run: func(k *kit) {
		a, b, c := spec(inQueue("a")), spec(inQueue("b")), spec(inQueue("a"))
		errs, err := k.st.Enqueue(k.ctx, errand.EnqueueRequest{
			Now: k.now, Groups: [][]errand.JobSpec{{a}, {b}, {}, {c}},
		})
		k.ok(err)
		if len(errs) != 4 || errors.Join(errs...) != nil {
			k.Fatalf("errors: %v", errs)
		}
		k.wantIDs("jobs", k.list(errand.JobFilter{}), a.ID, c.ID, b.ID)
	}},
	{name: "a group of jobs of two queues is refused", run: func(k *kit) {
		k.wantError(k.tryEnqueue(spec(inQueue("a")), spec(inQueue("b"))), errand.ErrInvalid)
		if jobs := k.list(errand.JobFilter{}); len(jobs) > 0 {
			k.Errorf("%d jobs are in", len(jobs))
		}
	}},
	{name: "a group of the largest size goes in whole", run: func(k *kit) {
		group := make([]errand.JobSpec, errand.MaxBatch)
		for i := range group {
			group[i] = spec()
		}
		k.ok(k.tryEnqueue(group...))
		if n := k.queueInfo("q").Counts[errand.StateQueued]; n != errand.MaxBatch {
			k.Errorf("%d jobs are queued", n)
		}
	}},
	{name: "a request and a reply can be changed by the caller without harm", run: func(k *kit) {
		s := spec(withPayload([]byte("abc")))
		k.ok(k.tryEnqueue(s))
		s.Payload[0] = 'X'
		first := k.job(s.ID)
		first.Payload[1] = 'Y'
		if got := k.job(s.ID).Payload; !bytes.Equal(got, []byte("abc")) {
			k.Errorf("payload is now %q", got)
		}
	}},
	{name: "times are kept to the microsecond in UTC", run: func(k *kit) {
		zone := time.FixedZone("", 3600)
		k.now = start.Add(123456789 * time.Nanosecond).In(zone)
		id := k.enqueue(runAt(k.now.Add(time.Hour)))
		want := start.Add(123456 * time.Microsecond)
		job := k.job(id)
		if !job.CreatedAt.Equal(want) || !job.RunAt.Equal(want.Add(time.Hour)) || !job.ReadyAt.Equal(job.RunAt) {
			k.Errorf("created %v, run at %v, ready at %v", job.CreatedAt, job.RunAt, job.ReadyAt)
		}
		k.now = start
	}},
	{name: "every method of a closed store returns ErrClosed", run: func(k *kit) {
		k.closed = true
		k.ok(k.st.Close())
		for name, err := range callAll(k.ctx, k.st) {
			if !errors.Is(err, errand.ErrClosed) {
				k.Errorf("%s: %v, want %v", name, err, errand.ErrClosed)
			}
		}
	}},
	{name: "every method returns the error of a context that has ended", run: func(k *kit) {
		ctx, cancel := context.WithCancel(k.ctx)
		cancel()
		for name, err := range callAll(ctx, k.st) {
			if !errors.Is(err, context.Canceled) {
				k.Errorf("%s: %v, want %v", name, err, context.Canceled)
			}
		}
		if jobs := k.list(errand.JobFilter{}); len(jobs) > 0 {
			k.Errorf("%d jobs were stored all the same", len(jobs))
		}
	}},
	{name: "the store's time does not run backwards", run: func(k *kit) {
		first, err := k.st.Now(k.ctx)
		k.ok(err)
		second, err := k.st.Now(k.ctx)
		k.ok(err)
		if second.Before(first) || first.IsZero() || first.Location() != time.UTC {
			k.Errorf("%v, then %v", first, second)
		}
	}},
}

// fullSpec is a job with something in every field.
func fullSpec(parent string) errand.JobSpec {
	return errand.JobSpec{
		ID: newID(), Queue: "q", Task: "mail.send", Payload: []byte("\x00\xff{}"), Priority: 7,
		RunAt: start.Add(90 * time.Minute), DependsOn: []string{parent}, UniqueKey: "key", UniqueFor: time.Hour,
		Timeout: -time.Second, KeepResult: 48 * time.Hour,
		Retry: errand.RetryPolicy{Max: 5, Backoff: errand.Backoff{
			Kind: errand.BackoffDelays, Base: time.Second, Max: time.Hour,
			Delays: []time.Duration{time.Second, 2500 * time.Millisecond},
		}},
	}
}

// repeatedEnqueue brings a job through its life, and enqueues it again at every stage.
func repeatedEnqueue(k *kit) {
	s := spec(unique("key", 0), withPriority(3))
	k.ok(k.tryEnqueue(s))
	again := func(state errand.State) {
		k.Helper()
		before := k.want(state, s.ID)
		meter := k.queueInfo("q").Enqueued
		changed := s
		changed.Payload, changed.Priority, changed.UniqueKey = []byte("other"), 9, "other"
		k.ok(k.tryEnqueue(s))
		k.ok(k.tryEnqueue(changed))
		k.same("job enqueued again", k.job(s.ID), before)
		if now := k.queueInfo("q").Enqueued; now.Total != meter.Total {
			k.Errorf("%v: a repeated enqueue was counted: %d, then %d", state, meter.Total, now.Total)
		}
		k.pass(time.Second)
	}
	again(errand.StateQueued)
	job := k.claimOne(s.ID)
	again(errand.StateStarted)
	k.settle(job, errand.EventRetried, at(k.now.Add(time.Minute)))
	again(errand.StateScheduled)
	k.pass(2 * time.Minute)
	k.run(s.ID, errand.EventFailed)
	again(errand.StateFailed)
	k.requeue(s.ID)
	k.run(s.ID, errand.EventSucceeded, keep(time.Hour))
	again(errand.StateFinished)
	k.requeue(s.ID)
	k.cancel(s.ID)
	again(errand.StateCanceled)
}

// callAll calls each method of a store but Close and returns its error by name.
func callAll(ctx context.Context, st errand.Store) map[string]error {
	errs := make(map[string]error)
	call := func(name string, do func() error) { errs[name] = do() }
	s := spec()
	held := errand.Lease{ID: s.ID, Queue: "q", Token: 1}
	call("Now", func() error { _, err := st.Now(ctx); return err })
	call("Enqueue", func() error {
		_, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: start, Groups: [][]errand.JobSpec{{s}}})
		return err
	})
	call("Claim", func() error {
		_, err := st.Claim(ctx, errand.ClaimRequest{Now: start, Worker: "w", Number: 1, Queues: []string{"q"}, Limit: 1})
		return err
	})
	call("Settle", func() error {
		_, err := st.Settle(ctx, errand.SettleRequest{Now: start, Outcomes: []errand.Outcome{
			{ID: s.ID, Queue: "q", Token: 1, Event: errand.EventFailed},
		}})
		return err
	})
	call("Renew", func() error {
		_, err := st.Renew(ctx, errand.RenewRequest{Now: start, Worker: "w", Leases: []errand.Lease{held}})
		return err
	})
	call("Maintain", func() error { _, err := st.Maintain(ctx, errand.MaintainRequest{Now: start, Limit: 1}); return err })
	call("Queues", func() error { _, err := st.Queues(ctx, start); return err })
	call("Jobs", func() error { _, err := st.Jobs(ctx, errand.JobFilter{}); return err })
	call("Job", func() error { _, err := st.Job(ctx, "q", s.ID); return err })
	cmd := errand.Command{Now: start, IDs: []string{s.ID}}
	call("Requeue", func() error { _, err := st.Requeue(ctx, cmd); return err })
	call("Cancel", func() error { _, err := st.Cancel(ctx, cmd); return err })
	call("Delete", func() error { _, err := st.Delete(ctx, cmd); return err })
	call("Pause", func() error { return st.Pause(ctx, start, "q") })
	call("Resume", func() error { return st.Resume(ctx, start, "q") })
	call("Put", func() error {
		return st.Put(ctx, errand.PutRequest{Now: start, Queue: "m", Messages: [][]byte{{1}}})
	})
	call("Pop", func() error { _, err := st.Pop(ctx, start, "m", 1); return err })
	call("Len", func() error { _, err := st.Len(ctx, "m"); return err })
	call("Clear", func() error { _, err := st.Clear(ctx, start, "m"); return err })
	call("MessageQueues", func() error { _, err := st.MessageQueues(ctx, start); return err })
	call("Bury", func() error { return st.Bury(ctx, start, s, errand.AttemptRecord{}) })
	call("Heartbeat", func() error { return st.Heartbeat(ctx, errand.WorkerRecord{ID: "w", SeenAt: start}) })
	call("Workers", func() error { _, err := st.Workers(ctx); return err })
	call("Report", func() error { _, err := st.Report(ctx, []errand.ProgressReport{{Lease: held}}); return err })
	call("Schemas", func() error { _, err := st.Schemas(ctx); return err })
	call("Order", func() error { return st.Order(ctx, start, "w", errand.OrderQuiet) })
	call("RecordSeries", func() error { return st.RecordSeries(ctx, errand.SeriesReport{Now: start}) })
	call("Series", func() error { _, err := st.Series(ctx, errand.SeriesQuery{Step: errand.FineStep}); return err })
	call("RecordAudit", func() error { return st.RecordAudit(ctx, auditEntry(start)) })
	call("Audit", func() error { _, err := st.Audit(ctx, errand.AuditFilter{}); return err })
	call("Orders", func() error { _, err := st.Orders(ctx, "w"); return err })
	return errs
}

// payloadKinds are bytes that stores have been known to change.
func payloadKinds() map[string][]byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	large := bytes.Repeat(all, errand.MaxPayloadBytes/len(all))
	return map[string][]byte{
		"empty":               {},
		"a zero byte":         {0},
		"zero bytes inside":   []byte("a\x00b\x00"),
		"every byte":          all,
		"invalid UTF-8":       {0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80},
		"four-byte UTF-8":     []byte("\U0001F600\U00010348 \u4e2d\u6587"),
		"a big integer":       []byte(`{"n":9007199254740993}`),
		"space and key order": []byte(" {\"b\" : 1.0,\t\"a\":1e2, \"b\":2}\r\n"),
		"deep nesting":        []byte(strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)),
		"quotes and escapes":  []byte(`'";-- \' \\ %s $1 ? \u0000`),
		"exactly 1 MiB":       large,
	}
}

var payloadCases = payloadTests()

func payloadTests() []testCase {
	var cases []testCase
	kinds := payloadKinds()
	for _, name := range slices.Sorted(keysOf(kinds)) {
		cases = append(cases, testCase{name: name, run: func(k *kit) { k.payload(kinds[name]) }})
	}
	return cases
}

// payload shows that bytes come back exactly: as payload, as result, and after a failure and a requeue.
func (k *kit) payload(data []byte) {
	check := func(what string, got []byte) {
		k.Helper()
		if !bytes.Equal(got, data) {
			k.Fatalf("%s: %d bytes, want %d: %s", what, len(got), len(data), short(got))
		}
	}
	id := k.enqueue(withPayload(bytes.Clone(data)))
	job := k.claimOne(id)
	check("claimed payload", job.Payload)
	k.settle(job, errand.EventFailed, noted(errand.AttemptRecord{Attempt: 1, Outcome: errand.EventFailed, Error: "no"}))
	check("failed payload", k.job(id).Payload)
	k.requeue(id)
	job = k.claimOne(id)
	check("requeued payload", job.Payload)
	k.settle(job, errand.EventSucceeded, keep(time.Hour), result(bytes.Clone(data)))
	check("listed payload", k.list(errand.JobFilter{})[0].Payload)
	check("result", k.job(id).Result)
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// repeatedRequest: the first sending was carried out and its reply lost. Meanwhile its job has run, and the unique key
// that refused its second group has become free.
func repeatedRequest(k *kit) {
	holder := spec()
	holder.UniqueKey = "key"
	k.ok(k.tryEnqueue(holder))
	taken, refused := spec(), spec()
	refused.UniqueKey = "key"
	req := errand.EnqueueRequest{
		Now: k.now, Producer: "p", Number: 1, Groups: [][]errand.JobSpec{{taken}, {refused}, {spec(), spec(inQueue("b"))}},
	}
	send := func(req errand.EnqueueRequest) []error {
		refusals, err := k.st.Enqueue(k.ctx, req)
		k.ok(err)
		if len(refusals) != len(req.Groups) {
			k.Fatalf("%d refusals for %d groups", len(refusals), len(req.Groups))
		}
		return refusals
	}
	check := func(refusals []error) {
		k.ok(refusals[0])
		dup, ok := errors.AsType[*errand.DuplicateError](refusals[1])
		if !ok || dup.ID != holder.ID {
			k.Errorf("second group: %v, want a DuplicateError with %s", refusals[1], holder.ID)
		}
		k.wantError(refusals[2], errand.ErrInvalid)
	}
	check(send(req))
	k.run(holder.ID, errand.EventSucceeded)
	k.run(taken.ID, errand.EventSucceeded)
	k.pass(time.Minute)
	req.Now = k.now
	check(send(req))
	k.none()
	k.ok(send(errand.EnqueueRequest{Now: k.now, Producer: "other", Number: 1, Groups: [][]errand.JobSpec{{spec()}}})[0])
	next := spec()
	k.ok(send(errand.EnqueueRequest{Now: k.now, Producer: "p", Number: 2, Groups: [][]errand.JobSpec{{next}}})[0])
	k.want(errand.StateQueued, next.ID)
	late := spec() // of a request that its sender gave up, and that arrives after the next
	send(errand.EnqueueRequest{Now: k.now, Producer: "p", Number: 1, Groups: [][]errand.JobSpec{{late}}})
	if _, err := k.st.Job(k.ctx, late.Queue, late.ID); !errors.Is(err, errand.ErrJobNotFound) {
		k.Errorf("a request that was given up was carried out: %v", err)
	}
}
