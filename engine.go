package errand

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/errandhq/errand/internal/storeclock"
	"github.com/errandhq/errand/internal/wait"
)

// engine is one run of a worker. Its parts, a goroutine each: the claimer brings jobs in, runners run them, the settler
// takes outcomes out; the heartbeat keeps leases and the worker's record alive, the reporter sends progress, the
// recorder time series, and maintenance does the store's housekeeping.
type engine struct {
	id     string
	store  Store
	config WorkerConfig
	tasks  map[string]AnyTask
	log    *slog.Logger
	abort  <-chan struct{}
	claims *atomic.Int64 // the number of the last claim: the store takes a lower one for a repetition
	clock  *storeclock.Clock

	ledger   *ledger
	settler  *settler
	reporter *reporter
	recorder *Recorder
	known    *knownTasks

	ready    *handoff      // claimed, to be begun in this order
	freed    chan struct{} // poked when there may be room for more
	most     atomic.Int64  // how many jobs may be in hand
	lowWater atomic.Int64  // the number of jobs in hand at which there is room
	beside   beside
	turn     atomic.Int64    // of the round robin
	wake     chan struct{}   // poked when there may be something to claim
	handlers context.Context // what handlers' contexts derive from
	runners  sync.WaitGroup
	stopping atomic.Bool
	quiet    atomic.Bool        // ordered to claim nothing
	ordered  atomic.Bool        // ordered to stop
	stop     context.CancelFunc // ends the claims, as the end of ctx does
	began    time.Time
	anew     bool // an earlier run of the same worker may have left its record, and an order to stop

	schemasSent time.Time // of the heartbeat's goroutine

	finished atomic.Int64 // attempts that succeeded
	failed   atomic.Int64 // jobs that failed for good
	ended    atomic.Int64 // handlers that returned: the claimer's measure of pace
	lastWarn troubleLog
}

func newEngine(w *Worker) *engine {
	e := &engine{
		id: w.id, store: w.store, config: w.config, tasks: w.tasks, log: w.config.Logger, abort: w.abort, claims: &w.claims, recorder: w.recorder,
		clock:  storeclock.New(w.store),
		ledger: newLedger(),
		freed:  make(chan struct{}, 1),
		wake:   make(chan struct{}, 1),
	}
	e.ready = newHandoff(w.config.Concurrency, func() { e.runners.Go(e.runner) })
	e.anew = w.claims.Load() > 0
	e.settler = newSettler(e)
	e.reporter = newReporter(e)
	e.known = &knownTasks{engine: e}
	return e
}

// now is the store's time.
func (e *engine) now() time.Time { return e.clock.Known() }

// callContext bounds a call to the store, so that a frozen one does not hang the worker, and keeps it from being cut
// off by the worker's own stopping.
func (e *engine) callContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), max(e.config.Lease/2, time.Second))
}

// run is Worker.Run. The order in which things stop: claims; jobs not begun; handlers; outcomes; then what kept the
// leases alive.
func (e *engine) run(parent context.Context) error {
	ctx, stop := context.WithCancel(parent)
	defer stop()
	e.stop = stop
	e.handlers = context.WithoutCancel(parent)
	if err := e.measureClock(ctx); err != nil {
		return nil //nolint:nilerr // the worker was stopped before the store could be reached: nothing has begun
	}
	e.began = e.now()
	e.log.Info("errand: worker started", slog.String("worker", e.id),
		slog.String("queues", strings.Join(e.config.Queues, ",")), slog.Int("concurrency", e.config.Concurrency))

	var outcomes, background sync.WaitGroup
	over := make(chan struct{})
	outcomes.Go(e.settler.run)
	background.Go(func() { e.heartbeat(over) })
	background.Go(func() { e.maintenance(over) })
	background.Go(func() { e.reporter.run(over) })
	background.Go(func() { e.recordSeries(over) })
	background.Go(func() {
		select {
		case <-e.abort:
			stop()
		case <-over:
		}
	})
	e.claimer(ctx)

	e.stopping.Store(true)
	e.ready.close()
	err := e.awaitRunners()
	e.settler.close()
	outcomes.Wait()
	close(over)
	background.Wait()
	e.log.Info("errand: worker stopped", slog.String("worker", e.id))
	return err
}

// measureClock asks the store for its time until it answers.
func (e *engine) measureClock(ctx context.Context) error {
	for try := 0; ; try++ {
		_, err := e.clock.Now(ctx)
		if err == nil {
			return nil
		}
		e.trouble("start", err)
		if err := wait.For(ctx, wait.Backoff(try, claimPauseMin, claimPauseMax)); err != nil {
			return err
		}
	}
}

// abortGrace is how long handlers whose contexts were canceled may take to return before Run gives up on them.
const abortGrace = 10 * time.Second

// awaitRunners releases what was not begun and waits for the handlers: for StopTimeout, or until Abort, as they are; then
// with their contexts canceled.
func (e *engine) awaitRunners() error {
	for h := e.ready.takeNow(); h != nil; h = e.ready.takeNow() {
		e.release(h)
	}
	done := make(chan struct{})
	go func() { // ends when the last handler returns; only stuck ones, which the error names, outlive Run
		e.runners.Wait()
		close(done)
	}()
	patience := time.NewTimer(e.config.StopTimeout)
	defer patience.Stop()
	select {
	case <-done:
		return nil
	case <-patience.C:
	case <-e.abort:
	}
	e.ledger.cancelAll(ErrStopping)
	grace := time.NewTimer(abortGrace)
	defer grace.Stop()
	select {
	case <-done:
		return nil
	case <-grace.C:
	}
	var stuck []string
	for _, r := range e.ledger.running(e.now(), timeoutGrace) {
		stuck = append(stuck, fmt.Sprintf("%s (%s)", r.ID, r.Task))
	}
	return fmt.Errorf("worker: %w: %d handlers ignore their context; their leases will run out and the jobs run again: %s",
		ErrStopping, len(stuck), strings.Join(stuck, ", "))
}

// release gives a job back that was not begun.
func (e *engine) release(h *held) {
	e.free(h)
	e.settler.add(h, Outcome{ID: h.job.ID, Queue: h.job.Queue, Token: h.job.Token, Event: EventReleased})
}

// troubleLog keeps repeated troubles with the store from filling the log.
type troubleLog struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// troubleEvery is how often the same operation's trouble is logged at most.
const troubleEvery = 10 * time.Second

// trouble logs an error of the store. What to do about it is the caller's.
func (e *engine) trouble(operation string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	t := &e.lastWarn
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = map[string]time.Time{}
	}
	if at, ok := t.last[operation]; ok && time.Since(at) < troubleEvery {
		return
	}
	t.last[operation] = time.Now()
	e.log.Warn("errand: trouble with the store, trying again", slog.String("operation", operation), slog.Any("error", err))
}
