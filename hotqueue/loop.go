package hotqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/storeclock"
	"github.com/errandhq/errand/internal/wait"
)

// loop is one run of a parameter worker, whatever the type of its parameters.
type loop struct {
	workerOptions
	id    string
	store errand.Store
	queue string
	task  string
	clock *storeclock.Clock
	pop   func(ctx context.Context, limit int) ([][]byte, error)
	call  func(ctx context.Context, message []byte) error
	abort <-chan struct{}

	schema     json.RawMessage // of parameters; nil: unknown
	schemaSent time.Time       // of the heartbeat's goroutine
	recorder   *errand.Recorder
	quiet      atomic.Bool   // ordered to take no parameters
	resumed    chan struct{} // poked when that may be over
	changed    chan struct{} // poked when the record should say something new

	slots       chan struct{} // one in it for each call that runs, or is about to
	pending     sync.WaitGroup
	calls       context.Context // what calls' contexts derive from
	cancelCalls context.CancelCauseFunc
	began       time.Time
	stopping    atomic.Bool
	tally       tally
}

// run is Run. The order in which things stop: taking parameters; calls; then what tells of them.
func (l *loop) run(parent context.Context) error {
	ctx, stop := context.WithCancel(parent)
	defer stop()
	defer l.cancelCalls(nil)
	if l.measureClock(ctx) != nil {
		return nil // it was stopped before the store could be reached: nothing has begun
	}
	l.began = l.clock.Known()
	jobs := l.jobWorker()
	l.id = jobs.ID()
	l.recorder = errand.NewRecorder(l.store, l.id+"/parameters") // those of the jobs are the worker's own

	var jobsErr error
	var jobsRun, background sync.WaitGroup
	over := make(chan struct{})
	jobsRun.Go(func() {
		defer stop()
		jobsErr = jobs.Run(ctx)
	})
	background.Go(func() { l.heartbeat(over) })
	background.Go(func() {
		select {
		case <-l.abort:
			stop()
			jobs.Abort()
		case <-over:
		}
	})

	l.takeAll(ctx)

	stop()
	l.stopping.Store(true)
	err := l.awaitCalls()
	jobsRun.Wait()
	close(over)
	background.Wait()
	return errors.Join(err, jobsErr)
}

// measureClock asks the store for its time until it answers.
func (l *loop) measureClock(ctx context.Context) error {
	for try := 0; ; try++ {
		_, err := l.clock.Now(ctx)
		if err == nil {
			return nil
		}
		l.trouble("start", err, try)
		if err := wait.For(ctx, backoff(try)); err != nil {
			return err
		}
	}
}

// stopGrace is how long calls whose contexts were canceled may take to return before Run gives up on them.
const stopGrace = 10 * time.Second

// awaitCalls waits for the calls: for StopTimeout, or until Abort, as they are; then with their contexts canceled. What
// only waits for the store to take a failed parameter is waited for in any case; that is bounded.
func (l *loop) awaitCalls() error {
	done := make(chan struct{})
	go func() { // ends when the last call returns; only stuck ones, which the error counts, outlive Run
		l.pending.Wait()
		close(done)
	}()
	patience := time.NewTimer(l.stopTimeout)
	defer patience.Stop()
	select {
	case <-done:
		return nil
	case <-patience.C:
	case <-l.abort:
	}
	l.cancelCalls(errand.ErrStopping)
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-done:
		return nil
	case <-grace.C:
	}
	if stuck := l.tally.len(); stuck > 0 {
		return fmt.Errorf("%w: %d calls ignore their context", errand.ErrStopping, stuck)
	}
	<-done
	return nil
}

// takeAll takes parameters and has them called, never more than there are free slots for, so that what is taken is
// called at once. It returns when ctx ends, or when the queue has been empty for as long as it may.
func (l *loop) takeAll(ctx context.Context) {
	empty := listener{store: l.store, queue: l.queue}
	defer empty.close()
	var waiting context.Context // ends when the queue has been empty for long enough; nil: it was not, when last seen
	var cancel context.CancelFunc = func() {}
	defer func() { cancel() }()
	failures, last := 0, false
	for {
		n := l.acquire(ctx, last)
		if n == 0 || ctx.Err() != nil {
			l.release(n)
			return
		}
		if l.quiet.Load() {
			l.release(n)
			cancel()
			waiting, last = nil, false
			l.awaitResume(ctx)
			continue
		}
		messages, err := l.pop(ctx, n)
		for _, message := range messages {
			l.pending.Go(func() {
				defer l.release(1)
				l.handle(message)
			})
		}
		l.release(n - len(messages))
		switch {
		case err != nil:
			l.trouble("pop", err, failures)
			_ = wait.For(ctx, backoff(failures))
			failures++
			continue
		case len(messages) > 0:
			cancel()
			waiting, last = nil, false
			empty.waiter.Reset()
		case last:
			return
		default:
			if waiting == nil {
				waiting, cancel = l.patience.bound(ctx)
			}
			last = empty.wait(waiting) != nil
		}
		failures = 0
	}
}

// awaitResume waits while the worker is ordered to take nothing.
func (l *loop) awaitResume(ctx context.Context) {
	for l.quiet.Load() && ctx.Err() == nil {
		select {
		case <-l.resumed:
		case <-ctx.Done():
		}
	}
}

// bound returns a context that ends when the patience does.
func (o GetOption) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if !o.limited {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, o.wait)
}

// acquire waits for a free slot and returns how many it got: one or more, or, with all, every one, so that no call runs;
// none when ctx ended.
func (l *loop) acquire(ctx context.Context, all bool) int {
	for n := 0; n < cap(l.slots); n++ {
		if n > 0 && !all {
			select {
			case l.slots <- struct{}{}:
				continue
			default:
				return n
			}
		}
		select {
		case l.slots <- struct{}{}:
		case <-ctx.Done():
			l.release(n)
			return 0
		}
	}
	return cap(l.slots)
}

func (l *loop) release(n int) {
	for range n {
		<-l.slots
	}
}

// trouble logs an error of the store, ever more rarely as it goes on.
func (l *loop) trouble(operation string, err error, failures int) {
	if errors.Is(err, context.Canceled) || failures&(failures+1) != 0 {
		return
	}
	l.logger.Warn("hotqueue: trouble with the store, trying again", slog.String("queue", l.queue),
		slog.String("operation", operation), slog.Any("error", err))
}
