package hotqueue

import (
	"context"
	"crypto/sha256"
	"fmt"
	"reflect"
	"sync"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/schema"
)

// Runner is a parameter worker whatever its type of parameter: what a program that runs several is given. Only
// *ParameterWorker need implement it.
type Runner interface {
	// Name returns the name of the queue that it serves.
	Name() string
	// Run works until ctx ends.
	Run(ctx context.Context) error
}

// ParameterWorker calls a function with parameters from a queue, again and again. Make one with [Worker] and start it
// with [ParameterWorker.Run].
type ParameterWorker[T any] struct {
	queue   *Queue[T]
	fn      func(context.Context, T) error
	options workerOptions
	err     error

	abort   chan struct{} // closed by Abort
	aborted sync.Once
	running sync.Mutex // held while Run runs
}

// Worker turns a function of one parameter into a loop over a queue of parameters. A bad option, a nil queue or a nil
// function is reported by Run.
func Worker[T any](q *Queue[T], fn func(context.Context, T) error, opts ...WorkerOption) *ParameterWorker[T] {
	w := &ParameterWorker[T]{queue: q, fn: fn, options: newWorkerOptions(opts), abort: make(chan struct{})}
	switch {
	case q == nil:
		w.err = invalid("the queue is nil")
	case fn == nil:
		w.err = invalid("the function is nil")
	default:
		w.err = first(q.err, w.options.err)
	}
	return w
}

// Name returns the name of the queue that the worker serves.
func (w *ParameterWorker[T]) Name() string {
	if w.queue == nil {
		return ""
	}
	return w.queue.name
}

// Run calls the function with parameter after parameter, and waits for more when the queue is empty, until ctx ends, or,
// with [Wait] or [NoWait], until no parameter has come for that long. Then it takes no more and lets running calls return
// for [StopTimeout], or until [ParameterWorker.Abort]; after that it cancels their contexts with [errand.ErrStopping]. It
// returns nil when all have returned, and an error for a bad setting or for calls that do not return.
//
// A parameter whose call fails (with an error, a panic or runtime.Goexit, or because it does not decode) becomes a failed
// job of the queue's name and of the task [TaskName] gives, with its error and stack trace. Once requeued it is called
// again by the workers of this queue, beside the parameters, never more than [Concurrency] of both at a time.
//
// The calls' contexts carry the values of ctx but do not end with it. Errors of the store do not end Run: it tries again
// with growing pauses.
func (w *ParameterWorker[T]) Run(ctx context.Context) error {
	err := w.err
	if ctx == nil {
		err = first(err, invalid("the context is nil"))
	}
	if err == nil && !w.running.TryLock() {
		err = invalid("it is running already: make another one")
	}
	if err != nil {
		return fmt.Errorf("parameter worker of %q: %w", w.Name(), err)
	}
	defer w.running.Unlock()
	if err := w.newLoop(ctx).run(ctx); err != nil {
		return fmt.Errorf("parameter worker of %q: %w", w.Name(), err)
	}
	return nil
}

// Abort is the second signal: it cancels the contexts of running calls at once, also before ctx has ended. It may be
// called at any time, from any goroutine, more than once.
func (w *ParameterWorker[T]) Abort() { w.aborted.Do(func() { close(w.abort) }) }

// TaskName returns the task name of the jobs that a queue's failed parameters become: "hotqueue." and the queue's name,
// the end of which is replaced by a checksum where the whole would be too long.
func TaskName(queue string) string {
	const prefix = "hotqueue."
	if room := errand.MaxNameBytes - len(prefix); len(queue) > room {
		sum := fmt.Sprintf("-%x", sha256.Sum256([]byte(queue)))[:17]
		queue = queue[:room-len(sum)] + sum
	}
	return prefix + queue
}

func (w *ParameterWorker[T]) newLoop(ctx context.Context) *loop {
	q := w.queue
	l := &loop{
		workerOptions: w.options,
		store:         q.store, queue: q.name, task: TaskName(q.name), clock: q.clock, pop: q.pop, abort: w.abort,
		slots:   make(chan struct{}, w.options.concurrency),
		resumed: make(chan struct{}, 1), changed: make(chan struct{}, 1),
	}
	if q.codec == errand.JSON {
		l.schema = schema.Of(reflect.TypeFor[T]())
	}
	l.call = func(ctx context.Context, message []byte) error {
		parameter, err := q.decode(message)
		if err != nil {
			return err
		}
		return w.fn(ctx, parameter)
	}
	l.calls, l.cancelCalls = context.WithCancelCause(context.WithoutCancel(ctx))
	return l
}
