package hotqueue

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/errandhq/errand"
)

// Option says something about a queue. See [New].
type Option func(*options)

type options struct {
	codec errand.Codec
	max   int
	err   error // the first bad option
}

// WithCodec encodes messages with c in place of [errand.JSON]. All who use the queue must use the same; see also [Raw].
func WithCodec(c errand.Codec) Option {
	return func(o *options) {
		o.codec = c
		if c == nil {
			o.err = first(o.err, invalid("WithCodec(nil)"))
		}
	}
}

// MaxMessage sets the largest encoded message, in bytes, that Put takes. Default [errand.MaxPayloadBytes], at most 64 MiB.
func MaxMessage(n int) Option {
	return func(o *options) {
		o.max = n
		if n < 1 || n > 64<<20 {
			o.err = first(o.err, invalid("MaxMessage(%d): use 1 to %d bytes", n, 64<<20))
		}
	}
}

func newOptions(opts []Option) options {
	o := options{codec: errand.JSON, max: errand.MaxPayloadBytes}
	for _, opt := range opts {
		if opt == nil {
			o.err = first(o.err, invalid("option is nil"))
			continue
		}
		opt(&o)
	}
	return o
}

// GetOption says how long to wait for a message: [NoWait] or [Wait]. Without one, as long as ctx lives. Given to
// [Worker], it is how long an empty queue is waited at before Run returns.
type GetOption struct {
	wait    time.Duration
	limited bool
	err     error
}

// NoWait takes what is there and waits for nothing.
var NoWait = Wait(0)

// Wait waits at most d for a message.
func Wait(d time.Duration) GetOption {
	o := GetOption{wait: d, limited: true}
	if d < 0 {
		o.err = invalid("Wait(%v): use 0 or more", d)
	}
	return o
}

// patience returns the last of the options, which wins.
func patience(opts []GetOption) GetOption {
	var o GetOption
	for _, opt := range opts {
		opt.err = first(o.err, opt.err)
		o = opt
	}
	return o
}

// WorkerOption says something about a parameter worker: [Concurrency], [StopTimeout], [Logger] or a [GetOption].
type WorkerOption interface {
	apply(o *workerOptions)
}

type workerOptions struct {
	concurrency int
	stopTimeout time.Duration
	logger      *slog.Logger
	patience    GetOption
	err         error
}

type workerOption func(*workerOptions)

func (opt workerOption) apply(o *workerOptions) { opt(o) }

func (o GetOption) apply(w *workerOptions) {
	w.patience = o
	w.err = first(w.err, o.err)
}

// maxConcurrency is that of errand.WorkerConfig.
const maxConcurrency = 10_000

// Concurrency is how many calls run at a time. Default 1, at most 10,000.
func Concurrency(n int) WorkerOption {
	return workerOption(func(o *workerOptions) {
		o.concurrency = n
		if n < 1 || n > maxConcurrency {
			o.err = first(o.err, invalid("Concurrency(%d): use 1 to %d", n, maxConcurrency))
		}
	})
}

// StopTimeout is how long running calls may take to return once the worker stops, before their contexts are canceled
// with [errand.ErrStopping]. Default 30 s; 0 or less: cancel at once.
func StopTimeout(d time.Duration) WorkerOption {
	return workerOption(func(o *workerOptions) { o.stopTimeout = max(d, 0) })
}

// Logger gets what the worker has to say. Default slog.Default(). It never gets a message.
func Logger(l *slog.Logger) WorkerOption {
	return workerOption(func(o *workerOptions) {
		o.logger = l
		if l == nil {
			o.err = first(o.err, invalid("Logger(nil)"))
		}
	})
}

func newWorkerOptions(opts []WorkerOption) workerOptions {
	o := workerOptions{concurrency: 1, stopTimeout: errand.DefaultStopTimeout, logger: slog.Default()}
	for _, opt := range opts {
		if opt == nil {
			o.err = first(o.err, invalid("option is nil"))
			continue
		}
		opt.apply(&o)
	}
	return o
}

// first returns the first error that is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errand.ErrInvalid, fmt.Sprintf(format, args...))
}
