package errand

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The errors that callers may want to tell apart, with errors.Is.
var (
	// ErrInvalid is wrapped by every error about a name, an option or a setting that cannot be.
	ErrInvalid = errors.New("invalid")
	// ErrPayloadTooLarge: the encoded value is longer than the limit; nothing was stored.
	ErrPayloadTooLarge = errors.New("payload too large")
	// ErrEncode: the value cannot be encoded as a payload; nothing was stored.
	ErrEncode = errors.New("cannot be encoded")
	// ErrDecode: the payload cannot be decoded as the task's value.
	ErrDecode = errors.New("cannot be decoded")
	// ErrDuplicate: a job with the same unique key is alive. See [DuplicateError].
	ErrDuplicate = errors.New("duplicate job")
	// ErrJobNotFound: no job with that id is in the store.
	ErrJobNotFound = errors.New("job not found")
	// ErrWorkerNotFound: the store has no record of a worker with that id.
	ErrWorkerNotFound = errors.New("worker not found")
	// ErrNoResult: the job's result is not kept; use [KeepResult].
	ErrNoResult = errors.New("result is not kept: enqueue with errand.KeepResult to keep it")
	// ErrCanceled: the job was canceled. Also the cause of a running handler's canceled context.
	ErrCanceled = errors.New("job was canceled")
	// ErrTxUnsupported: the store cannot take part in that kind of transaction.
	ErrTxUnsupported = errors.New("transaction not supported by this store")
	// ErrLeaseLost: another worker may hold the job by now; what the holder of the old token reports is refused.
	ErrLeaseLost = errors.New("lease lost")
	// ErrUnknownTask: no worker knows the job's task.
	ErrUnknownTask = errors.New("unknown task")
	// ErrTimeout: the attempt ran longer than its timeout. Also the cause of its canceled context.
	ErrTimeout = errors.New("attempt timed out")
	// ErrStopping: the worker is stopping. Also the cause of a running handler's context canceled by a second signal.
	ErrStopping = errors.New("worker is stopping")
	// ErrPoisoned: the job lost its worker once too often; it is not run again by itself.
	ErrPoisoned = errors.New("poison pill")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrUnknownOutcome: the caller gave up while the store was at work; the job may be in or not. An enqueue retried
	// with the same id makes one job, not two.
	ErrUnknownOutcome = errors.New("outcome unknown")
	// ErrCorrupt: what the store holds is not what Errand wrote.
	ErrCorrupt = errors.New("store is corrupt")
	// ErrMoveUnderWay: jobs of the queue are on their way to another store; that move must end first.
	ErrMoveUnderWay = errors.New("another move is under way")
	// ErrUnavailable: the store cannot serve now (locked, full, read-only, unreachable).
	ErrUnavailable = errors.New("store unavailable")
)

// DuplicateError says which living job holds the unique key that refused an enqueue. It is an [ErrDuplicate].
type DuplicateError struct {
	ID    string // the job that holds the key
	Queue string
	Task  string
}

// Error names the task, the queue and the job that holds the key.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("duplicate job: task %q with this payload is already in queue %q as job %s", e.Task, e.Queue, e.ID)
}

// Is makes errors.Is(err, ErrDuplicate) true.
func (e *DuplicateError) Is(target error) bool { return target == ErrDuplicate }

// JobError is the error of a job that failed for good, as [Handle.Result] and [Handle.Wait] return it.
type JobError struct {
	ID      string
	Queue   string
	Task    string
	Attempt int
	Message string   // the text of the error that the last attempt returned
	Chain   []string // the errors that it wraps, outermost first, each as "type: text"
	Stack   string   // of the panic, or of the error where it carries one; else empty
}

// Error gives the job, its task and the text of its error.
func (e *JobError) Error() string {
	return fmt.Sprintf("job %s (%s) failed: %s", e.ID, e.Task, e.Message)
}

// Format prints the stack trace too with %+v.
func (e *JobError) Format(s fmt.State, verb rune) {
	text := e.Error()
	if verb == 'v' && s.Flag('+') && e.Stack != "" {
		text += "\n" + strings.TrimRight(e.Stack, "\n")
	}
	if verb == 'q' {
		text = fmt.Sprintf("%q", text)
	}
	_, _ = s.Write([]byte(text))
}

// snoozeError, discardError and retryAfterError are what a task returns to steer what becomes of its job.
type snoozeError struct{ delay time.Duration }

func (e *snoozeError) Error() string { return fmt.Sprintf("snoozed for %v", e.delay) }

type discardError struct{ err error }

func (e *discardError) Error() string { return e.err.Error() }
func (e *discardError) Unwrap() error { return e.err }

type retryAfterError struct {
	delay time.Duration
	err   error
}

func (e *retryAfterError) Error() string { return e.err.Error() }
func (e *retryAfterError) Unwrap() error { return e.err }

// Snooze puts the job back for d when a task returns it. It costs no attempt.
func Snooze(d time.Duration) error { return &snoozeError{delay: max(d, 0)} }

// Discard fails the job for good now when a task returns it, whatever its retry policy says. A nil err stays nil.
func Discard(err error) error {
	if err == nil {
		return nil
	}
	return &discardError{err: err}
}

// RetryAfter fails the attempt when a task returns it and, where the retry policy grants another, has that start after d
// in place of the policy's own delay. A nil err stays nil.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryAfterError{delay: max(d, 0), err: err}
}
