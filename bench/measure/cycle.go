package measure

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// cycle is a piece of work that every system does: jobs are enqueued in some way and then drained, and every job must have
// run exactly once. Both halves are timed.
type cycle struct {
	enqueue     string // the measure of the first half; empty: none
	producers   int    // 0: in bulk
	drain       string // the measure of the second half
	concurrency int
	bytes       int // of the payload
}

func (b *bench) cycles(ctx context.Context, _ peer.Store, entries []peer.Entry) error {
	list := []cycle{
		{Enqueue1, 1, Drain1, 1, small},
		{Enqueue64, 64, Drain10, 10, small},
		{EnqueueBulk, 0, Drain100, 100, small},
		{"", 0, Drain1000, 1000, small},
	}
	if b.Full {
		for _, c := range list {
			c.bytes = large
			if c.enqueue != "" {
				c.enqueue += Large
			}
			c.drain += Large
			list = append(list, c)
		}
	}
	return b.compare(ctx, entries, list)
}

// does says whether a system takes part in a cycle: one whose concurrency is its own, or that is slow, in those at 100
// only, and in the quick run nobody but Errand at 1,000.
func (b *bench) does(e peer.Entry, c cycle) bool {
	if c.drain == Drain1000 && !b.Full && e.Role != peer.Ours {
		return false
	}
	if e.Slow {
		return c.drain == Drain100
	}
	return !e.Fixed || c.enqueue != "" && c.producers != 1 || c.concurrency == 100 || e.Role == peer.Raw && c.producers == 1
}

// compare has the systems do cycles, round by round, in the other order every other round: a place that has been used for a
// while is not the same as an empty one.
func (b *bench) compare(ctx context.Context, entries []peer.Entry, list []cycle) error {
	return b.alternate(ctx, b.Rounds, entries, func(round int, e peer.Entry) error {
		ordered := slices.Clone(list)
		if round%2 == 0 {
			slices.Reverse(ordered)
		}
		return b.opened(ctx, e, func(s peer.System, _ string) error {
			for _, c := range ordered {
				if b.does(e, c) {
					b.cycle(ctx, e, s, c, round)
				}
			}
			return nil
		})
	})
}

// cycle does one and records its figures.
func (b *bench) cycle(ctx context.Context, e peer.Entry, s peer.System, c cycle, round int) {
	size, err := b.size(ctx, e, s, c)
	if err != nil {
		err = fmt.Errorf("warm-up: %w", err)
		b.record(e, c.drain, round, 0, 0, err)
		return
	}
	got, err := b.once(ctx, e, s, c, size)
	if c.enqueue != "" {
		b.record(e, c.enqueue, round, got.enqueue, size.enqueue, err)
	}
	if !e.Fixed || c.concurrency == 100 {
		b.record(e, c.drain, round, got.drain, got.drained, err)
	}
}

// sizes are how many jobs a half moves, chosen so that it lasts about the configured time.
type sizes struct{ enqueue, drain int }

// rates are jobs a second, and how many were drained.
type rates struct {
	enqueue, drain float64
	drained        int
}

// The bounds of a half.
const (
	minJobs = 20
	maxJobs = 200_000
	chunk   = 1000 // jobs of a call that enqueues in bulk
)

// size finds out how many jobs to use, by trying with more and more, which warms up too. It is done once for each system
// and cycle of a run.
func (b *bench) size(ctx context.Context, e peer.Entry, s peer.System, c cycle) (sizes, error) {
	key := fmt.Sprint(e.Store, e.Name, c)
	if found := b.sized[key]; found != (sizes{}) {
		return found, nil
	}
	size := sizes{enqueue: minJobs, drain: max(minJobs, c.concurrency)}
	if c.producers == 0 {
		size.enqueue = chunk / 2
	}
	for range maxTries {
		got, err := b.once(ctx, e, s, c, size)
		if err != nil {
			return size, err
		}
		before := size
		size = sizes{b.fit(got.enqueue, size.enqueue), b.fit(got.drain, size.drain)}
		if size.enqueue <= 2*before.enqueue && size.drain <= 2*before.drain {
			break
		}
	}
	size.drain = max(size.drain, 5*c.concurrency)
	if e.Slow {
		size.drain = max(size.drain, 300) / 3 // its worker runs one job at a time, whatever the concurrency
	}
	if size.enqueue >= chunk && c.producers == 0 {
		size.enqueue -= size.enqueue % chunk
	}
	b.sized[key] = size
	return size, nil
}

// maxTries is how often a half may grow before it is measured.
const maxTries = 5

// fit is how many jobs fill the time of a half at a rate, growing at most eightfold.
func (b *bench) fit(rate float64, before int) int {
	if rate == 0 { // it is not measured
		return before
	}
	return min(max(int(rate*b.Phase.Seconds()), minJobs), 8*before, maxJobs)
}

// surplus is how many times as many jobs may be enqueued as are drained; beyond it they are counted and dropped, because
// draining them would take too long.
const surplus = 3

// once does a cycle with so many jobs.
func (b *bench) once(ctx context.Context, e peer.Entry, s peer.System, c cycle, size sizes) (rates, error) {
	var got rates
	var err error
	carry := text(c.bytes)
	n := 0 // jobs that are in
	switch {
	case size.enqueue <= surplus*size.drain:
		got.enqueue, err = put(ctx, e, s, c, work(0, size.enqueue, carry))
		n = size.enqueue
	case c.enqueue != "":
		got.enqueue, err = b.counted(ctx, e, c, size.enqueue)
	}
	if err != nil {
		return got, err
	}
	if rest := size.drain - n; rest > 0 {
		if err := bulk(ctx, s, work(n, rest, carry)); err != nil {
			return got, err
		}
		n += rest
	}
	got.drained = n
	got.drain, err = drain(ctx, s, c.concurrency, n)
	return got, err
}

// counted enqueues jobs in a place of their own, where the store's count says whether all are in.
func (b *bench) counted(ctx context.Context, e peer.Entry, c cycle, n int) (rate float64, err error) {
	if e.Store == peer.Redis { // the server is one place: the jobs have to go before the others come
		defer func() {
			if err == nil {
				err = flushRedis(ctx, b.started[peer.Redis].URL)
			}
		}()
	}
	do := func(s peer.System) error {
		if rate, err = put(ctx, e, s, c, work(0, n, text(c.bytes))); err != nil {
			return err
		}
		left, err := s.Left(ctx)
		if err == nil && left != n {
			err = fmt.Errorf("%d of %d enqueued jobs are in", left, n)
		}
		return err
	}
	where, err := b.fresh(ctx, e.Store)
	if err != nil {
		return 0, err
	}
	s, err := e.Open(ctx, where.url)
	if err != nil {
		return 0, err
	}
	err = do(s)
	return rate, errors.Join(err, s.Close(), where.drop(ctx))
}

// put enqueues jobs as the cycle says, and returns the rate.
func put(ctx context.Context, e peer.Entry, s peer.System, c cycle, jobs []peer.Job) (float64, error) {
	runtime.GC() // what was before must not be paid for now
	began := time.Now()
	var err error
	switch {
	case c.producers == 0:
		err = bulk(ctx, s, jobs)
	case e.Role == peer.Raw: // at most so many jobs can be in a round trip when each producer waits for its own
		err = inChunks(jobs, c.producers, func(some []peer.Job) error { return s.EnqueueMany(ctx, some) })
	default:
		err = produce(ctx, s, c.producers, jobs)
	}
	return float64(len(jobs)) / time.Since(began).Seconds(), err
}

func bulk(ctx context.Context, s peer.System, jobs []peer.Job) error {
	return inChunks(jobs, chunk, func(some []peer.Job) error { return s.EnqueueMany(ctx, some) })
}

func inChunks(jobs []peer.Job, size int, do func([]peer.Job) error) error {
	for len(jobs) > 0 {
		n := min(size, len(jobs))
		if err := do(jobs[:n]); err != nil {
			return err
		}
		jobs = jobs[n:]
	}
	return nil
}

// produce has several goroutines enqueue one job a call.
func produce(ctx context.Context, s peer.System, producers int, jobs []peer.Job) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, producers)
	for range producers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				if err := s.Enqueue(ctx, jobs[i]); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}

// drainTimeout is how long a system may take without a job done.
const drainTimeout = 60 * time.Second

// drain has a worker run the n jobs that are in, numbered from 0, and returns the rate: from the start of the first job
// to the moment when the store says that none is left.
func drain(ctx context.Context, s peer.System, concurrency, n int) (float64, error) {
	l := newLedger(n)
	runtime.GC()
	stop, err := s.Work(ctx, concurrency, l.tick)
	if err != nil {
		return 0, err
	}
	took, err := l.emptied(ctx, s)
	if err := errors.Join(err, stop()); err != nil {
		return 0, err
	}
	return float64(n) / took.Seconds(), l.verify(n)
}

// emptied waits until every job has run and the store says that none is left, and returns how long it took from the first
// job on.
func (l *ledger) emptied(ctx context.Context, s peer.System) (time.Duration, error) {
	for last := int64(-1); ; {
		select {
		case <-l.done:
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(drainTimeout):
			if now := l.left.Load(); now != last {
				last = now
				continue
			}
			return 0, fmt.Errorf("%d jobs have not run, and none for %v", l.left.Load(), drainTimeout)
		}
		break
	}
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for deadline := time.Now().Add(drainTimeout); ; <-pause.C {
		left, err := s.Left(ctx)
		if err != nil {
			return 0, err
		}
		if left == 0 {
			return time.Since(l.firstAt), nil
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("all jobs have run, and the store still has %d", left)
		}
	}
}
