package errand

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/errandhq/errand/internal/schema"
)

// Task is a named Go function from In to Out that can be called later. Make one with [Define] or [DefineFunc], usually as
// a package variable, register it with the workers that are to run it and enqueue jobs of it anywhere.
type Task[In, Out any] struct {
	name     string
	call     func(context.Context, In) (Out, error)
	defaults []Option
	codec    Codec
	void     bool // has no result
	err      error
}

// None is the result type of tasks without a result.
type None struct{}

// Define names a function so that it can be called later. The name is what the store holds, so it must stay when the
// function is renamed, and be unique among the tasks of a worker. Options are the task's defaults for its jobs. A bad
// name or option is reported by the first enqueue, and by [Worker.Run].
func Define[In, Out any](name string, fn func(context.Context, In) (Out, error), defaults ...Option) *Task[In, Out] {
	o := newOptions(defaults, nil)
	t := &Task[In, Out]{name: name, call: fn, defaults: slices.Clone(defaults), codec: o.codec, err: o.err}
	if err := CheckName("task", name); err != nil {
		t.err = err
	} else if fn == nil {
		t.err = fmt.Errorf("%w: task %q: the function is nil", ErrInvalid, name)
	}
	return t
}

// DefineFunc is [Define] for a function without a result.
func DefineFunc[In any](name string, fn func(context.Context, In) error, defaults ...Option) *Task[In, None] {
	call := func(ctx context.Context, in In) (None, error) { return None{}, fn(ctx, in) }
	if fn == nil {
		call = nil
	}
	t := Define(name, call, defaults...)
	t.void = true
	return t
}

// AnyTask is a task of any types: what a worker or a command line is given. Only this package implements it, with *Task.
type AnyTask interface {
	// Name returns the task's name.
	Name() string
	// EnqueuePayload adds a job with an encoded value, which must decode as the task's input, and returns the job's id.
	EnqueuePayload(ctx context.Context, q *Queue, payload []byte, opts ...Option) (string, error)

	check() error
	run(ctx context.Context, payload []byte, keep bool) ([]byte, error)
	encode(result any) ([]byte, error)
	schema() json.RawMessage
}

// Name returns the task's name.
func (t *Task[In, Out]) Name() string { return t.name }

func (t *Task[In, Out]) check() error { return t.err }

// schema describes In as JSON Schema; nil where payloads are not JSON.
func (t *Task[In, Out]) schema() json.RawMessage {
	if t.codec != JSON {
		return nil
	}
	return schema.Of(reflect.TypeFor[In]())
}

// Enqueue adds a job that calls the task with in. When it returns nil the job is in the store. When it returns an error it
// is not, but after [ErrUnavailable], which comes when the store has not answered several tries, and after
// [ErrUnknownOutcome], which comes when ctx ended while the store was at work, it may be.
func (t *Task[In, Out]) Enqueue(ctx context.Context, q *Queue, in In, opts ...Option) (Handle[Out], error) {
	if q == nil {
		return Handle[Out]{}, t.nilQueue()
	}
	o, spec, err := t.newSpec(ctx, q, opts)
	if err == nil {
		err = t.fill(&o, &spec, in)
	}
	if err == nil {
		err = q.addOne(ctx, &spec)
	}
	if err != nil {
		return Handle[Out]{}, fmt.Errorf("enqueue %q to %q: %w", t.name, q.name, err)
	}
	return t.handle(q, &spec), nil
}

// EnqueueMany adds a job per value, in order, in few round trips. Up to [MaxBatch] values are added all or none; more go
// in chunks of that size, two in a request, and an error then says how many are in: their handles are returned with it.
// After [ErrUnavailable] and [ErrUnknownOutcome] those of the request that failed may be in besides.
func (t *Task[In, Out]) EnqueueMany(ctx context.Context, q *Queue, ins []In, opts ...Option) ([]Handle[Out], error) {
	if q == nil {
		return nil, t.nilQueue()
	}
	specs, err := t.specs(ctx, q, ins, opts)
	if err != nil {
		return nil, fmt.Errorf("enqueue %q to %q: %w", t.name, q.name, err)
	}
	handles := make([]Handle[Out], 0, len(specs))
	for groups := range slices.Chunk(slices.Collect(slices.Chunk(specs, MaxBatch)), groupsAtOnce(specs)) {
		refusals, err := q.add(ctx, groups)
		for i, refusal := range refusals {
			if refusal != nil {
				err = refusal
				break
			}
			for n := range groups[i] {
				handles = append(handles, t.handle(q, &groups[i][n]))
			}
		}
		if err != nil {
			if len(ins) > MaxBatch {
				err = fmt.Errorf("%d of %d jobs are in: %w", len(handles), len(ins), err)
			}
			return handles, fmt.Errorf("enqueue %q to %q: %w", t.name, q.name, err)
		}
	}
	return handles, nil
}

func (t *Task[In, Out]) nilQueue() error {
	return fmt.Errorf("enqueue %q: %w: the queue is nil", t.name, ErrInvalid)
}

func (t *Task[In, Out]) specs(ctx context.Context, q *Queue, ins []In, opts []Option) ([]JobSpec, error) {
	o, common, err := t.newSpec(ctx, q, opts)
	if err != nil {
		return nil, err
	}
	specs := make([]JobSpec, len(ins))
	for i, in := range ins {
		specs[i] = common
		if err := t.fill(&o, &specs[i], in); err != nil {
			if len(ins) > 1 {
				err = fmt.Errorf("value %d: %w", i, err)
			}
			return nil, err
		}
	}
	return specs, nil
}

// newSpec is what all jobs of one call share.
func (t *Task[In, Out]) newSpec(ctx context.Context, q *Queue, opts []Option) (o jobOptions, spec JobSpec, err error) {
	if t.err != nil {
		return o, spec, t.err
	}
	o = newOptions(t.defaults, opts)
	o.codec = t.codec // a job must be readable by the task's workers, whatever one enqueue says
	spec, err = q.newSpec(ctx, t.name, &o)
	return o, spec, err
}

// fill completes the spec of a job.
func (t *Task[In, Out]) fill(o *jobOptions, spec *JobSpec, in In) error {
	payload, err := t.codec.Marshal(in)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEncode, err)
	}
	return o.fill(spec, payload)
}

// EnqueuePayload adds a job with an encoded value, which must decode as the task's input, and returns the job's id.
func (t *Task[In, Out]) EnqueuePayload(ctx context.Context, q *Queue, payload []byte, opts ...Option) (string, error) {
	if t.err != nil {
		return "", t.err
	}
	var in In
	if err := t.codec.Unmarshal(payload, &in); err != nil {
		return "", fmt.Errorf("enqueue %q to %q: payload %w as %T: %w", t.name, q.name, ErrDecode, in, err)
	}
	return q.EnqueuePayload(ctx, t.name, payload, slices.Concat(t.defaults, opts)...)
}

// Handle returns a handle on a job of this task, also one that another process has enqueued.
func (t *Task[In, Out]) Handle(st Store, id string) Handle[Out] {
	return Handle[Out]{ID: id, store: st, codec: t.codec, void: t.void}
}

func (t *Task[In, Out]) handle(q *Queue, spec *JobSpec) Handle[Out] {
	return Handle[Out]{
		ID: spec.ID, Queue: q.name, store: q.store, codec: t.codec, void: t.void,
		enqueued: q.tx == nil, kept: spec.KeepResult > 0,
	}
}

// run decodes, calls and encodes: one attempt, without its surroundings.
func (t *Task[In, Out]) run(ctx context.Context, payload []byte, keep bool) ([]byte, error) {
	var in In
	if err := t.codec.Unmarshal(payload, &in); err != nil {
		return nil, Discard(fmt.Errorf("payload %w as %T: %w", ErrDecode, in, err))
	}
	out, err := t.call(ctx, in)
	if err != nil || !keep || t.void {
		return nil, err
	}
	result, err := t.encode(out)
	if err != nil {
		return nil, Discard(err) // the work is done: doing it again would not help
	}
	return result, nil
}

func (t *Task[In, Out]) encode(result any) ([]byte, error) {
	encoded, err := t.codec.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("result of type %T %w: %w", result, ErrEncode, err)
	}
	if len(encoded) > MaxResultBytes {
		return nil, fmt.Errorf("result of %d bytes is too large: the limit is %d", len(encoded), MaxResultBytes)
	}
	return encoded, nil
}
