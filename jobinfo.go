package errand

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// JobInfo is what a running task can know and say of its job. Its methods may be called from any goroutine, until the
// task has returned.
type JobInfo struct {
	ID       string
	Queue    string
	Task     string
	Attempt  int // from 1
	Retries  int // how often the retry policy runs it again at most
	Payload  []byte
	Enqueued time.Time
	Started  time.Time // when this attempt began, by the store's clock

	ctx    attemptContext // the handler's
	lease  Lease
	engine *engine
	keep   time.Duration

	mu       sync.Mutex
	progress Progress
	dirty    bool
	inTx     bool // settled inside a transaction of the task's own
	ended    bool
}

type infoKey struct{}

// JobFromContext returns the job whose task was called with ctx, and false outside of one.
func JobFromContext(ctx context.Context) (*JobInfo, bool) {
	info, ok := ctx.Value(infoKey{}).(*JobInfo)
	return info, ok
}

// Progress says how far the attempt is: done of total; a total of 0 means that it is not known. It costs next to
// nothing: the store is told at most a few times a second.
func (i *JobInfo) Progress(done, total int64) {
	i.report(func(p *Progress) { p.Done, p.Total = done, total })
}

// Logf adds a line to the attempt's log, which people see beside the job while it runs and, when it failed, in its
// record. The newest [MaxLogLines] lines are kept.
func (i *JobInfo) Logf(format string, args ...any) {
	line := clipEnd(fmt.Sprintf(format, args...), MaxLogLineBytes)
	i.report(func(p *Progress) {
		if len(p.Log) >= MaxLogLines {
			p.Log = append(p.Log[:0:0], p.Log[len(p.Log)-MaxLogLines+1:]...)
		}
		p.Log = append(p.Log, line)
	})
}

func (i *JobInfo) report(change func(*Progress)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return
	}
	change(&i.progress)
	i.progress.At = i.engine.now()
	if !i.dirty {
		i.dirty = true
		i.engine.reporter.add(i)
	}
}

// takeReport returns what has not been reported yet, and false when there is nothing.
func (i *JobInfo) takeReport() (ProgressReport, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.dirty || i.ended {
		return ProgressReport{}, false
	}
	i.dirty = false
	p := i.progress
	p.Log = append([]string(nil), p.Log...)
	return ProgressReport{Lease: i.lease, Progress: p}, true
}

// end closes the info and returns the log.
func (i *JobInfo) end() (log []string, inTx bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended = true
	return i.progress.Log, i.inTx
}

// TxJob is a running job bound to a transaction of its task. Make one with [JobInfo.WithTx].
type TxJob struct {
	info *JobInfo
	tx   any
}

// WithTx binds the job to a transaction on the database that holds the store, so that the job is settled together with
// the task's own writes: both happen or neither does.
func (i *JobInfo) WithTx(tx any) TxJob { return TxJob{info: i, tx: tx} }

// Complete settles the job as succeeded inside the transaction; result is kept where the job was enqueued with
// [KeepResult], else ignored, and may be nil. Then commit, and return nil from the task. Where the lease has been lost
// meanwhile it returns [ErrLeaseLost]: roll back. A task that calls Complete and returns nil without committing fails.
func (j TxJob) Complete(result any) error {
	i := j.info
	st, ok := i.engine.store.(Transactor)
	if !ok {
		return fmt.Errorf("complete job %s: %w", i.ID, ErrTxUnsupported)
	}
	outcome := Outcome{ID: i.ID, Queue: i.Queue, Token: i.lease.Token, Event: EventSucceeded, Keep: i.keep}
	if i.keep > 0 {
		encoded, err := i.engine.tasks[i.Task].encode(result)
		if err != nil {
			return fmt.Errorf("complete job %s: %w", i.ID, err)
		}
		outcome.Result = encoded
		outcome.Record = &AttemptRecord{
			Attempt: i.Attempt, Token: i.lease.Token, Outcome: EventSucceeded,
			Worker: i.engine.id, StartedAt: i.Started, EndedAt: i.engine.now(),
		}
	}
	refusals, err := st.SettleTx(&i.ctx, j.tx, SettleRequest{
		Now: i.engine.now(), Worker: i.engine.id, Outcomes: []Outcome{outcome},
	})
	if err = errors.Join(err, first(refusals)); err != nil {
		return fmt.Errorf("complete job %s: %w", i.ID, err)
	}
	i.mu.Lock()
	i.inTx = true
	i.mu.Unlock()
	return nil
}

func first(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}
