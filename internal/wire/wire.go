// Package wire is how jobs, queues and workers look as JSON: on the command line with --json, and in the dashboard's API.
//
// Fields are added but never renamed, and never change their meaning. Times are RFC 3339 in UTC and missing where there is
// none; durations are numbers of seconds.
package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/errandhq/errand"
)

// Job is a job: what the job command prints, and an element of what the jobs command does.
//
// A payload or result that is JSON stands as it is in payload or result; any other is in payload_base64 or
// result_base64.
type Job struct {
	ID                string          `json:"id"`
	Queue             string          `json:"queue"`
	Task              string          `json:"task"`
	State             string          `json:"state"`
	Priority          int             `json:"priority"`
	Attempt           int             `json:"attempt"`
	Recoveries        int             `json:"recoveries"`
	Token             int64           `json:"token"`
	Worker            string          `json:"worker,omitempty"`
	CreatedAt         time.Time       `json:"created_at"`
	RunAt             time.Time       `json:"run_at,omitzero"`
	ReadyAt           time.Time       `json:"ready_at,omitzero"`
	StartedAt         time.Time       `json:"started_at,omitzero"`
	EndedAt           time.Time       `json:"ended_at,omitzero"`
	LeaseUntil        time.Time       `json:"lease_until,omitzero"`
	UnknownSince      time.Time       `json:"unknown_since,omitzero"`
	DependsOn         []string        `json:"depends_on,omitempty"`
	UniqueKey         string          `json:"unique_key,omitempty"`
	UniqueSeconds     float64         `json:"unique_seconds,omitempty"`
	TimeoutSeconds    float64         `json:"timeout_seconds,omitempty"` // 0: the worker's default; negative: none
	Retry             *Retry          `json:"retry,omitempty"`
	KeepResultSeconds float64         `json:"keep_result_seconds,omitempty"`
	Payload           json.RawMessage `json:"payload,omitempty"`
	PayloadBase64     []byte          `json:"payload_base64,omitempty"`
	Result            json.RawMessage `json:"result,omitempty"`
	ResultBase64      []byte          `json:"result_base64,omitempty"`
	Error             string          `json:"error,omitempty"` // of the last attempt that had one
	Progress          *Progress       `json:"progress,omitempty"`
	Attempts          []Attempt       `json:"attempts,omitzero"`
	Hidden            bool            `json:"hidden,omitempty"`  // payload, result and logs are not for the one who asked
	Omitted           []string        `json:"omitted,omitempty"` // what a list leaves out: ask for the job itself
}

// Retry is a retry policy.
type Retry struct {
	Max           int       `json:"max"`
	Kind          string    `json:"kind"` // fixed, exponential or delays
	BaseSeconds   float64   `json:"base_seconds,omitempty"`
	LimitSeconds  float64   `json:"limit_seconds,omitempty"`
	DelaysSeconds []float64 `json:"delays_seconds,omitempty"`
}

// Progress is what a running attempt says of itself. A total of 0 is one that is not known.
type Progress struct {
	Done  int64     `json:"done"`
	Total int64     `json:"total"`
	Log   []string  `json:"log,omitempty"`
	At    time.Time `json:"at"`
}

// Attempt is an attempt that ended.
type Attempt struct {
	Attempt   int       `json:"attempt"`
	Token     int64     `json:"token"`
	Outcome   string    `json:"outcome"`
	Worker    string    `json:"worker,omitempty"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Error     string    `json:"error,omitempty"`
	Chain     []string  `json:"chain,omitempty"` // the errors wrapped, outermost first, each as "type: text"
	Stack     string    `json:"stack,omitempty"`
	Panic     bool      `json:"panic,omitempty"`
	Log       []string  `json:"log,omitempty"`
	RetryAt   time.Time `json:"retry_at,omitzero"`
}

// Jobs is what the jobs command prints. NextCursor, where not empty, is for --cursor.
type Jobs struct {
	Jobs       []Job  `json:"jobs"`
	NextCursor string `json:"next_cursor,omitempty"`
	Scanned    int    `json:"scanned,omitempty"` // jobs that were looked into, where the search had to
}

// Info is what the info command prints; the queues and workers commands print their part of it.
type Info struct {
	Store         string         `json:"store,omitempty"`
	Now           time.Time      `json:"now"`
	Queues        []Queue        `json:"queues,omitzero"`
	MessageQueues []MessageQueue `json:"message_queues,omitzero"`
	Workers       []Worker       `json:"workers,omitzero"`
}

// Queue is a queue. Every state is there.
type Queue struct {
	Name     string           `json:"name"`
	Paused   bool             `json:"paused"`
	Jobs     map[string]int64 `json:"jobs"`
	Oldest   time.Time        `json:"oldest,omitzero"` // since when the job that waits longest is ready
	Enqueued Meter            `json:"enqueued"`
	Finished Meter            `json:"finished"`
	Failed   Meter            `json:"failed"`
}

// Meter counts what happens again and again: since the store was made, and per minute over about the last one.
type Meter struct {
	Total     int64   `json:"total"`
	PerMinute float64 `json:"per_minute"`
}

// MessageQueue is a hotqueue.
type MessageQueue struct {
	Name     string `json:"name"`
	Messages int64  `json:"messages"`
	Put      Meter  `json:"put"`
	Got      Meter  `json:"got"`
}

// Worker is a worker. One that is lost has missed three heartbeats.
type Worker struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind"` // worker, or hotqueue for a parameter worker
	Host        string    `json:"host"`
	PID         int       `json:"pid"`
	Version     string    `json:"version,omitempty"`
	Status      string    `json:"status"` // alive, quiet, stopping or lost
	Queues      []string  `json:"queues"`
	Tasks       []string  `json:"tasks"`
	Concurrency int       `json:"concurrency"`
	StartedAt   time.Time `json:"started_at,omitzero"`
	SeenAt      time.Time `json:"seen_at,omitzero"`
	Held        int       `json:"held"`
	Finished    int64     `json:"finished"`
	Failed      int64     `json:"failed"`
	MemoryBytes int64     `json:"memory_bytes,omitempty"` // that its process has from the system
	Running     []Running `json:"running"`
}

// Running is a job that a worker is busy with.
type Running struct {
	ID        string    `json:"id"`
	Queue     string    `json:"queue"`
	Task      string    `json:"task"`
	Attempt   int       `json:"attempt"`
	StartedAt time.Time `json:"started_at,omitzero"`
	Stuck     bool      `json:"stuck,omitempty"` // its context has ended and it has not returned
}

// Enqueued is a job that went in.
type Enqueued struct {
	ID    string `json:"id"`
	Queue string `json:"queue"`
	Task  string `json:"task"`
}

// Changed is what requeue, cancel, delete and empty print.
type Changed struct {
	Done    int64 `json:"done"`
	Skipped int64 `json:"skipped"` // in a state in which it cannot be done
	Missing int64 `json:"missing"` // not in the store
}

// Add counts what one command did.
func (c *Changed) Add(reply errand.CommandReply) {
	c.Done += int64(reply.Done)
	c.Skipped += int64(reply.Skipped)
	c.Missing += int64(reply.Missing)
}

// Operation is an action on many jobs that goes on in the background.
type Operation struct {
	ID         string    `json:"id"`
	Action     string    `json:"action"`
	Target     string    `json:"target"` // which jobs, in words
	Who        string    `json:"who,omitempty"`
	State      string    `json:"state"` // one of the operation states
	StartedAt  time.Time `json:"started_at"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Total      int64     `json:"total"`       // jobs that were found when it began
	TotalExact bool      `json:"total_exact"` // false: there are at least so many
	Changed              // so far
	Error      string    `json:"error,omitempty"`
}

// The states of an operation.
const (
	OperationRunning  = "running"
	OperationDone     = "done"
	OperationCanceled = "canceled"
	OperationFailed   = "failed"
)

// Paused is what pause and resume print.
type Paused struct {
	Queue  string `json:"queue"`
	Paused bool   `json:"paused"`
}

// Version is what the version command prints.
type Version struct {
	Program string `json:"program"`
	Version string `json:"version"`
	Errand  string `json:"errand"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

// rawOrBytes splits encoded values into those that can stand in JSON as they are and those that cannot.
func rawOrBytes(encoded []byte) (json.RawMessage, []byte) {
	if utf8.Valid(encoded) && json.Valid(encoded) {
		return encoded, nil
	}
	return nil, encoded
}

// NewJob is the form of a job.
func NewJob(job *errand.Job) Job {
	j := Job{
		ID: job.ID, Queue: job.Queue, Task: job.Task, State: job.State.String(), Priority: job.Priority,
		Attempt: job.Attempt, Recoveries: job.Recoveries, Token: job.Token, Worker: job.Worker,
		CreatedAt: job.CreatedAt.UTC(), RunAt: job.RunAt.UTC(), ReadyAt: job.ReadyAt.UTC(), StartedAt: job.StartedAt.UTC(),
		EndedAt: job.EndedAt.UTC(), LeaseUntil: job.LeaseUntil.UTC(), UnknownSince: job.UnknownSince.UTC(),
		DependsOn: job.DependsOn, UniqueKey: job.UniqueKey, UniqueSeconds: job.UniqueFor.Seconds(),
		TimeoutSeconds: job.Timeout.Seconds(), KeepResultSeconds: job.KeepResult.Seconds(),
		Attempts: make([]Attempt, 0, len(job.Attempts)),
	}
	j.Payload, j.PayloadBase64 = rawOrBytes(job.Payload)
	j.Result, j.ResultBase64 = rawOrBytes(job.Result)
	if rec, ok := job.LastError(); ok {
		j.Error = rec.Error
	}
	if r := job.Retry; r.Max > 0 {
		j.Retry = &Retry{
			Max: r.Max, Kind: backoffKinds[r.Backoff.Kind],
			BaseSeconds: r.Backoff.Base.Seconds(), LimitSeconds: r.Backoff.Max.Seconds(),
		}
		for _, d := range r.Backoff.Delays {
			j.Retry.DelaysSeconds = append(j.Retry.DelaysSeconds, d.Seconds())
		}
	}
	if p := job.Progress; p != nil {
		j.Progress = &Progress{Done: p.Done, Total: p.Total, Log: p.Log, At: p.At.UTC()}
	}
	for _, a := range job.Attempts {
		j.Attempts = append(j.Attempts, Attempt{
			Attempt: a.Attempt, Token: a.Token, Outcome: a.Outcome.String(), Worker: a.Worker,
			StartedAt: a.StartedAt.UTC(), EndedAt: a.EndedAt.UTC(), Error: a.Error, Chain: a.Chain, Stack: a.Stack,
			Panic: a.Panic, Log: a.Log, RetryAt: a.RetryAt.UTC(),
		})
	}
	return j
}

// Policy is the retry policy that the form stands for. Its numbers are not checked.
func (r *Retry) Policy() (errand.RetryPolicy, error) {
	policy := errand.RetryPolicy{Max: r.Max, Backoff: errand.Backoff{Base: duration(r.BaseSeconds), Max: duration(r.LimitSeconds)}}
	for _, d := range r.DelaysSeconds {
		policy.Backoff.Delays = append(policy.Backoff.Delays, duration(d))
	}
	for kind, name := range backoffKinds {
		if name == r.Kind {
			policy.Backoff.Kind = kind
			return policy, nil
		}
	}
	return policy, fmt.Errorf("%w: retry kind %.40q: use fixed, exponential or delays", errand.ErrInvalid, r.Kind)
}

// duration is a number of seconds; one that is too large stays too large.
func duration(seconds float64) time.Duration {
	if seconds > math.MaxInt64/float64(time.Second)/2 {
		return math.MaxInt64 / 2
	}
	return time.Duration(seconds * float64(time.Second))
}

var backoffKinds = map[errand.BackoffKind]string{
	errand.BackoffFixed: "fixed", errand.BackoffExponential: "exponential", errand.BackoffDelays: "delays",
}

func newMeter(m errand.Meter) Meter { return Meter(m) }

// NewQueue is the form of a queue.
func NewQueue(q errand.QueueInfo) Queue {
	j := Queue{
		Name: q.Name, Paused: q.Paused, Jobs: map[string]int64{}, Oldest: q.Oldest.UTC(),
		Enqueued: newMeter(q.Enqueued), Finished: newMeter(q.Finished), Failed: newMeter(q.Failed),
	}
	for _, state := range errand.States() {
		j.Jobs[state.String()] = q.Counts[state]
	}
	return j
}

// NewMessageQueue is the form of a hotqueue.
func NewMessageQueue(q errand.MessageQueueInfo) MessageQueue {
	return MessageQueue{Name: q.Name, Messages: q.Len, Put: newMeter(q.Put), Got: newMeter(q.Got)}
}

// NewWorker is the form of a worker, as of now.
func NewWorker(w *errand.WorkerRecord, now time.Time) Worker {
	j := Worker{
		ID: w.ID, Kind: w.Kind, Host: w.Host, PID: w.PID, Version: w.Version, Status: WorkerStatus(w, now),
		Queues: append([]string{}, w.Queues...), Tasks: append([]string{}, w.Tasks...), Concurrency: w.Concurrency,
		StartedAt: w.StartedAt.UTC(), SeenAt: w.SeenAt.UTC(), Held: w.Held, Finished: w.Finished, Failed: w.Failed, MemoryBytes: w.Memory,
		Running: make([]Running, 0, len(w.Running)),
	}
	for _, r := range w.Running {
		j.Running = append(j.Running, Running{
			ID: r.ID, Queue: r.Queue, Task: r.Task, Attempt: r.Attempt, StartedAt: r.StartedAt.UTC(), Stuck: r.Stuck,
		})
	}
	return j
}

// WorkerStatus says whether a worker lives.
func WorkerStatus(w *errand.WorkerRecord, now time.Time) string {
	switch {
	case w.Lost(now):
		return "lost"
	case w.Stopping:
		return "stopping"
	case w.Quiet:
		return "quiet"
	default:
		return "alive"
	}
}

// Moved is what a move to another store prints.
type Moved struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Jobs      int64    `json:"jobs"`
	Messages  int64    `json:"messages"`
	Conflicts int64    `json:"conflicts"` // of jobs: failed there, because a living job has their unique key
	Left      int64    `json:"left"`      // they wait for jobs that were not moved, or cannot be read
	Started   int64    `json:"started"`   // left because they were being run
	Paused    []string `json:"paused"`    // queues that are paused there because they were here
	Seconds   float64  `json:"seconds"`
	PerSecond float64  `json:"per_second"`
}

// Migrations are the steps by which a store's tables are made.
type Migrations struct {
	Store   string      `json:"store"`
	Missing int64       `json:"missing"` // steps that were not done
	Steps   []Migration `json:"steps"`
}

// Migration is one step.
type Migration struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
	SQL       string    `json:"sql,omitempty"`
}
