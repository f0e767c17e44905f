package measure

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/montanaflynn/stats"

	"github.com/errandhq/errand/bench/peer"
)

// pickups measures how long a job waits for an idle worker: from the call of Enqueue, at a time set before, until its
// handler starts.
func (b *bench) pickups(ctx context.Context, _ peer.Store, entries []peer.Entry) error {
	const jobs, gap = 300, 10 * time.Millisecond
	rounds := 1
	if b.Full {
		rounds = b.Rounds
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e peer.Entry) bool { return e.NoWakeup })
	return b.alternate(ctx, rounds, entries, func(round int, e peer.Entry) error {
		return b.opened(ctx, e, func(s peer.System, _ string) error {
			waits, err := openLoop(ctx, s, 10, jobs, gap)
			b.recordWaits(e, round, waits, err, [3]string{PickupP50, PickupP99, PickupP999})
			return nil
		})
	})
}

func (b *bench) recordWaits(e peer.Entry, round int, waits []float64, err error, names [3]string) {
	for i, percent := range []float64{50, 99, 99.9} {
		value := 0.0
		if err == nil {
			value, err = stats.PercentileNearestRank(waits, percent)
		}
		if percent == 99.9 && len(waits) < 1000 || percent == 99 && len(waits) < 100 {
			continue // there are too few
		}
		b.record(e, names[i], round, value, len(waits), err)
	}
}

// openLoop enqueues a job every so often, whether those before have been picked up or not, and returns for how many
// milliseconds each waited, from the time at which it should have been enqueued: a system that is late is not spared.
func openLoop(ctx context.Context, s peer.System, concurrency, jobs int, gap time.Duration) ([]float64, error) {
	l := newLedger(jobs)
	stop, err := s.Work(ctx, concurrency, l.tick)
	if err != nil {
		return nil, err
	}
	idle := time.NewTimer(200 * time.Millisecond) // the worker comes to rest
	<-idle.C
	due := make([]time.Duration, jobs)
	var wg sync.WaitGroup
	failed := make(chan error, jobs)
	first := time.Since(l.began) + gap
	carry := text(small)
	for n := range jobs {
		due[n] = first + time.Duration(n)*gap
		if wait := due[n] - time.Since(l.began); wait > 0 {
			idle.Reset(wait)
			<-idle.C
		}
		wg.Go(func() {
			if err := s.Enqueue(ctx, peer.Job{N: int64(n), Text: carry}); err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	close(failed)
	if err = <-failed; err == nil {
		_, err = l.emptied(ctx, s)
	}
	if err := errors.Join(err, stop()); err != nil {
		return nil, err
	}
	waits := make([]float64, jobs)
	for n := range waits {
		waits[n] = float64(time.Duration(l.start[n].Load())-due[n]) / float64(time.Millisecond)
	}
	return waits, l.verify(jobs)
}
