package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// Recovery is how many seconds pass from kill -9 of a worker until another has begun every job that it ran.
const Recovery = "recovery"

// recoveryLimit is how long is waited for it.
const recoveryLimit = 100 * time.Second

// recoveries kills a worker process that is in the middle of ten jobs, with their default settings.
func (b *bench) recoveries(ctx context.Context, _ peer.Store, entries []peer.Entry) error {
	entries = slices.DeleteFunc(apart(entries), func(e peer.Entry) bool { return e.Slow || e.Role == peer.Raw })
	return b.alternate(ctx, 1, entries, func(round int, e peer.Entry) error {
		return b.opened(ctx, e, func(s peer.System, url string) error {
			took, err := recovery(ctx, s, e, url)
			b.record(e, Recovery, round, took.Seconds(), 10, err)
			return nil
		})
	})
}

func recovery(ctx context.Context, s peer.System, e peer.Entry, url string) (time.Duration, error) {
	const jobs = 10
	if err := bulk(ctx, s, work(0, jobs, text(small))); err != nil {
		return 0, err
	}
	held := newLedger(jobs)
	victim := away(s, e, url, 1)
	victim.Hang = true
	if _, err := victim.Work(ctx, jobs, held.tick); err != nil {
		return 0, err
	}
	select {
	case <-held.done:
	case <-time.After(drainTimeout):
		return 0, errors.Join(errors.New("the worker did not take its jobs"), victim.children[0].kill())
	}
	again := newLedger(jobs)
	stop, err := s.Work(ctx, jobs, again.tick)
	if err != nil {
		return 0, err
	}
	killed := time.Now()
	if err := victim.children[0].kill(); err != nil {
		return 0, err
	}
	select {
	case <-again.done:
	case <-time.After(recoveryLimit):
		ran, _ := again.ticked()
		return 0, errors.Join(fmt.Errorf("%d of %d jobs were run again within %v", ran, jobs, recoveryLimit), stop())
	}
	return again.doneAt.Sub(killed), errors.Join(stop(), again.verify(jobs))
}
