package errand

import (
	"slices"
	"time"
)

// JobSpec is what its enqueuer says of a job. It does not change while the job lives.
type JobSpec struct {
	ID       string // UUIDv7 in its usual text form, made by the client, so that a repeated enqueue makes one job
	Queue    string
	Task     string
	Payload  []byte
	Priority int       // 0 (default) to 9, higher first
	RunAt    time.Time // not before; zero: at once

	DependsOn []string // ids of jobs that must finish first

	UniqueKey string        // empty: not unique; else at most one living job of the queue has it
	UniqueFor time.Duration // how long the key is held at most; 0: until the job is final

	Timeout    time.Duration // of one attempt; 0: the worker's default; negative: none
	Retry      RetryPolicy
	KeepResult time.Duration // how long the finished job and its result are kept; 0: deleted at once
}

// Job is a job as the store holds it.
type Job struct {
	JobSpec
	State      State
	CreatedAt  time.Time // when it was enqueued
	ReadyAt    time.Time // since when it may run: its place in the queue
	StartedAt  time.Time // of the last attempt
	EndedAt    time.Time // when it became final
	LeaseUntil time.Time // started only: until when its worker holds it
	Worker     string    // who holds it, or held it last
	Token      int64     // counts claims; proves that a settling worker still holds the lease
	Attempt    int       // number of the last attempt; 0: none yet
	Recoveries int       // how often it lost its worker

	UnknownSince time.Time       // since when workers that do not know its task have given it back; zero: they have not
	Result       []byte          // finished only
	Progress     *Progress       // what the last attempt reported, nil for nothing
	Attempts     []AttemptRecord // the attempts that ended, oldest first, at most [MaxAttemptRecords]
}

// Progress is what a running attempt says of itself.
type Progress struct {
	Done  int64     `json:"done"`
	Total int64     `json:"total"` // 0: unknown
	Log   []string  `json:"log,omitempty"`
	At    time.Time `json:"at"`
}

// The bounds on what a job keeps of its past, so that nothing grows without end.
const (
	MaxAttemptRecords = 50                  // the oldest are dropped, but never the first
	MaxErrorBytes     = 8 << 10             // of an error's text; the middle is cut
	MaxStackBytes     = 32 << 10            // of a stack trace; the end is cut
	MaxLogLines       = 100                 // of an attempt's log; the oldest are dropped
	MaxLogLineBytes   = 1 << 10             // of one log line
	MaxResultBytes    = 1 << 20             // of a result; a longer one fails the attempt
	MaxPayloadBytes   = 1 << 20             // default limit of a payload
	MaxNameBytes      = 128                 // of a queue's or a task's name
	MaxBatch          = 500                 // jobs that are enqueued all or nothing on every store
	MaxPriority       = 9                   // the highest priority
	DefaultFailedKeep = 30 * 24 * time.Hour // how long a failed or canceled job is kept
)

// AttemptRecord is what is kept of one attempt that ended.
type AttemptRecord struct {
	Attempt   int       `json:"attempt"`
	Token     int64     `json:"token"`
	Outcome   Event     `json:"outcome"`
	Worker    string    `json:"worker,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	Error     string    `json:"error,omitempty"`
	Chain     []string  `json:"chain,omitempty"` // the errors wrapped, outermost first, each as "type: text"
	Stack     string    `json:"stack,omitempty"`
	Panic     bool      `json:"panic,omitempty"`
	Log       []string  `json:"log,omitempty"`
	RetryAt   time.Time `json:"retry_at,omitzero"`
}

// AppendAttempt adds a record to a job's history and keeps the history within [MaxAttemptRecords]: the first record and
// the newest stay. Stores use it so that all bound the history alike.
func AppendAttempt(history []AttemptRecord, rec AttemptRecord) []AttemptRecord {
	if len(history) < MaxAttemptRecords {
		return append(history, rec)
	}
	kept := make([]AttemptRecord, 0, MaxAttemptRecords)
	kept = append(kept, history[0])
	kept = append(kept, history[len(history)-MaxAttemptRecords+2:]...)
	return append(kept, rec)
}

// LastError returns the record of the last attempt that ended in an error, and false where there is none.
func (j *Job) LastError() (AttemptRecord, bool) {
	for _, rec := range slices.Backward(j.Attempts) {
		if rec.Error != "" {
			return rec, true
		}
	}
	return AttemptRecord{}, false
}

// err is the error that a final job means to the one who waits for it; nil for a finished one.
func (j *Job) err() error {
	switch j.State {
	case StateFailed:
		rec, _ := j.LastError()
		return &JobError{
			ID: j.ID, Queue: j.Queue, Task: j.Task, Attempt: j.Attempt,
			Message: rec.Error, Chain: rec.Chain, Stack: rec.Stack,
		}
	case StateCanceled:
		return ErrCanceled
	default:
		return nil
	}
}
