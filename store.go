package errand

import (
	"context"
	"strconv"
	"time"
)

// Store is the boundary between Errand and what keeps its jobs: four small roles, in the verbs of queues. Package
// store/storetest is its definition: a store is right when that suite passes.
//
// What holds for every method of every role:
//
//   - Methods may be called from any number of goroutines at once, and by any number of processes on one store.
//   - Each is atomic per queue: it happens as a whole or not at all, and nobody sees a part of it.
//   - Each takes the time as an argument. A store never reads a clock but in Now, and compares times only with each
//     other. Times are kept to the microsecond, in UTC.
//   - An error means that nothing is known of the outcome, unless it wraps one of this package's errors that says so.
//     Every request but Pop may be sent again, unchanged, after an error: doing so does nothing twice.
//   - Requests belong to the caller and are neither changed nor kept; replies belong to the caller.
//   - A job's id is its own in the whole store, whatever its queue.
//   - Errors are this package's, or wrap ErrUnavailable, ErrCorrupt, ErrClosed or the error of ctx, and name the
//     operation and the queue. They contain no password.
//   - A record that cannot be read makes one job fail, with its raw bytes kept as payload, and disturbs nothing else.
type Store interface {
	Engine
	Inspector
	Messages
	Telemetry

	// Close releases what opening acquired. Calls after it return ErrClosed.
	Close() error
}

// Engine is the role that moves jobs.
type Engine interface {
	// Now returns the store's own time, which all its users share.
	Now(ctx context.Context) (time.Time, error)

	// Enqueue adds groups of jobs. Each group is for one queue and goes in whole or not at all; one group's refusal does
	// not touch the others. The reply has an error per group, nil for those that are in.
	//
	// A job whose id is in the store already counts as in and changes nothing. A job becomes deferred while a job that it
	// depends on is in the store and not final, failed (with the reason) when one of them has failed or was canceled,
	// else scheduled when RunAt is after the request's time, else queued. A living job with the same queue and unique
	// key, within its window, refuses the group with *DuplicateError.
	//
	// A request with a Producer and Number that was carried out before is not carried out again and gets the same reply,
	// whatever has become of its jobs since; one with a lower Number than the producer's last is ignored. So an enqueue
	// repeated after a lost reply makes no job twice, even when the first has run and been deleted meanwhile.
	Enqueue(ctx context.Context, req EnqueueRequest) ([]error, error)

	// Claim takes up to Limit queued jobs from the queues, in the order given: as many as the first has, then from the
	// next. Within a queue the order is priority, then ReadyAt, then order of arrival. Scheduled jobs that are due are
	// made queued first. A paused queue gives none. Each claimed job gets a lease until Now+Lease, a token one higher than
	// before, the worker's name, the next attempt number and StartedAt = Now.
	//
	// A request with a Worker and Number that were claimed before returns the jobs of then that this worker still holds,
	// and claims no others. A worker's numbers rise within a Lane, and none is used in two.
	//
	// A job on its last recovery (Recoveries == MaxRecoveries, so that losing one more worker poisons it) is skipped
	// unless LastChance is set; then the reply has at most one such job.
	Claim(ctx context.Context, req ClaimRequest) (ClaimReply, error)

	// Settle ends attempts, each as its outcome says, those of a queue in the order given. The reply has an error per outcome: nil when it is settled, now or
	// by an earlier sending of the same outcome as far as the store can still tell; ErrLeaseLost when the job is gone or
	// its token is another, and then nothing has changed.
	Settle(ctx context.Context, req SettleRequest) ([]error, error)

	// Renew extends leases to Now+Lease. The reply has an error per lease: nil, or ErrLeaseLost.
	Renew(ctx context.Context, req RenewRequest) ([]error, error)

	// Maintain does a bounded piece of housekeeping, at most Limit jobs of each kind: queued again what lost its worker
	// (a lease before Now), or failed as a poison pill past MaxRecoveries; due scheduled jobs made queued; final jobs past
	// their retention deleted; records of workers and producers that were not heard of for a day forgotten. Any number of processes may call it at once.
	Maintain(ctx context.Context, req MaintainRequest) (MaintainReply, error)
}

// EnqueueRequest asks for groups of jobs to be added.
type EnqueueRequest struct {
	Now      time.Time
	Producer string // who enqueues; empty: a repeated request is recognised by its jobs' ids alone
	Number   int64  // of this producer's requests, rising from 1
	Groups   [][]JobSpec
}

// ClaimRequest asks for jobs to run.
type ClaimRequest struct {
	Now           time.Time
	Worker        string
	Number        int64 // of this worker's claims, from 1; the same again for a repeated request
	Lane          int   // 0, or one for each claim that a worker has under way beside others
	Queues        []string
	Limit         int
	Lease         time.Duration
	MaxRecoveries int
	LastChance    bool
}

// Claimant is the name by which a store keeps the number of the last claim: the worker's, apart for each lane.
func (r *ClaimRequest) Claimant() string {
	if r.Lane == 0 {
		return r.Worker
	}
	return r.Worker + " " + strconv.Itoa(r.Lane) // no worker's own id ends like that
}

// ClaimReply is what a claim took.
type ClaimReply struct {
	Jobs    []*Job    // in the order in which to run them
	NextDue time.Time // when the next scheduled job of these queues is due; zero: there is none
}

// Outcome is how an attempt ended.
//
//   - EventSucceeded: the job is deleted, or, with Keep, kept with its Result.
//   - EventRetried: the job is scheduled for At (queued, when At is not after Now).
//   - EventFailed: the job goes to the failed set.
//   - EventSnoozed: scheduled for At; the attempt is not charged.
//   - EventCanceled: the job becomes canceled.
//   - EventReleased: queued again at its old place, or scheduled for At where At is after Now; the attempt is not
//     charged. Unknown says that the worker does not know the task: it starts UnknownSince, which any other outcome ends.
//
// Record, where not nil, is added to the job's history.
type Outcome struct {
	ID      string
	Queue   string
	Token   int64
	Event   Event
	At      time.Time
	Keep    time.Duration
	Result  []byte
	Record  *AttemptRecord
	Unknown bool
}

// SettleRequest asks for attempts to be ended.
type SettleRequest struct {
	Now      time.Time
	Worker   string
	Outcomes []Outcome
}

// Lease names a job that a worker holds.
type Lease struct {
	ID    string
	Queue string
	Token int64
}

// RenewRequest asks for leases to be extended.
type RenewRequest struct {
	Now    time.Time
	Worker string
	Lease  time.Duration
	Leases []Lease
}

// MaintainRequest asks for a piece of housekeeping.
type MaintainRequest struct {
	Now           time.Time
	Limit         int
	MaxRecoveries int           // how often a job may lose its worker before it is failed as a poison pill; 0: the first loss does
	KeepFailed    time.Duration // how long failed and canceled jobs are kept; 0: no bound
	MaxFailed     int           // how many final jobs of each queue and state are kept, the oldest go first; 0: no bound
}

// MaintainReply says what was done. More is set when a limit was reached: call again.
type MaintainReply struct {
	Promoted  int
	Recovered int
	Poisoned  int
	Purged    int
	More      bool
}

// Inspector is the role that serves people: look-ups and commands.
type Inspector interface {
	// Queues describes every queue that has ever had a job, or is paused, sorted by name.
	Queues(ctx context.Context, now time.Time) ([]QueueInfo, error)

	// Jobs lists jobs of one state, or of all, a page at a time. Within a state the order is: queued as Claim takes them;
	// scheduled by time; started by end of lease; deferred by ReadyAt; finished, failed and canceled by the time at which
	// they became so. Without a state: states in the order of [States]. Ties go by order of arrival, and queues by name come before order.
	Jobs(ctx context.Context, filter JobFilter) (JobPage, error)

	// Job returns one job, or ErrJobNotFound. The queue may be empty: then all are asked.
	Job(ctx context.Context, queue, id string) (*Job, error)

	// Requeue puts failed, canceled, finished and scheduled jobs back in their queues to be run at once: attempts and
	// recoveries are counted anew, history and payload stay. A job that depends on living jobs is deferred. Jobs that were
	// failed because this one failed are deferred again. A job whose unique key another living job holds is skipped.
	Requeue(ctx context.Context, cmd Command) (CommandReply, error)

	// Cancel makes waiting jobs canceled, and asks the workers of started ones to cancel them (see [Telemetry] Orders). A
	// started one that then succeeds or fails is finished or failed; one whose attempt ends otherwise, or whose worker is
	// lost, becomes canceled. Children of a canceled job fail.
	Cancel(ctx context.Context, cmd Command) (CommandReply, error)

	// Delete removes jobs of any state but started, which are skipped. Children of a job that was not finished fail.
	Delete(ctx context.Context, cmd Command) (CommandReply, error)

	// Move puts queued, scheduled, failed and canceled jobs in another queue and leaves them as they are, so that they have
	// the same place there by priority and ReadyAt, and jobs that depend on them find them. They count as enqueued there.
	// Jobs in other states are skipped, those that are in that queue already, and those whose unique key, which is kept for
	// what is left of its window, a living job holds there.
	Move(ctx context.Context, cmd Command, queue string) (CommandReply, error)

	// Pause stops claims from a queue until Resume; a claim that is under way when it returns may still take jobs. Both may
	// be repeated.
	Pause(ctx context.Context, now time.Time, queue string) error
	Resume(ctx context.Context, now time.Time, queue string) error
}

// QueueInfo describes a queue.
type QueueInfo struct {
	Name     string
	Paused   bool
	Counts   map[State]int64 // states without jobs may be missing
	Oldest   time.Time       // ReadyAt of the job that waits longest; zero: none is queued
	Enqueued Meter
	Finished Meter
	Failed   Meter
}

// Meter counts something that happens again and again.
type Meter struct {
	Total     int64   // since the store was made
	PerMinute float64 // over about the last minute
}

// JobFilter selects jobs.
type JobFilter struct {
	Queue  string // empty: every queue
	State  State  // zero: every state
	Task   string // empty: every task
	Limit  int    // of the page, 1 to 1000; 0: 100
	Newest bool   // reverse the order within a state and queue
	Cursor string // JobPage.Next of the page before; empty: the first page
}

// JobPage is a page of jobs.
type JobPage struct {
	Jobs []*Job
	Next string // empty: there are no more
}

// Command says which jobs a person acts on. All of them are acted on before anything follows for others: a parent and a
// child canceled together are both canceled. They are those with the IDs, or, without any, those that the filter selects (its
// Limit bounds how many in one call; call again while the reply says More).
type Command struct {
	Now    time.Time
	IDs    []string
	Filter JobFilter
}

// CommandReply says what a command did.
type CommandReply struct {
	Done    int
	Skipped int    // named or selected, but in a state in which it cannot be done
	Missing int    // named, but not in the store
	More    bool   // the filter's limit was reached
	Cursor  string // where the next call goes on, as Filter.Cursor, so that what was skipped is not met again
}

// Messages is the role that keeps hotqueue's messages: bytes in, the same bytes out, first in, first out, each given to
// one taker, at most once.
type Messages interface {
	// Put appends messages, all or none. A request with a Producer and Number that were put before is not put again.
	Put(ctx context.Context, req PutRequest) error
	// Pop removes up to limit messages and returns them; none when there are none. It is not repeated after an error:
	// what it removed may be lost.
	Pop(ctx context.Context, now time.Time, queue string, limit int) ([][]byte, error)
	// Len counts the messages that wait.
	Len(ctx context.Context, queue string) (int64, error)
	// Clear removes every message that waits and says how many.
	Clear(ctx context.Context, now time.Time, queue string) (int64, error)
	// MessageQueues describes every message queue that has ever had a message, sorted by name.
	MessageQueues(ctx context.Context, now time.Time) ([]MessageQueueInfo, error)
	// Bury adds a job that has failed already: a parameter whose call failed. A job with that id counts as in.
	Bury(ctx context.Context, now time.Time, spec JobSpec, rec AttemptRecord) error
}

// PutRequest asks for messages to be appended.
type PutRequest struct {
	Now      time.Time
	Queue    string
	Producer string // who puts; empty: a repeated request is not recognised
	Number   int64  // of this producer's requests for this queue, rising from 1
	Messages [][]byte
	Remember time.Duration // how long the producer is remembered at least; less than a day: a day
}

// MessageQueueInfo describes a message queue.
type MessageQueueInfo struct {
	Name string
	Len  int64
	Put  Meter
	Got  Meter
}

// Notifier is an optional role: a store that can wake up those who wait. A store without it is polled.
type Notifier interface {
	// Subscribe returns a channel that gets a value soon after something happened that concerns one of the topics, and
	// perhaps also without. The channel holds one value; further ones are dropped while it is full. It is never closed.
	// What happened before Subscribe returned is not told: look first, then wait. The returned function ends the
	// subscription and waits for what it started.
	Subscribe(topics ...Topic) (<-chan struct{}, func())
}

// Topic is something to be woken up for.
type Topic string

// QueueTopic tells that a job of the queue became ready, or will be at a time sooner than known.
func QueueTopic(queue string) Topic { return Topic("q:" + queue) }

// JobTopic tells that the job became final or was deleted.
func JobTopic(id string) Topic { return Topic("j:" + id) }

// WorkerTopic tells that the worker has new orders.
func WorkerTopic(worker string) Topic { return Topic("w:" + worker) }

// MessageTopic tells that the message queue got a message.
func MessageTopic(queue string) Topic { return Topic("m:" + queue) }

// Transactor is an optional role: a store that can act inside a transaction that the user has begun on the same
// database. What it does there is seen, and its subscribers woken, when the transaction commits.
type Transactor interface {
	// EnqueueTx is Enqueue inside tx. ErrTxUnsupported for a kind of transaction that the store does not know.
	EnqueueTx(ctx context.Context, tx any, req EnqueueRequest) ([]error, error)
	// SettleTx is Settle inside tx.
	SettleTx(ctx context.Context, tx any, req SettleRequest) ([]error, error)
}

// Pipeliner is an optional role: a store that takes up the next request while the answer to the last is on its way, and to
// which two small requests cost little more than a large one.
type Pipeliner interface {
	// Pipeline returns how many enqueues of one [Queue] are worth having under way at a time, at least 1. Each is of a
	// Producer of its own.
	Pipeline() int
}

// Describer is an optional role: a store that can say what it is.
type Describer interface {
	// Describe returns, in one line, what keeps the jobs, with its version and the settings that decide what a crash may
	// cost, as in "PostgreSQL 15.10, fsync=on, synchronous_commit=on". There is no address and no password in it.
	Describe(ctx context.Context) (string, error)
}
