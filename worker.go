package errand

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// WorkerConfig says what a worker does. The zero value of every field but Queues is usable.
type WorkerConfig struct {
	// Queues are the queues that it serves, in order. At least one.
	Queues []string
	// Strategy says which queue is served first; default StrictOrder.
	Strategy Strategy
	// Weights are for the Weighted strategy: how often a queue comes first, relative to the others. Default 1 each.
	Weights map[string]int
	// Concurrency is how many jobs run at a time; default 10, at most 10,000.
	Concurrency int
	// Burst stops the worker when its queues have nothing left to run.
	Burst bool

	// Lease is how long a claimed job stays this worker's without a sign of life, and so how long it takes until the
	// jobs of a worker that died are run again. Default 30 s, at least 1 s.
	Lease time.Duration
	// Timeout ends the context of an attempt whose job has none of its own. Default 30 min; negative: no limit.
	Timeout time.Duration
	// StopTimeout is how long running jobs may take to finish once the worker stops, before their contexts are
	// canceled. Default 30 s; negative: cancel at once.
	StopTimeout time.Duration

	// MaxRecoveries is how often a job is run again after it lost its worker. Default 2, so that the third loss fails it
	// as a poison pill; negative: none.
	MaxRecoveries int
	// UnknownGrace is how long a job of a task that no worker knows waits for one that does, before it fails. Default
	// 10 min.
	UnknownGrace time.Duration
	// KeepFailed is how long failed and canceled jobs are kept. Default 30 days.
	KeepFailed time.Duration
	// MaxFailed is how many failed (and canceled, and finished) jobs a queue keeps; beyond it the oldest go. Default
	// 100,000.
	MaxFailed int

	// Logger gets what the worker has to say; default slog.Default(). It never gets a payload.
	Logger *slog.Logger
}

// Strategy says in which order a worker serves its queues.
type Strategy uint8

// The strategies.
const (
	StrictOrder Strategy = iota // the first queue until it is empty, then the second ...
	RoundRobin                  // each queue is first in turn
	Weighted                    // each is first as often as its weight says
	Random                      // any is first
)

// ParseStrategy reads "strict", "round-robin", "weighted" or "random".
func ParseStrategy(name string) (Strategy, error) {
	names := []string{StrictOrder: "strict", RoundRobin: "round-robin", Weighted: "weighted", Random: "random"}
	if i := slices.Index(names, name); i >= 0 {
		return Strategy(i), nil
	}
	return 0, fmt.Errorf("%w: strategy %q: use one of %v", ErrInvalid, name, names)
}

// The defaults and bounds of a worker.
const (
	DefaultConcurrency   = 10
	DefaultLease         = 30 * time.Second
	DefaultTimeout       = 30 * time.Minute
	DefaultStopTimeout   = 30 * time.Second
	DefaultMaxRecoveries = 2
	DefaultUnknownGrace  = 10 * time.Minute
	DefaultMaxFailed     = 100_000

	maxConcurrency = 10_000
	minLease       = time.Second
)

// Worker runs the jobs of some queues. Make one with [NewWorker], give it tasks with [Worker.Register] and start it with
// [Worker.Run].
type Worker struct {
	id     string
	store  Store
	config WorkerConfig
	tasks  map[string]AnyTask
	err    error

	abort   chan struct{} // closed by Abort
	aborted sync.Once
	running sync.Mutex   // held while Run runs
	claims  atomic.Int64 // the number of the last claim, of this run or the one before

	recorder *Recorder // its reports' numbers go on from run to run
}

// NewWorker makes a worker. A bad setting is reported by Run.
func NewWorker(st Store, config WorkerConfig) *Worker {
	w := &Worker{id: workerID(), store: st, tasks: map[string]AnyTask{}, abort: make(chan struct{})}
	w.recorder = NewRecorder(st, w.id)
	w.config, w.err = config.complete()
	if st == nil && w.err == nil {
		w.err = fmt.Errorf("%w: NewWorker: the store is nil", ErrInvalid)
	}
	return w
}

// ID returns the name under which the worker is seen: host, process and a random part.
func (w *Worker) ID() string { return w.id }

// Register gives the worker tasks to run. It panics on a name that it has already, since one of the two would never be
// called. Call it before Run.
func (w *Worker) Register(tasks ...AnyTask) {
	for _, t := range tasks {
		if t == nil {
			panic("errand: Register: the task is nil")
		}
		if _, twice := w.tasks[t.Name()]; twice {
			panic(fmt.Sprintf("errand: Register: a task named %q is registered already", t.Name()))
		}
		w.tasks[t.Name()] = t
	}
}

// Run claims and runs jobs until ctx ends, or, with Burst, until there are none left. Then it claims no more, gives back
// what it has claimed and not begun, and lets running jobs finish for StopTimeout, or until [Worker.Abort]; after that
// it cancels their contexts with [ErrStopping] and releases each job once its handler has returned. It returns nil when
// everything that it started has stopped, and an error for a bad setting or for handlers that do not return.
//
// A worker may be run again once Run has returned, unless it was aborted. Handlers' contexts carry the values of ctx but do not end with it. Errors of the store do not end Run: it tries again
// with growing pauses.
func (w *Worker) Run(ctx context.Context) error {
	if ctx == nil {
		return fmt.Errorf("worker: %w: the context is nil", ErrInvalid)
	}
	if err := w.check(); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	if !w.running.TryLock() {
		return fmt.Errorf("worker: %w: it is running already: make another one", ErrInvalid)
	}
	defer w.running.Unlock()
	return newEngine(w).run(ctx)
}

// Abort is the second signal: it cancels the contexts of running jobs at once, also before ctx has ended. It may be
// called at any time, from any goroutine, more than once.
func (w *Worker) Abort() { w.aborted.Do(func() { close(w.abort) }) }

func (w *Worker) check() error {
	if w.err != nil {
		return w.err
	}
	if len(w.tasks) == 0 {
		return fmt.Errorf("%w: no task is registered: call Register before Run", ErrInvalid)
	}
	for _, name := range slices.Sorted(maps.Keys(w.tasks)) {
		if err := w.tasks[name].check(); err != nil {
			return err
		}
	}
	return nil
}

// complete fills in defaults and checks every field.
func (c WorkerConfig) complete() (WorkerConfig, error) {
	if len(c.Queues) == 0 {
		return c, fmt.Errorf("%w: WorkerConfig.Queues is empty: name at least one queue", ErrInvalid)
	}
	c.Queues = slices.Clone(c.Queues)
	for i, q := range c.Queues {
		if err := CheckName("queue", q); err != nil {
			return c, fmt.Errorf("WorkerConfig.Queues: %w", err)
		}
		if slices.Contains(c.Queues[:i], q) {
			return c, fmt.Errorf("%w: WorkerConfig.Queues: %q is there twice", ErrInvalid, q)
		}
	}
	for q, weight := range c.Weights {
		if !slices.Contains(c.Queues, q) || weight < 1 || weight > 1_000_000 {
			return c, fmt.Errorf("%w: WorkerConfig.Weights[%q] = %d: use 1 to 1,000,000, for a queue that is served",
				ErrInvalid, q, weight)
		}
	}
	if c.Strategy > Random {
		return c, fmt.Errorf("%w: WorkerConfig.Strategy %d", ErrInvalid, c.Strategy)
	}
	c.setDefaults()
	switch {
	case c.Concurrency < 1 || c.Concurrency > maxConcurrency:
		return c, fmt.Errorf("%w: WorkerConfig.Concurrency %d: use 1 to %d", ErrInvalid, c.Concurrency, maxConcurrency)
	case c.Lease < minLease:
		return c, fmt.Errorf("%w: WorkerConfig.Lease %v: use at least %v", ErrInvalid, c.Lease, minLease)
	case c.UnknownGrace < 0 || c.KeepFailed < 0 || c.MaxFailed < 0:
		return c, fmt.Errorf("%w: WorkerConfig: UnknownGrace, KeepFailed and MaxFailed cannot be negative", ErrInvalid)
	}
	return c, nil
}

func (c *WorkerConfig) setDefaults() {
	orElse(&c.Concurrency, DefaultConcurrency)
	orElse(&c.Lease, DefaultLease)
	orElse(&c.Timeout, DefaultTimeout)
	orElse(&c.StopTimeout, DefaultStopTimeout)
	orElse(&c.MaxRecoveries, DefaultMaxRecoveries)
	orElse(&c.UnknownGrace, DefaultUnknownGrace)
	orElse(&c.KeepFailed, DefaultFailedKeep)
	orElse(&c.MaxFailed, DefaultMaxFailed)
	c.Timeout = max(c.Timeout, 0)         // from here on 0 means no limit
	c.StopTimeout = max(c.StopTimeout, 0) // and 0 at once
	c.MaxRecoveries = max(c.MaxRecoveries, 0)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

// orElse sets a field that is zero.
func orElse[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func workerID() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	var random [3]byte
	_, _ = rand.Read(random[:]) // it never fails
	return fmt.Sprintf("%.60s:%d:%x", host, os.Getpid(), random)
}
