package errand

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/errandhq/errand/internal/wait"
)

// How far and how often the claimer looks ahead.
const (
	claimBatch    = 1000                  // jobs in one request at most
	maxPrefetch   = 4000                  // jobs claimed beyond what runners can begin at once
	prefetchSpan  = 50 * time.Millisecond // how much work is claimed ahead, at the present pace
	stalledAfter  = time.Second           // jobs claimed ahead are given back when no handler returns for so long
	claimPauseMin = 50 * time.Millisecond // after an error
	claimPauseMax = 5 * time.Second
	pollNotified  = 5 * time.Second // looks now and then even where the store wakes us
	pollFirst     = 10 * time.Millisecond
	pollMax       = time.Second
)

// claimState is what the claimer remembers from claim to claim.
type claimState struct {
	prefetch int
	flood    bool    // the last claim found all that it asked for
	rate     float64 // handlers returning a second, smoothed
	measured time.Time
	ended    int64 // e.ended at that time
	poll     time.Duration
	notified bool
}

// claimer brings jobs in until ctx ends or, in burst mode, until there are none left.
func (e *engine) claimer(ctx context.Context) {
	s := &claimState{measured: time.Now()}
	var wake <-chan struct{}
	if n, ok := e.store.(Notifier); ok {
		topics := make([]Topic, len(e.config.Queues))
		for i, q := range e.config.Queues {
			topics[i] = QueueTopic(q)
		}
		var cancel func()
		wake, cancel = n.Subscribe(topics...)
		defer cancel()
		s.notified = true
	}
	defer e.beside.done.Wait()
	for e.awaitResume(ctx, s) {
		limit := e.awaitRoom(ctx, s)
		if limit == 0 {
			continue
		}
		if s.flood && limit == claimBatch {
			e.claimBeside(ctx)
		}
		idle := e.config.Burst && !e.beside.running.Load() && e.settler.backlog() == 0 && e.ledger.len() == 0
		reply, ok := e.claim(ctx, claimerLane, limit)
		if !ok {
			return
		}
		s.flood = len(reply.Jobs) == limit
		switch {
		case s.flood:
			s.poll = 0
		case len(reply.Jobs) == 0 && idle:
			return // burst: nothing was under way that could bring more, and there was nothing
		default:
			if len(reply.Jobs) > 0 {
				s.poll = 0
			}
			if !e.awaitNews(ctx, s, wake, reply.NextDue) {
				return
			}
		}
	}
}

// awaitResume returns false when ctx has ended. While the worker is ordered to be quiet it waits, and what was claimed and
// not begun goes back.
func (e *engine) awaitResume(ctx context.Context, s *claimState) bool {
	if e.quiet.Load() {
		e.beside.done.Wait()
		e.giveBack(s)
	}
	for e.quiet.Load() && ctx.Err() == nil {
		select {
		case <-e.wake:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// awaitRoom waits until enough runners or buffer places are free, reserves them and returns how many jobs to claim; 0 when
// ctx ended or the worker is to be quiet.
func (e *engine) awaitRoom(ctx context.Context, s *claimState) int {
	for ctx.Err() == nil && !e.quiet.Load() {
		s.adapt(e.ended.Load())
		most, worth := e.config.Concurrency+s.prefetch, min(s.prefetch/2+1, claimBatch)
		e.most.Store(int64(most))
		e.lowWater.Store(int64(most - worth))
		inHand, _ := e.ledger.room()
		limit := min(most-inHand, claimBatch)
		if limit >= worth && !e.backlogged() && e.ledger.reserve(limit, most) {
			return limit
		}
		stalled := time.NewTimer(stalledAfter)
		before := e.ended.Load()
		select {
		case <-e.freed:
		case <-stalled.C:
			e.giveBackIfStalled(s, before)
		case <-ctx.Done():
		}
		stalled.Stop()
	}
	return 0
}

// giveBackIfStalled gives back what was claimed ahead if no handler has returned since there were so many that had.
func (e *engine) giveBackIfStalled(s *claimState, ended int64) {
	if e.ended.Load() == ended {
		e.giveBack(s)
	}
}

// adapt measures the pace at which handlers return and claims that much work ahead: a lot for tiny jobs, where round
// trips would dominate; nothing for long ones, which other workers could begin sooner.
func (s *claimState) adapt(ended int64) {
	span := time.Since(s.measured)
	if span < time.Millisecond {
		return
	}
	rate := float64(ended-s.ended) / span.Seconds()
	weight := min(1, span.Seconds()/prefetchSpan.Seconds())
	if rate > s.rate {
		weight = max(weight, 0.5) // so that the first moments of a flood are not spent on small claims
	}
	s.rate += (rate - s.rate) * weight
	s.measured, s.ended = time.Now(), ended
	s.prefetch = min(int(s.rate*prefetchSpan.Seconds()), maxPrefetch)
}

// giveBack releases jobs that were claimed ahead of runners which then turned out to be busy for long.
func (e *engine) giveBack(s *claimState) {
	defer func() { s.rate, s.prefetch, s.measured, s.ended = 0, 0, time.Now(), e.ended.Load() }()
	for h := e.ready.takeNow(); h != nil; h = e.ready.takeNow() {
		e.release(h)
	}
}

// backlogged says that so many outcomes wait to be settled that nothing more should be claimed.
func (e *engine) backlogged() bool { return e.settler.backlog() >= 4*settleBatch }

// The lanes of claims.
const (
	claimerLane = iota
	besideLane
)

// beside is a second goroutine that claims, in a flood.
type beside struct {
	running atomic.Bool
	done    sync.WaitGroup
}

// claimBeside has claims made beside the claimer's own for as long as each finds a whole batch and there is room for the next.
// So one can be under way in the store, or on the line, while another is taken apart here. Jobs then begin in another order
// than they were claimed in, so a worker that runs one job at a time has none of it.
func (e *engine) claimBeside(ctx context.Context) {
	if e.config.Concurrency == 1 || e.beside.running.Load() || !e.roomBeside() {
		return
	}
	e.beside.running.Store(true)
	e.beside.done.Go(func() {
		defer poke(e.freed) // the claimer may have found no room for what was reserved here
		defer e.beside.running.Store(false)
		for {
			reply, ok := e.claim(ctx, besideLane, claimBatch)
			if !ok || len(reply.Jobs) < claimBatch || e.quiet.Load() || !e.roomBeside() {
				return
			}
		}
	})
}

// roomBeside reserves places for a whole batch, if there are so many.
func (e *engine) roomBeside() bool {
	return !e.backlogged() && e.ledger.reserve(claimBatch, int(e.most.Load()))
}

// claim asks the store for jobs, for which places are reserved, and hands them to the runners. An unanswered request is
// repeated with its number, so that what it took is not left lying until its leases run out. It returns false when ctx ended.
func (e *engine) claim(ctx context.Context, lane, limit int) (ClaimReply, bool) {
	_, holdsLastChance := e.ledger.room()
	req := ClaimRequest{
		Worker: e.id, Number: e.claims.Add(1), Lane: lane, Queues: e.queueOrder(), Limit: limit, Lease: e.config.Lease,
		MaxRecoveries: e.config.MaxRecoveries, LastChance: !holdsLastChance && lane == claimerLane,
	}
	for try := 0; ; try++ {
		last := ctx.Err() != nil
		req.Now = e.now()
		callCtx, cancel := e.callContext()
		reply, err := e.store.Claim(callCtx, req)
		cancel()
		if err == nil {
			e.ready.put(e.ledger.add(reply.Jobs, limit, e.config.MaxRecoveries))
			return reply, !last
		}
		e.trouble("claim", err)
		if last {
			e.ledger.add(nil, limit, 0)
			return ClaimReply{}, false
		}
		_ = wait.For(ctx, wait.Backoff(try, claimPauseMin, claimPauseMax))
	}
}

// awaitNews waits until there may be something to claim: woken, or due, or time to look. It returns false when ctx ended.
func (e *engine) awaitNews(ctx context.Context, s *claimState, wake <-chan struct{}, due time.Time) bool {
	d := pollNotified
	if !s.notified {
		s.poll = min(max(s.poll*3/2, pollFirst), pollMax)
		d = s.poll
	}
	if e.config.Burst && e.ledger.len() == 0 {
		return true // the next claim decides whether there is nothing left
	}
	if !due.IsZero() {
		d = min(d, max(due.Sub(e.now()), time.Millisecond))
	}
	if e.ready.len() > 0 {
		d = min(d, stalledAfter)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	before := e.ended.Load()
	select {
	case <-wake:
	case <-e.wake:
	case <-t.C:
		if d == stalledAfter {
			e.giveBackIfStalled(s, before)
		}
	case <-ctx.Done():
		return false
	}
	return true
}

// queueOrder says in which order this claim asks the queues.
func (e *engine) queueOrder() []string {
	queues := e.config.Queues
	if len(queues) == 1 || e.config.Strategy == StrictOrder {
		return queues
	}
	order := slices.Clone(queues)
	switch e.config.Strategy {
	case RoundRobin:
		turn := int(e.turn.Add(1)-1) % len(queues)
		order = slices.Concat(queues[turn:], queues[:turn])
	case Random:
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	case Weighted:
		for i := range order {
			j := i + e.drawWeighted(order[i:])
			order[i], order[j] = order[j], order[i]
		}
	case StrictOrder:
	}
	return order
}

// drawWeighted returns the index of one of the queues, each as likely as its weight says.
func (e *engine) drawWeighted(queues []string) int {
	total := 0
	for _, q := range queues {
		total += max(e.config.Weights[q], 1)
	}
	n := rand.N(total)
	for i, q := range queues {
		if n -= max(e.config.Weights[q], 1); n < 0 {
			return i
		}
	}
	return 0
}
