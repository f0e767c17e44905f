package errand

import (
	"fmt"
	"slices"
	"time"
)

// Option says something about a job. Options given to [Define] are the task's defaults; those given to an enqueue come
// after them and win.
type Option func(*jobOptions)

type jobOptions struct {
	priority   int
	runAt      time.Time
	delay      time.Duration
	timeout    time.Duration
	retry      RetryPolicy
	keep       time.Duration
	unique     bool
	uniqueFor  time.Duration
	dependsOn  []string
	maxPayload int
	codec      Codec
	err        error // the first bad option
}

func (o *jobOptions) fail(format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
	}
}

// In runs the job no sooner than d from now, by the store's clock. At most ten years.
func In(d time.Duration) Option {
	return func(o *jobOptions) {
		if d < 0 || d > maxDelay {
			o.fail("In(%v): use 0 to %v", d, maxDelay)
		}
		o.delay, o.runAt = d, time.Time{}
	}
}

// At runs the job no sooner than t. A time in the past means at once.
func At(t time.Time) Option {
	return func(o *jobOptions) {
		if y := t.UTC().Year(); !t.IsZero() && (y < 1970 || y > 2200) {
			o.fail("At(%v): use a year from 1970 to 2200", t)
		}
		o.runAt, o.delay = t, 0
	}
}

// Priority is 0 (default) to 9; the higher goes first within its queue.
func Priority(p int) Option {
	return func(o *jobOptions) {
		if p < 0 || p > MaxPriority {
			o.fail("Priority(%d): use 0 to %d", p, MaxPriority)
		}
		o.priority = p
	}
}

// Retry runs the task again after a failed attempt, at most n times, each after the backoff's delay. Default: not at all.
func Retry(n int, b Backoff) Option {
	return func(o *jobOptions) {
		o.retry = RetryPolicy{Max: n, Backoff: b}
		if err := o.retry.validate(); err != nil && o.err == nil {
			o.err = err
		}
	}
}

// Timeout ends an attempt's context after d, and the attempt fails with [ErrTimeout] unless it succeeds all the same.
// 0: the worker's default; negative: no limit.
func Timeout(d time.Duration) Option {
	return func(o *jobOptions) { o.timeout = d }
}

// KeepResult keeps the finished job and its result for d. Default 0: a finished job is deleted at once.
func KeepResult(d time.Duration) Option {
	return func(o *jobOptions) {
		if d < 0 || d > maxDelay {
			o.fail("KeepResult(%v): use 0 to %v", d, maxDelay)
		}
		o.keep = d
	}
}

// Unique refuses the job with a [DuplicateError] while another of the same queue, task and payload is alive. The key is
// held until that job is final, at most for window; 0: no limit.
func Unique(window time.Duration) Option {
	return func(o *jobOptions) {
		if window < 0 || window > maxDelay {
			o.fail("Unique(%v): use 0 (no limit) to %v", window, maxDelay)
		}
		o.unique, o.uniqueFor = true, window
	}
}

// DependsOn runs the job only after the jobs with these ids have finished; at most 1000, of any queue of the same store.
// One that is no longer in the store counts as finished. When one fails, is canceled or is deleted unfinished, this job
// fails with that reason; when that one is requeued, this job waits for it again.
func DependsOn(ids ...string) Option {
	return func(o *jobOptions) {
		for _, id := range ids {
			if _, err := parseID(id); err != nil {
				o.fail("DependsOn(%q): not a job id", id)
			}
		}
		o.dependsOn = append(slices.Clone(o.dependsOn), ids...)
		if len(o.dependsOn) > 1000 {
			o.fail("DependsOn: %d jobs: use at most 1000", len(o.dependsOn))
		}
	}
}

// MaxPayload sets the largest payload, in bytes, that is taken; default [MaxPayloadBytes]. At most 64 MiB.
func MaxPayload(n int) Option {
	return func(o *jobOptions) {
		if n < 1 || n > 64<<20 {
			o.fail("MaxPayload(%d): use 1 to %d bytes", n, 64<<20)
		}
		o.maxPayload = n
	}
}

// WithCodec encodes payloads and results with c in place of JSON. It belongs to a task: give it to [Define].
func WithCodec(c Codec) Option {
	return func(o *jobOptions) {
		if c == nil {
			o.fail("WithCodec(nil)")
			return
		}
		o.codec = c
	}
}

// newOptions applies a call's options after a task's defaults.
func newOptions(defaults, opts []Option) jobOptions {
	if len(defaults)+len(opts) == 0 {
		return jobOptions{codec: JSON} // what options point to is on the heap
	}
	o := jobOptions{codec: JSON}
	for _, list := range [][]Option{defaults, opts} {
		for _, opt := range list {
			if opt == nil {
				o.fail("option is nil")
				continue
			}
			opt(&o)
		}
	}
	return o
}
