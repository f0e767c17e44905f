package sqlstore

import (
	"math"
	"time"

	"github.com/errandhq/errand"
)

// queue is a row of errand_queues. Who changes it says so, and [Session.Flush] writes it.
type queue struct {
	name     string
	paused   bool
	count    [errand.StateCanceled + 1]int64
	enqueued meter
	finished meter
	failed   meter

	stored  bool // it has a row
	changed bool

	// Where the dialect is Shared the counts and meters are what this transaction adds.
	partial bool   // what others have added was not read
	rest    *queue // what others have added, where it was read
	shares  int    // how many contributions it is the sum of
}

// used reports whether the queue has ever had a job.
func (q *queue) used() bool {
	return q.enqueued.total > 0 || q.failed.total > 0 || q.rest != nil && q.rest.used()
}

// most is how many jobs of a state there are, at most.
func (q *queue) most(state errand.State) int64 {
	switch {
	case q.partial:
		return math.MaxInt64
	case q.rest != nil:
		return q.count[state] + q.rest.count[state]
	default:
		return q.count[state]
	}
}

// has reports whether there may be a job of a state.
func (q *queue) has(state errand.State) bool { return q.most(state) > 0 }

func (q *queue) add(state errand.State, n int64) {
	q.count[state] += n
	q.changed = true
}

// read reads the columns of queueColumns.
func (q *queue) read(row Row) {
	q.stored = true
	q.name, q.paused = row.Text(0), row.Int(1) != 0
	for i, state := range queueStates {
		q.count[state] = row.Int(2 + i)
	}
	q.enqueued.read(row, 9)
	q.finished.read(row, 13)
	q.failed.read(row, 17)
}

// queueStates are the states in the order of their columns.
var queueStates = [...]errand.State{
	errand.StateScheduled, errand.StateDeferred, errand.StateQueued, errand.StateStarted,
	errand.StateFinished, errand.StateFailed, errand.StateCanceled,
}

func (q *queue) save(tx Tx) error {
	args := make([]any, 0, 21)
	if !q.stored {
		args = append(args, q.name)
	}
	args = append(args, intOf(q.paused))
	for _, state := range queueStates {
		args = append(args, q.count[state])
	}
	args = q.failed.args(q.finished.args(q.enqueued.args(args)))
	query := insertQueue
	if q.stored {
		query, args = updateQueue, append(args, q.name)
	}
	_, err := tx.Exec(query, args...)
	if err == nil {
		q.stored, q.changed = true, false
	}
	return err
}

func (q *queue) info(now time.Time) errand.QueueInfo {
	if q.rest != nil {
		whole := *q.rest
		whole.merge(q)
		whole.paused = q.paused
		return whole.info(now)
	}
	info := errand.QueueInfo{
		Name: q.name, Paused: q.paused, Counts: make(map[errand.State]int64),
		Enqueued: q.enqueued.info(now), Finished: q.finished.info(now), Failed: q.failed.info(now),
	}
	for _, state := range queueStates {
		if n := q.count[state]; n != 0 {
			info.Counts[state] = n
		}
	}
	return info
}

func intOf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// meter counts events, and estimates how many came in the last minute from the counts of this minute and the one before.
type meter struct {
	total           int64
	minute          int64 // the newest minute in which something was counted, since 1970
	current, before int64 // what was counted in that minute and the one before
}

func (m *meter) read(row Row, col int) {
	m.total, m.minute, m.current, m.before = row.Int(col), row.Int(col+1), row.Int(col+2), row.Int(col+3)
}

func (m *meter) args(args []any) []any { return append(args, m.total, m.minute, m.current, m.before) }

func minuteOf(now time.Time) (minute int64, fraction float64) {
	const length = int64(time.Minute / time.Microsecond)
	us := now.UnixMicro()
	return us / length, float64(us%length) / float64(length)
}

func (m *meter) add(now time.Time, n int64) {
	m.total += n
	switch minute, _ := minuteOf(now); {
	case minute == m.minute:
		m.current += n
	case minute == m.minute+1:
		m.minute, m.before, m.current = minute, m.current, n
	case minute > m.minute:
		m.minute, m.before, m.current = minute, 0, n
	case minute == m.minute-1:
		m.before += n
	}
}

func (m *meter) info(now time.Time) errand.Meter {
	info := errand.Meter{Total: m.total}
	switch minute, fraction := minuteOf(now); minute {
	case m.minute:
		info.PerMinute = float64(m.before)*(1-fraction) + float64(m.current)
	case m.minute + 1:
		info.PerMinute = float64(m.current) * (1 - fraction)
	}
	return info
}
