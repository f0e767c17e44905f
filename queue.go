package errand

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand/internal/batch"
	"github.com/errandhq/errand/internal/storeclock"
	"github.com/errandhq/errand/internal/wait"
)

// Queue is a named, ordered set of jobs in a store. Make one with [NewQueue], share it between goroutines and keep it:
// concurrent enqueues through one Queue share round trips.
type Queue struct {
	name  string
	store Store
	clock *storeclock.Clock
	tx    any // not nil: enqueue inside this transaction
	err   error
	batch *batch.Batcher[[][]JobSpec, []error]

	producers chan *producer // those that have no request under way
}

// producer is a name under which the store knows requests by their numbers, which rise: it has one under way at a time.
type producer struct {
	name   string
	number int64 // of the last request
}

// NewQueue names a queue of a store. Nothing is created: a queue is there once it has a job. A bad name, or a nil store,
// is reported by the first enqueue.
func NewQueue(st Store, name string) *Queue {
	q := &Queue{name: name, store: st, clock: storeclock.New(st), err: CheckName("queue", name)}
	if st == nil {
		q.err = fmt.Errorf("%w: NewQueue(%q): the store is nil", ErrInvalid, name)
	}
	q.batch = &batch.Batcher[[][]JobSpec, []error]{
		Send: q.send,
		Weigh: func(groups [][]JobSpec) (jobs int) {
			for _, group := range groups {
				jobs += len(group)
			}
			return jobs
		},
		Max:  maxGroups * MaxBatch,
		Ways: 1,
	}
	if st, ok := st.(Pipeliner); ok {
		q.batch.Ways = max(st.Pipeline(), 1)
	}
	q.producers = make(chan *producer, q.batch.Ways)
	for range q.batch.Ways {
		q.producers <- &producer{name: NewID()}
	}
	return q
}

// Name returns the queue's name.
func (q *Queue) Name() string { return q.name }

// WithTx returns the same queue bound to a transaction on the database that holds the store: a *sql.Tx on SQL stores,
// also a pgx.Tx on PostgreSQL. What is enqueued through it lands if, and only if, the transaction commits. On a store
// without transactions an enqueue returns [ErrTxUnsupported]. A handle of such an enqueue finds its job once the
// transaction has committed.
func (q *Queue) WithTx(tx any) *Queue {
	bound := &Queue{name: q.name, store: q.store, clock: q.clock, tx: tx, err: q.err}
	if tx == nil && bound.err == nil {
		bound.err = fmt.Errorf("%w: queue %q: WithTx(nil)", ErrInvalid, q.name)
	}
	return bound
}

// EnqueuePayload adds a job of a task by name with an encoded payload, and returns its id: for programs that do not
// have the task's Go function, such as the command line. The payload is not checked against the task.
func (q *Queue) EnqueuePayload(ctx context.Context, task string, payload []byte, opts ...Option) (string, error) {
	o := newOptions(nil, opts)
	spec, err := q.newSpec(ctx, task, &o)
	if err == nil {
		err = o.fill(&spec, payload)
	}
	if err == nil {
		err = q.addOne(ctx, &spec)
	}
	if err != nil {
		return "", fmt.Errorf("enqueue %q to %q: %w", task, q.name, err)
	}
	return spec.ID, nil
}

// newSpec checks what can be checked before there is a payload, and fills in what all jobs of one call share.
func (q *Queue) newSpec(ctx context.Context, task string, o *jobOptions) (JobSpec, error) {
	switch {
	case ctx == nil:
		return JobSpec{}, fmt.Errorf("%w: the context is nil: use context.Background()", ErrInvalid)
	case q.err != nil:
		return JobSpec{}, q.err
	case o.err != nil:
		return JobSpec{}, o.err
	}
	if err := CheckName("task", task); err != nil {
		return JobSpec{}, err
	}
	var now time.Time
	if o.delay > 0 {
		var err error
		if now, err = q.clock.Now(ctx); err != nil {
			return JobSpec{}, err
		}
	}
	return o.spec(now, q.name, task), nil
}

// NewJobSpec makes what [Queue.EnqueuePayload] gives its store, with an id of its own, for programs that speak to a [Store]
// themselves. A delay counts from now.
func NewJobSpec(now time.Time, queue, task string, payload []byte, opts ...Option) (JobSpec, error) {
	o := newOptions(nil, opts)
	if err := errors.Join(o.err, CheckName("queue", queue), CheckName("task", task)); err != nil {
		return JobSpec{}, err
	}
	spec := o.spec(now, queue, task)
	err := o.fill(&spec, payload)
	return spec, err
}

// spec is what all jobs of one call share.
func (o *jobOptions) spec(now time.Time, queue, task string) JobSpec {
	runAt := o.runAt
	if o.delay > 0 {
		runAt = now.Add(o.delay)
	}
	return JobSpec{
		Queue: queue, Task: task, Priority: o.priority, RunAt: runAt, DependsOn: o.dependsOn,
		UniqueFor: o.uniqueFor, Timeout: o.timeout, Retry: o.retry, KeepResult: o.keep,
	}
}

// fill completes a spec with its payload and what follows from it.
func (o *jobOptions) fill(spec *JobSpec, payload []byte) error {
	limit := o.maxPayload
	if limit == 0 {
		limit = MaxPayloadBytes
	}
	if len(payload) > limit {
		return fmt.Errorf("%w: %d bytes, the limit is %d: pass an id to load the data by, or use errand.MaxPayload",
			ErrPayloadTooLarge, len(payload), limit)
	}
	spec.ID, spec.Payload = NewID(), payload
	if o.unique {
		spec.UniqueKey = uniqueKey(spec.Task, payload)
	}
	return nil
}

// uniqueKey is what two jobs of a queue have in common when they are the same work.
func uniqueKey(task string, payload []byte) string {
	h := sha256.New()
	h.Write([]byte(task)) // a task name holds no zero byte, so the border is unambiguous
	h.Write([]byte{0})
	h.Write(payload)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// single is a call with one job.
type single struct {
	spec   [1]JobSpec
	groups [1][]JobSpec
}

// singles are for the next calls: those whose request was carried out. After an error somebody may still be at work with it.
var singles = sync.Pool{New: func() any { return new(single) }}

// addOne puts a job into the store.
func (q *Queue) addOne(ctx context.Context, spec *JobSpec) error {
	s := singles.Get().(*single)
	s.spec[0] = *spec
	s.groups[0] = s.spec[:]
	refusals, err := q.add(ctx, s.groups[:])
	if err != nil {
		return err
	}
	s.spec[0] = JobSpec{}
	singles.Put(s)
	return refusals[0]
}

// maxGroups is how many groups of [MaxBatch] jobs are in a request.
const maxGroups = 2

// groupsAtOnce is how many groups of a call go in one request: one where the store may refuse a group, since those after
// it must not go in then.
func groupsAtOnce(specs []JobSpec) int {
	if slices.ContainsFunc(specs, func(s JobSpec) bool { return s.UniqueKey != "" }) {
		return 1
	}
	return maxGroups
}

// add puts groups of jobs into the store, each all or none, in one request, and returns why each was refused, nil for those
// that are in; nothing with an error, when none is known to be.
func (q *Queue) add(ctx context.Context, groups [][]JobSpec) (refusals []error, err error) {
	if ctx.Err() != nil { // which takes no lock that all callers share
		return nil, context.Cause(ctx)
	}
	if q.tx == nil {
		refusals, err = q.batch.Do(ctx, groups)
		if errors.Is(err, batch.ErrUnknown) {
			err = fmt.Errorf("%w: %w", ErrUnknownOutcome, context.Cause(ctx))
		}
		return refusals, err
	}
	st, ok := q.store.(Transactor)
	if !ok {
		return nil, fmt.Errorf("%w: enqueue without WithTx", ErrTxUnsupported)
	}
	now, err := q.clock.Now(ctx)
	if err != nil {
		return nil, err
	}
	return st.EnqueueTx(ctx, q.tx, EnqueueRequest{Now: now, Groups: groups})
}

// The patience of an enqueue with a store that is not available: a web request waits for it.
const (
	enqueueTries   = 4
	enqueuePause   = 20 * time.Millisecond
	enqueueTimeout = 30 * time.Second
)

// send is one shared round trip. A store that is unavailable is asked again a few times, with the same
// number, so that nothing is done twice.
func (q *Queue) send(ctx context.Context, calls [][][]JobSpec) (refused [][]error, err error) {
	ctx, cancel := context.WithTimeout(ctx, enqueueTimeout)
	defer cancel()
	p := <-q.producers // there is one, since the batcher sends no more at a time
	defer func() { q.producers <- p }()
	p.number++
	req := EnqueueRequest{Producer: p.name, Number: p.number, Groups: slices.Concat(calls...)}
	var refusals []error
	for try := range enqueueTries {
		if try > 0 && wait.For(ctx, wait.Backoff(try, enqueuePause, enqueueTimeout)) != nil {
			break
		}
		if req.Now, err = q.clock.Now(ctx); err == nil {
			refusals, err = q.store.Enqueue(ctx, req)
		}
		if err == nil || !errors.Is(err, ErrUnavailable) {
			break
		}
	}
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: no answer within %v: %w", ErrUnavailable, enqueueTimeout, err)
	}
	if err != nil {
		return nil, err
	}
	refused = make([][]error, 0, len(calls))
	for _, groups := range calls {
		refused = append(refused, refusals[:len(groups)])
		refusals = refusals[len(groups):]
	}
	return refused, nil
}
