package errand

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// timeoutGrace is how long past its timeout a handler's lease is still renewed. Then it runs out, the job counts as
// having lost its worker, and another worker may run it; the handler keeps its slot until it returns.
const timeoutGrace = 30 * time.Second

// runner runs jobs one after another until the worker stops.
func (e *engine) runner() {
	e.ready.arrive()
	for h := e.ready.take(); h != nil; h = e.ready.take() {
		e.attempt(h)
	}
}

// attempt runs one job and hands its outcome to the settler.
func (e *engine) attempt(h *held) {
	job := h.job
	if e.stopping.Load() {
		e.release(h)
		return
	}
	task, ok := e.tasks[job.Task]
	if !ok {
		e.conclude(h, e.known.outcome(job))
		return
	}
	info := &JobInfo{
		ID: job.ID, Queue: job.Queue, Task: job.Task, Attempt: job.Attempt, Retries: job.Retry.Max,
		Payload: job.Payload, Enqueued: job.CreatedAt,
		Started: e.now(), lease: h.lease(), engine: e, keep: job.KeepResult,
	}
	timeout := job.Timeout
	if timeout == 0 {
		timeout = e.config.Timeout
	}
	info.ctx.info, info.ctx.values = info, e.handlers
	defer info.ctx.end(nil)
	var expires time.Time
	if timeout > 0 {
		info.ctx.deadline = time.Now().Add(timeout)
		expires = info.Started.Add(timeout + timeoutGrace)
	}
	if !e.ledger.begin(h, &info.ctx, info.Started, expires) {
		e.refuse(h)
		return
	}
	returned := false
	defer func() {
		if !returned { // the handler called runtime.Goexit, which ends this runner: another takes its place
			e.judge(h, info, timeout, nil, goexitError())
			e.runners.Go(e.runner)
		}
	}()
	var result []byte
	err := recovered(func() (err error) {
		result, err = task.run(&info.ctx, job.Payload, job.KeepResult > 0)
		return err
	})
	returned = true
	e.judge(h, info, timeout, result, err)
}

// refuse concludes a job that was canceled or lost before it began, or whose lease had run out by then: that one is given
// back, which the store refuses where another worker has it.
func (e *engine) refuse(h *held) {
	switch {
	case e.ledger.isLost(h):
		e.abandon(h)
	case e.ledger.isCanceled(h):
		e.conclude(h, Outcome{Event: EventCanceled})
	default:
		e.release(h)
	}
}

// judge decides what an attempt that has ended comes to.
func (e *engine) judge(h *held, info *JobInfo, timeout time.Duration, result []byte, err error) {
	log, inTx := info.end()
	h.mayBeSettled = inTx
	if inTx && err == nil {
		// If the transaction was committed the job is settled, and this outcome will be refused.
		err = Discard(errors.New("the task called Complete and returned nil, but its transaction was not committed"))
	}
	if e.ledger.isLost(h) {
		e.log.Warn("errand: the lease was lost while the task ran; its outcome is not recorded", slog.String("job", h.job.ID))
		e.abandon(h)
		return
	}
	v := verdict{job: h.job, err: err, timeout: timeout, canceled: e.ledger.isCanceled(h)}
	if err != nil {
		v.cause = context.Cause(&info.ctx)
	}
	ended := e.now()
	o := v.outcome(ended)
	if o.Event == EventSucceeded {
		o.Keep, o.Result = h.job.KeepResult, result
	}
	if o.Event != EventSucceeded || o.Keep > 0 {
		o.Record = &AttemptRecord{
			Attempt: info.Attempt, Token: h.job.Token, Outcome: o.Event, Worker: e.id,
			StartedAt: info.Started, EndedAt: ended, Log: log, RetryAt: o.At,
		}
		o.Record.Describe(v.err)
	}
	if h.run = ended.Sub(info.Started); inTx {
		h.err = v.err // the settler counts it, which learns whether the transaction was committed
	} else {
		e.count(h, o, v.err, ended)
	}
	e.conclude(h, o)
}

// conclude frees the slot and hands the outcome over.
func (e *engine) conclude(h *held, o Outcome) {
	o.ID, o.Queue, o.Token = h.job.ID, h.job.Queue, h.job.Token
	e.free(h)
	e.settler.add(h, o)
}

// abandon frees the slot of a job whose lease is lost: what became of it is not this worker's to say.
func (e *engine) abandon(h *held) {
	e.free(h)
	e.ledger.drop(h)
}

// free gives the slot of a job back, and calls the claimer where that makes room enough for a claim.
func (e *engine) free(h *held) {
	e.ended.Add(1)
	if int64(e.ledger.end(h)) <= e.lowWater.Load() {
		poke(e.freed)
	}
}

// count keeps the worker's counts and time series, and logs what went wrong.
func (e *engine) count(h *held, o Outcome, err error, ended time.Time) {
	e.recorder.Count(h.job.Queue, h.job.Task, ended, o.Event, max(ended.Add(-h.run).Sub(h.job.ReadyAt), 0), h.run)
	switch o.Event { //nolint:exhaustive // the other outcomes are neither counted nor worth a line
	case EventSucceeded:
		e.finished.Add(1)
	case EventFailed:
		e.failed.Add(1)
		e.log.Warn("errand: job failed", jobAttrs(h.job, err)...)
	case EventRetried:
		e.log.Info("errand: attempt failed, another follows", append(jobAttrs(h.job, err), slog.Time("at", o.At))...)
	}
}

func jobAttrs(job *Job, err error) []any {
	return []any{
		slog.String("job", job.ID), slog.String("task", job.Task), slog.String("queue", job.Queue),
		slog.Int("attempt", job.Attempt), slog.Any("error", err),
	}
}

// verdict is what is known of an attempt that has ended.
type verdict struct {
	job      *Job
	err      error // what the task returned; outcome may wrap it
	cause    error // why its context ended before it returned; nil when it did not
	timeout  time.Duration
	canceled bool
}

// outcome turns a verdict into what is reported.
func (v *verdict) outcome(now time.Time) Outcome {
	if v.err == nil {
		return Outcome{Event: EventSucceeded}
	}
	switch {
	case v.canceled:
		return Outcome{Event: EventCanceled}
	case errors.Is(v.cause, ErrStopping):
		return Outcome{Event: EventReleased}
	case errors.Is(v.cause, ErrTimeout):
		v.err = fmt.Errorf("%w after %v: %w", ErrTimeout, v.timeout, v.err)
	}
	var (
		snooze  *snoozeError
		discard *discardError
		after   *retryAfterError
	)
	switch {
	case errors.As(v.err, &snooze):
		v.err = nil
		return Outcome{Event: EventSnoozed, At: now.Add(snooze.delay)}
	case errors.As(v.err, &discard):
		return Outcome{Event: EventFailed}
	}
	delay, again := v.job.Retry.next(v.job.Attempt)
	if !again {
		return Outcome{Event: EventFailed}
	}
	if errors.As(v.err, &after) {
		delay = after.delay
	}
	return Outcome{Event: EventRetried, At: now.Add(delay)}
}

// A job of an unknown task is tried anew after a while, which grows with the time that it has been unknown, so that a
// flood of them does not keep workers busy giving them back.
const (
	unknownDelayMin = 2 * time.Second
	unknownDelayMax = 30 * time.Second
	workersAge      = 4 * time.Second // how old the list of what other workers know may be
)

// knownTasks tells which tasks other workers know.
type knownTasks struct {
	engine *engine

	mu    sync.Mutex
	asked time.Time
	names []string
}

// outcome says what becomes of a job whose task this worker does not know: it goes back, uncharged, for one that does;
// after the grace, when no living worker knows the task, it fails.
func (k *knownTasks) outcome(job *Job) Outcome {
	e := k.engine
	now := e.now()
	since := time.Duration(0)
	if !job.UnknownSince.IsZero() {
		since = now.Sub(job.UnknownSince)
	}
	if since == 0 || since < e.config.UnknownGrace || k.somebodyKnows(job.Task, now) {
		delay := min(max(since/4, unknownDelayMin), unknownDelayMax)
		return Outcome{Event: EventReleased, At: now.Add(delay), Unknown: true}
	}
	rec := &AttemptRecord{
		Attempt: job.Attempt, Token: job.Token, Outcome: EventFailed, Worker: e.id, StartedAt: now, EndedAt: now,
	}
	rec.Describe(fmt.Errorf("%w %q: no worker has known it for %v: register it with a worker of queue %q, then requeue this job",
		ErrUnknownTask, job.Task, e.config.UnknownGrace, job.Queue))
	e.failed.Add(1)
	e.recorder.Count(job.Queue, job.Task, now, EventFailed, -1, -1)
	return Outcome{Event: EventFailed, Record: rec}
}

// somebodyKnows asks, at most every few seconds, what living workers have registered. In doubt, somebody does.
func (k *knownTasks) somebodyKnows(task string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.asked.IsZero() || now.Sub(k.asked) > workersAge {
		ctx, cancel := k.engine.callContext()
		defer cancel()
		workers, err := k.engine.store.Workers(ctx)
		if err != nil {
			k.engine.trouble("workers", err)
			return true
		}
		k.asked, k.names = now, nil
		for i := range workers {
			if !workers[i].Lost(now) {
				k.names = append(k.names, workers[i].Tasks...)
			}
		}
	}
	return slices.Contains(k.names, task)
}
