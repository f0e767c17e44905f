package memory

import (
	"cmp"
	"time"

	"github.com/google/btree"

	"github.com/errandhq/errand"
)

// entry is a job and what only the store knows of it.
type entry struct {
	job     errand.Job
	arrival int64 // counts jobs in the order in which they came

	parents     map[string]struct{} // deferred only: the living jobs that it waits for
	orphanOf    string              // failed only: the job because of which it failed, empty: it failed by itself
	uniqueUntil time.Time           // when its unique key is free whatever its state; zero: no limit
	expires     time.Time           // finished only: when its result need not be kept longer
	settled     errand.Event        // how the attempt of the current token was settled; 0: it was not
	cancel      bool                // started only: a person has asked to cancel it

	claimNumber int64 // of the claim that took it
	claimPlace  int   // within that claim
}

func (e *entry) living() bool { return !e.job.State.Final() }

// queue holds the jobs of one name, one tree a state.
type queue struct {
	name     string
	used     bool // it has had a job
	paused   bool
	byState  [errand.StateCanceled + 1]*btree.BTreeG[*entry]
	expiring *btree.BTreeG[*entry] // finished jobs by the time at which they need not be kept longer
	unique   map[string]*entry     // who has a unique key, or had it when its time ran out

	enqueued, finished, failed meter
}

const treeDegree = 32

func newQueue(name string) *queue {
	q := &queue{name: name, unique: make(map[string]*entry)}
	for _, state := range errand.States() {
		q.byState[state] = btree.NewG(treeDegree, lessIn(state))
	}
	q.expiring = btree.NewG(treeDegree, func(a, b *entry) bool {
		return cmp.Or(a.expires.Compare(b.expires), cmp.Compare(a.arrival, b.arrival)) < 0
	})
	return q
}

// lessIn is the order within a state, that of errand.Inspector.Jobs.
func lessIn(state errand.State) btree.LessFunc[*entry] {
	if state == errand.StateQueued {
		return func(a, b *entry) bool {
			if a.job.Priority != b.job.Priority {
				return a.job.Priority > b.job.Priority
			}
			return cmp.Or(a.job.ReadyAt.Compare(b.job.ReadyAt), cmp.Compare(a.arrival, b.arrival)) < 0
		}
	}
	key := orderTime(state)
	return func(a, b *entry) bool {
		return cmp.Or(key(a).Compare(*key(b)), cmp.Compare(a.arrival, b.arrival)) < 0
	}
}

// orderTime says by which of its times a job is ordered within a state.
func orderTime(state errand.State) func(*entry) *time.Time {
	switch {
	case state == errand.StateStarted:
		return func(e *entry) *time.Time { return &e.job.LeaseUntil }
	case state.Final():
		return func(e *entry) *time.Time { return &e.job.EndedAt }
	default:
		return func(e *entry) *time.Time { return &e.job.ReadyAt }
	}
}

// put enters a job under its state. While it is in, nothing by which it is ordered may change: take it first.
func (q *queue) put(e *entry) {
	q.used = true
	q.byState[e.job.State].ReplaceOrInsert(e)
	if e.job.State == errand.StateFinished {
		q.expiring.ReplaceOrInsert(e)
	}
}

// take is the reverse of put.
func (q *queue) take(e *entry) {
	q.byState[e.job.State].Delete(e)
	if e.job.State == errand.StateFinished {
		q.expiring.Delete(e)
	}
}

// holder returns the living job that has the unique key at that time, or nil.
func (q *queue) holder(key string, now time.Time) *entry {
	e := q.unique[key]
	if key == "" || e == nil || (!e.uniqueUntil.IsZero() && !now.Before(e.uniqueUntil)) {
		return nil
	}
	return e
}

// hold gives the job its unique key from now on.
func (q *queue) hold(e *entry, now time.Time) {
	if e.job.UniqueKey == "" {
		return
	}
	e.uniqueUntil = time.Time{}
	if e.job.UniqueFor > 0 {
		e.uniqueUntil = micro(now.Add(e.job.UniqueFor))
	}
	q.unique[e.job.UniqueKey] = e
}

// free ends the job's hold of its unique key, unless its time had run out and another has it.
func (q *queue) free(e *entry) {
	if q.unique[e.job.UniqueKey] == e {
		delete(q.unique, e.job.UniqueKey)
	}
}

// oldest returns the ReadyAt of the job that waits longest, zero when none is queued.
func (q *queue) oldest() time.Time {
	var oldest time.Time
	for priority := 0; priority <= errand.MaxPriority; priority++ {
		first := &entry{job: errand.Job{JobSpec: errand.JobSpec{Priority: priority}}}
		q.byState[errand.StateQueued].AscendGreaterOrEqual(first, func(e *entry) bool {
			if e.job.Priority == priority && (oldest.IsZero() || e.job.ReadyAt.Before(oldest)) {
				oldest = e.job.ReadyAt
			}
			return false
		})
	}
	return oldest
}

// meter counts events, and estimates how many came in the last minute from the counts of this minute and the one before.
type meter struct {
	total         int64
	minute        int64 // the newest minute in which something was counted, since 1970
	current, prev int64 // what was counted in that minute and the one before
}

func minuteOf(now time.Time) (minute int64, fraction float64) {
	const length = int64(time.Minute / time.Microsecond)
	micros := now.UnixMicro()
	return micros / length, float64(micros%length) / float64(length)
}

func (m *meter) add(now time.Time, n int) {
	m.total += int64(n)
	switch minute, _ := minuteOf(now); {
	case minute == m.minute:
		m.current += int64(n)
	case minute == m.minute+1:
		m.minute, m.prev, m.current = minute, m.current, int64(n)
	case minute > m.minute:
		m.minute, m.prev, m.current = minute, 0, int64(n)
	case minute == m.minute-1:
		m.prev += int64(n)
	}
}

func (m *meter) read(now time.Time) errand.Meter {
	reply := errand.Meter{Total: m.total}
	switch minute, fraction := minuteOf(now); minute {
	case m.minute:
		reply.PerMinute = float64(m.prev)*(1-fraction) + float64(m.current)
	case m.minute + 1:
		reply.PerMinute = float64(m.current) * (1 - fraction)
	}
	return reply
}
