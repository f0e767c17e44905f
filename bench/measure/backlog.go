package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// backlogs measures how fast Errand drains at concurrency 100 while very many jobs wait.
func (b *bench) backlogs(ctx context.Context, store peer.Store, _ []peer.Entry) error {
	e, err := peer.Find(store, "Errand")
	if err != nil {
		return err
	}
	return b.opened(ctx, e, func(s peer.System, _ string) error {
		q := &backlog{s: s}
		for _, level := range []struct {
			measure string
			jobs    int
		}{{Backlog10k, 10_000}, {Backlog1M, 1_000_000}, {Backlog5M, 5_000_000}} {
			began := time.Now()
			if err := q.fill(ctx, level.jobs); err != nil {
				return err
			}
			b.say("%s: %d jobs wait, after %.0f s", store.Title(), level.jobs, time.Since(began).Seconds())
			for round := 1; round <= b.Rounds; round++ {
				rate, err := q.round(ctx, level.jobs)
				b.record(e, level.measure, round, rate, level.jobs, err)
				if err != nil {
					return nil
				}
			}
		}
		return nil
	})
}

// backlog is a system with jobs that wait, numbered from ran to put.
type backlog struct {
	s        peer.System
	put, ran int
}

// fill enqueues until so many wait.
func (q *backlog) fill(ctx context.Context, jobs int) error {
	carry := text(small)
	for q.put-q.ran < jobs {
		n := min(chunk, jobs-(q.put-q.ran))
		if err := q.s.EnqueueMany(ctx, work(q.put, n, carry)); err != nil {
			return err
		}
		q.put += n
	}
	return nil
}

// round drains several times while so many wait, and returns the rate. One drain takes less than the pauses between purges of a
// server: whether it met one would decide.
func (q *backlog) round(ctx context.Context, jobs int) (rate float64, err error) {
	const drains = 5
	var took time.Duration
	for range drains {
		if err := q.fill(ctx, jobs); err != nil {
			return 0, err
		}
		one, err := q.drain(ctx)
		if err != nil {
			return 0, err
		}
		took += one
	}
	return drains * drained / took.Seconds(), nil
}

// drained is how many jobs a drain runs, about.
const drained = 8000

// drain runs jobs, and returns how long that took. The count of the store must agree with what ran.
func (q *backlog) drain(ctx context.Context) (time.Duration, error) {
	l := newLedger(q.put)
	enough := make(chan time.Time, 1)
	target := int64(q.put) - drained
	stop, err := q.s.Work(ctx, 100, func(n int64) {
		l.tick(n)
		if l.left.Load() <= target {
			select {
			case enough <- time.Now():
			default:
			}
		}
	})
	if err != nil {
		return 0, err
	}
	var took time.Duration
	select {
	case at := <-enough:
		took = at.Sub(l.firstAt)
	case <-time.After(drainTimeout):
		err = fmt.Errorf("%d jobs did not run within %v", drained, drainTimeout)
	}
	if stopped := stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return 0, err
	}
	ran, err := l.ticked()
	if err != nil {
		return 0, err
	}
	q.ran += ran
	left, err := q.s.Left(ctx)
	if err == nil && left != q.put-q.ran {
		err = fmt.Errorf("%d jobs ran and %d are left of %d", ran, left, q.put-q.ran+ran)
	}
	return took, err
}
