package measure

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ledger ticks off each job that runs.
type ledger struct {
	ran   []atomic.Int32
	stray atomic.Int64 // runs of jobs that nobody enqueued
	left  atomic.Int64
	began time.Time // when it was made: times are relative to it
	start []atomic.Int64

	first   sync.Once
	begun   chan struct{} // closed when the first job runs
	firstAt time.Time
	done    chan struct{} // closed when every job has run
	doneAt  time.Time
}

func newLedger(jobs int) *ledger {
	l := &ledger{
		ran: make([]atomic.Int32, jobs), start: make([]atomic.Int64, jobs), began: time.Now(),
		begun: make(chan struct{}), done: make(chan struct{}),
	}
	l.left.Store(int64(jobs))
	return l
}

// tick is what the handlers of all systems do.
func (l *ledger) tick(n int64) {
	l.first.Do(func() {
		l.firstAt = time.Now()
		close(l.begun)
	})
	if n < 0 || n >= int64(len(l.ran)) {
		l.stray.Add(1)
		return
	}
	if l.ran[n].Add(1) != 1 {
		return
	}
	l.start[n].Store(int64(time.Since(l.began)))
	if l.left.Add(-1) == 0 {
		l.doneAt = time.Now()
		close(l.done)
	}
}

// verify says what was not delivered exactly once among the jobs below n.
func (l *ledger) verify(n int) error {
	lost, doubled := 0, 0
	for i := range l.ran[:n] {
		switch l.ran[i].Load() {
		case 0:
			lost++
		case 1:
		default:
			doubled++
		}
	}
	if stray := l.stray.Load(); lost+doubled > 0 || stray > 0 {
		return fmt.Errorf("%d of %d jobs lost, %d run more than once, %d that nobody enqueued", lost, n, doubled, stray)
	}
	return nil
}

// ticked counts the jobs that ran, and is an error when one ran twice.
func (l *ledger) ticked() (int, error) {
	n := 0
	for i := range l.ran {
		switch got := l.ran[i].Load(); got {
		case 0:
		case 1:
			n++
		default:
			return n, fmt.Errorf("job %d ran %d times", i, got)
		}
	}
	return n, nil
}
