package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/montanaflynn/stats"

	"github.com/errandhq/errand/bench/peer"
)

// The measures of jobs that are all due at the same moment: how many a second run from then on, and how many milliseconds
// late half of them are.
const (
	TimerRate = "timer-rate"
	TimerLate = "timer-late"
)

// timers enqueues jobs for a moment to come, while a worker of concurrency 100 waits.
func (b *bench) timers(ctx context.Context, _ peer.Store, entries []peer.Entry) error {
	rounds, jobs := 1, 2000
	if b.Full {
		rounds, jobs = b.Rounds, 5000
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e peer.Entry) bool { return e.NoWakeup || e.Slow })
	return b.alternate(ctx, rounds, entries, func(round int, e peer.Entry) error {
		return b.opened(ctx, e, func(s peer.System, _ string) error {
			rate, late, err := timer(ctx, s, jobs)
			b.record(e, TimerRate, round, rate, jobs, err)
			b.record(e, TimerLate, round, late, jobs, err)
			return err // who takes too long once does so every time
		})
	})
}

// timerLimit is how late the last job may be.
const timerLimit = 20 * time.Second

func timer(ctx context.Context, s peer.System, jobs int) (rate, late float64, err error) {
	later, ok := s.(peer.Scheduler)
	if !ok {
		return 0, 0, errors.New("it cannot be told when to run a job")
	}
	l := newLedger(jobs)
	stop, err := s.Work(ctx, 100, l.tick)
	if err != nil {
		return 0, 0, err
	}
	at := time.Now().Add(4 * time.Second).Truncate(time.Second)
	err = inChunks(work(0, jobs, text(small)), chunk, func(some []peer.Job) error { return later.EnqueueAt(ctx, some, at) })
	if err == nil && time.Now().After(at) {
		err = errors.New("enqueueing took until the jobs were due")
	}
	if err == nil {
		some, cancel := context.WithDeadline(ctx, at.Add(timerLimit))
		defer cancel()
		if _, err = l.emptied(some, s); errors.Is(err, context.DeadlineExceeded) {
			ran, _ := l.ticked()
			err = fmt.Errorf("%d of %d jobs ran within %v of the time at which they were due", ran, jobs, timerLimit)
		}
	}
	if err := errors.Join(err, stop()); err != nil {
		return 0, 0, err
	}
	if err := l.verify(jobs); err != nil {
		return 0, 0, err
	}
	waits := make([]float64, jobs)
	for n := range waits {
		waits[n] = float64(l.began.Add(time.Duration(l.start[n].Load())).Sub(at)) / float64(time.Millisecond)
		if waits[n] < -1000 { // whole seconds are all that some know
			return 0, 0, errors.New("a job ran over a second too early")
		}
	}
	late, err = stats.PercentileNearestRank(waits, 50)
	return float64(jobs) / time.Since(at).Seconds(), late, err
}
