package errand

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/errandhq/errand/internal/wait"
)

// Handle refers to one job, of a task whose result is an Out. It is a small value; copy it freely.
type Handle[Out any] struct {
	ID    string
	Queue string // empty when it is not known; look-ups then ask every queue

	store    Store
	codec    Codec
	void     bool
	enqueued bool // this process has put the job in, so that a job that is gone has been there
	kept     bool // its result is kept
}

// Job returns the job as the store holds it now, or [ErrJobNotFound].
func (h Handle[Out]) Job(ctx context.Context) (*Job, error) {
	if h.store == nil {
		return nil, fmt.Errorf("%w: handle without a store: use a handle that Enqueue or Task.Handle returned", ErrInvalid)
	}
	if _, err := parseID(h.ID); err != nil {
		return nil, err
	}
	return h.store.Job(ctx, h.Queue, h.ID)
}

// Wait returns when the job is final, or ctx ends: nil when it finished, a [*JobError] when it failed for good,
// [ErrCanceled] when it was canceled. It needs no kept result: a job that is gone counts as finished, except on a handle
// from [Task.Handle] that has never seen the job, which returns [ErrJobNotFound].
func (h Handle[Out]) Wait(ctx context.Context) error {
	_, err := h.await(ctx)
	return err
}

// Result waits as [Handle.Wait] does and returns what the task returned. It returns [ErrNoResult], at once, where the
// job was enqueued without [KeepResult], and [ErrJobNotFound] when the job is gone.
func (h Handle[Out]) Result(ctx context.Context) (Out, error) {
	var out Out
	if h.enqueued && !h.kept {
		return out, ErrNoResult
	}
	if !h.enqueued {
		job, err := h.Job(ctx)
		if err != nil {
			return out, err
		}
		if job.KeepResult == 0 {
			return out, ErrNoResult
		}
	}
	job, err := h.await(ctx)
	if err != nil {
		return out, err
	}
	if job == nil {
		return out, fmt.Errorf("%w: %s: its result was kept until it was deleted", ErrJobNotFound, h.ID)
	}
	if h.void || len(job.Result) == 0 {
		return out, nil
	}
	if err := h.codec.Unmarshal(job.Result, &out); err != nil {
		return out, fmt.Errorf("result of job %s %w as %T: %w", h.ID, ErrDecode, out, err)
	}
	return out, nil
}

// The pace at which a job is looked at where the store wakes nobody, and as a safety net where it does.
const (
	waitPollFirst = 5 * time.Millisecond
	waitPollMax   = time.Second
)

// await returns the job once it is final; nil for one that is gone after it had been there.
func (h Handle[Out]) await(ctx context.Context) (*Job, error) {
	var wake <-chan struct{}
	if n, ok := h.store.(Notifier); ok {
		var cancel func()
		wake, cancel = n.Subscribe(JobTopic(h.ID))
		defer cancel()
	}
	seen := h.enqueued
	waiter := wait.Waiter{Wake: wake, First: waitPollFirst, Max: waitPollMax}
	for {
		job, err := h.Job(ctx)
		switch {
		case errors.Is(err, ErrJobNotFound) && seen:
			return nil, nil
		case err != nil:
			return nil, err
		case job.State.Final():
			return job, job.err()
		}
		seen = true
		if err := waiter.Wait(ctx); err != nil {
			return nil, err
		}
	}
}
