package hotqueue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wait"
)

// handle calls the function with one parameter and keeps it as a failed job when that fails.
func (l *loop) handle(message []byte) {
	rec := errand.AttemptRecord{Attempt: 1, Outcome: errand.EventFailed, Worker: l.id, StartedAt: l.clock.Known()}
	run := errand.RunningJob{ID: errand.NewID(), Queue: l.queue, Task: l.task, Attempt: 1, StartedAt: rec.StartedAt}
	err := errand.Protect(func() error { return l.observed(l.calls, run, message) })
	rec.EndedAt = l.clock.Known()
	event := errand.EventSucceeded
	if err != nil {
		event = errand.EventFailed
	}
	l.recorder.Count(l.queue, l.task, rec.EndedAt, event, -1, rec.EndedAt.Sub(rec.StartedAt)) // when it was put is not known
	if err == nil {
		return
	}
	if cause := context.Cause(l.calls); cause != nil {
		err = fmt.Errorf("%w: the call was canceled: %w", cause, err)
	}
	rec.Describe(err)
	l.logger.Warn("hotqueue: a parameter's call failed", slog.String("job", run.ID), slog.String("queue", l.queue),
		slog.Any("error", err))
	l.bury(errand.JobSpec{ID: run.ID, Queue: l.queue, Task: l.task, Payload: message}, rec)
}

// callAgain calls the function for a failed parameter that was requeued.
func (l *loop) callAgain(ctx context.Context, message []byte) error {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer l.release(1)
	run := errand.RunningJob{Queue: l.queue, Task: l.task, StartedAt: l.clock.Known()}
	if info, ok := errand.JobFromContext(ctx); ok {
		run.ID, run.Attempt = info.ID, info.Attempt
	}
	return l.observed(ctx, run, message)
}

// observed calls the function and shows meanwhile that it runs.
func (l *loop) observed(ctx context.Context, run errand.RunningJob, message []byte) error {
	l.tally.begin(run)
	ok := false
	defer func() { l.tally.end(run.ID, ok) }() // also after a panic
	err := l.call(ctx, message)
	ok = err == nil
	return err
}

// Bounds of what a failed parameter waits for the store to keep it.
const (
	buryPatience = 30 * time.Second
	buryTimeout  = 10 * time.Second // of one request
)

// bury keeps a parameter whose call failed. The worker's stopping does not cut it off: the store no longer has the
// parameter.
func (l *loop) bury(spec errand.JobSpec, rec errand.AttemptRecord) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.calls), buryPatience)
	defer cancel()
	for try := 0; ; try++ {
		err := l.buryOnce(ctx, spec, rec)
		if err == nil {
			return
		}
		hopeless := errors.Is(err, errand.ErrClosed) || errors.Is(err, errand.ErrInvalid)
		if hopeless || wait.For(ctx, backoff(try)) != nil {
			l.logger.Error("hotqueue: a parameter is lost: its call failed and the store could not keep it",
				slog.String("queue", l.queue), slog.String("job", spec.ID), slog.String("call", rec.Error), slog.Any("error", err))
			return
		}
	}
}

func (l *loop) buryOnce(ctx context.Context, spec errand.JobSpec, rec errand.AttemptRecord) error {
	ctx, cancel := context.WithTimeout(ctx, buryTimeout)
	defer cancel()
	return l.store.Bury(ctx, l.clock.Known(), spec, rec)
}
