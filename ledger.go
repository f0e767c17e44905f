package errand

import (
	"slices"
	"sync"
	"time"
)

// held is a job that this worker holds a lease on: claimed and waiting for a runner, running, or waiting to be settled.
type held struct {
	job        *Job
	until      time.Time // end of the lease, by the store's clock
	lastChance bool      // losing it once more would poison it

	// Set while its handler runs.
	ctx     *attemptContext
	started time.Time
	expires time.Time // past its timeout and grace: renewed no more; zero: never

	canceled bool // by a person, before or while it ran
	lost     bool // another worker may have it
	ended    bool // its handler has returned, or never ran; it waits to be settled

	mayBeSettled bool          // its task may have settled it inside a transaction
	run          time.Duration // how long the attempt took
	err          error         // why it failed, for the settler to tell; of those that may be settled only
}

func (h *held) lease() Lease {
	return Lease{ID: h.job.ID, Queue: h.job.Queue, Token: h.job.Token}
}

// ledger is the list of jobs that this worker holds.
type ledger struct {
	mu     sync.Mutex
	jobs   map[string]*held
	inHand int // those whose handler has not returned, and those asked for: what occupies runners and buffer
	chance int // those on their last chance
}

func newLedger() *ledger { return &ledger{jobs: map[string]*held{}} }

// reserve sets places aside for jobs that are about to be asked for, if with them there are at most so many in hand.
func (l *ledger) reserve(n, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inHand+n > most {
		return false
	}
	l.inHand += n
	return true
}

// add enters jobs that were claimed, in place of those reserved, except such as are there already: a repeated claim returns
// them again. A job that is there with an older token was lost, recovered and claimed anew: its old run is over.
func (l *ledger) add(jobs []*Job, reserved, maxRecoveries int) []*held {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inHand -= reserved
	added := make([]*held, 0, len(jobs))
	for _, job := range jobs {
		if old := l.jobs[job.ID]; old != nil {
			if old.job.Token == job.Token {
				continue
			}
			old.endLost()
		}
		h := &held{job: job, until: job.LeaseUntil, lastChance: job.Recoveries >= maxRecoveries}
		l.jobs[job.ID] = h
		l.inHand++
		if h.lastChance {
			l.chance++
		}
		added = append(added, h)
	}
	return added
}

// begin notes that a job's handler starts. It returns false when the job was canceled or lost before, or its lease has run
// out: the process was frozen, or the claim's reply came late, and another worker may have run the job since.
func (l *ledger) begin(h *held, ctx *attemptContext, started, expires time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.canceled || h.lost || !started.Before(h.until) {
		return false
	}
	h.ctx, h.started, h.expires = ctx, started, expires
	return true
}

// end notes that a job needs no runner any more and returns how many do.
func (l *ledger) end(h *held) (inHand int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !h.ended {
		h.ended, h.ctx = true, nil
		l.inHand--
	}
	return l.inHand
}

// drop forgets a job that is settled or lost.
func (l *ledger) drop(hs ...*held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range hs {
		if l.jobs[h.job.ID] == h {
			delete(l.jobs, h.job.ID)
		}
		if h.lastChance {
			h.lastChance = false
			l.chance--
		}
	}
}

// room returns how many jobs are in hand, and whether one of those held is on its last chance.
func (l *ledger) room() (inHand int, lastChance bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inHand, l.chance > 0
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.jobs)
}

// isLost reports whether the lease on a job is known to be lost.
func (l *ledger) isLost(h *held) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return h.lost
}

// isCanceled reports whether a person has canceled a job that is held.
func (l *ledger) isCanceled(h *held) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return h.canceled
}

// due returns the jobs whose lease ends before the given time and that are to be renewed, soonest first.
func (l *ledger) due(before, now time.Time) []*held {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []*held
	for _, h := range l.jobs {
		expired := !h.expires.IsZero() && !h.ended && now.After(h.expires)
		if h.until.Before(before) && !expired && !h.lost {
			due = append(due, h)
		}
	}
	slices.SortFunc(due, func(a, b *held) int { return a.until.Compare(b.until) })
	return due
}

// renewed notes the new end of a lease.
func (l *ledger) renewed(h *held, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.until = until
}

// lose notes that a lease is lost and ends the handler's context.
func (l *ledger) lose(h *held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.endLost()
}

// endLost is lose under the ledger's lock.
func (h *held) endLost() {
	h.lost = true
	if h.ctx != nil {
		h.ctx.end(ErrLeaseLost)
	}
}

// cancelJob ends the context of a job's handler, or keeps it from starting, because a person canceled it.
func (l *ledger) cancelJob(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.jobs[id]
	if h == nil || h.canceled || h.ended {
		return
	}
	h.canceled = true
	if h.ctx != nil {
		h.ctx.end(ErrCanceled)
	}
}

// cancelAll ends the contexts of all handlers.
func (l *ledger) cancelAll(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.jobs {
		if h.ctx != nil {
			h.ctx.end(cause)
		}
	}
}

// lastLease returns the latest end of a lease among the jobs given.
func (l *ledger) lastLease(hs []*held) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last time.Time
	for _, h := range hs {
		if h.until.After(last) {
			last = h.until
		}
	}
	return last
}

// maxRunningShown bounds the list of running jobs in a worker's record.
const maxRunningShown = 100

// running describes the jobs whose handlers run, longest first. A handler is stuck when its deadline has passed.
func (l *ledger) running(now time.Time, grace time.Duration) []RunningJob {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []RunningJob
	for _, h := range l.jobs {
		if h.ctx == nil {
			continue
		}
		overdue := !h.expires.IsZero() && now.After(h.expires.Add(-grace+time.Second))
		list = append(list, RunningJob{
			ID: h.job.ID, Queue: h.job.Queue, Task: h.job.Task, Attempt: h.job.Attempt,
			StartedAt: h.started, Stuck: overdue,
		})
	}
	slices.SortFunc(list, func(a, b RunningJob) int { return a.StartedAt.Compare(b.StartedAt) })
	return list[:min(len(list), maxRunningShown)]
}
