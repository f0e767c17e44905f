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
				rate, err := q.drain(ctx)
				b.record(e, level.measure, round, rate, level.jobs, err)
				if err != nil {
					return nil
				}
				if err := q.fill(ctx, level.jobs); err != nil {
					return err
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

// drain runs about 8,000 jobs, and returns the rate. The count of the store must agree with what ran.
func (q *backlog) drain(ctx context.Context) (float64, error) {
	const jobs = 8000
	l := newLedger(q.put)
	enough := make(chan time.Time, 1)
	target := int64(q.put) - jobs
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
		err = fmt.Errorf("%d jobs did not run within %v", jobs, drainTimeout)
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
	return jobs / took.Seconds(), err
}
