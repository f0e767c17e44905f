package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// Capacity is the measure of jobs a second that go through while 64 producers enqueue and a worker of concurrency 100
// runs them at the same time.
const Capacity = "capacity"

// Load is the measure of latency at so many percent of the capacity.
func Load(percent int, which string) string { return fmt.Sprintf("load-%d-%s", percent, which) }

// Loads are the percentages of capacity at which latency is measured.
var Loads = []int{1, 50, 80}

// loads finds each system's capacity and then the time from enqueue to start at parts of it.
func (b *bench) loads(ctx context.Context, _ peer.Store, entries []peer.Entry) error {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e peer.Entry) bool { return e.NoWakeup || e.Slow })
	rounds, span, longest := 1, time.Second, 3*time.Second
	if b.Full {
		rounds, span, longest = b.Rounds, 3*time.Second, 10*time.Second
	}
	return b.alternate(ctx, rounds, entries, func(round int, e peer.Entry) error {
		var rate float64
		err := b.opened(ctx, e, func(s peer.System, _ string) (err error) {
			rate, err = capacity(ctx, s, span)
			return err
		})
		b.record(e, Capacity, round, rate, 0, err)
		for _, percent := range Loads {
			if err != nil {
				return nil
			}
			err := b.opened(ctx, e, func(s peer.System, _ string) error {
				each := rate * float64(percent) / 100
				jobs := max(int(each*span.Seconds()), min(100, int(each*longest.Seconds())), 1)
				waits, err := openLoop(ctx, s, 100, jobs, time.Duration(float64(time.Second)/each))
				b.recordWaits(e, round, waits, err, [3]string{Load(percent, "p50"), Load(percent, "p99"), Load(percent, "p99.9")})
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// capacity has producers and a worker go on for a while, at most 500 jobs ahead of it.
func capacity(ctx context.Context, s peer.System, span time.Duration) (float64, error) {
	const most, ahead = 1_000_000, 500
	l := newLedger(most)
	room := make(chan struct{}, ahead)
	stop, err := s.Work(ctx, 100, func(n int64) {
		l.tick(n)
		<-room
	})
	if err != nil {
		return 0, err
	}
	var next atomic.Int64
	carry := text(small)
	failed := make(chan error, 64)
	until := time.Now().Add(span)
	for range 64 {
		go func() {
			for time.Now().Before(until) {
				room <- struct{}{}
				if err := s.Enqueue(ctx, peer.Job{N: next.Add(1) - 1, Text: carry}); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	began := time.Now()
	var errs []error
	for range 64 {
		errs = append(errs, <-failed)
	}
	put := int(next.Load())
	for deadline := time.Now().Add(drainTimeout); l.left.Load() > int64(most-put); {
		if time.Now().After(deadline) {
			errs = append(errs, fmt.Errorf("%d jobs have not run", int(l.left.Load())-(most-put)))
			break
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(began)
	errs = append(errs, stop(), l.verify(put))
	return float64(put) / took.Seconds(), errors.Join(errs...)
}
