package errand

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/errandhq/errand/internal/wait"
)

// How far and how often the claimer looks ahead.
const (
	claimBatch    = 1000                  // jobs in one request at most
	maxPrefetch   = 1000                  // jobs claimed beyond what runners can begin at once
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
	turn     int // of the round robin
	prefetch int
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
	for e.awaitResume(ctx, s) {
		limit := e.awaitRoom(ctx, s)
		if limit == 0 {
			continue
		}
		idle := e.config.Burst && e.settler.backlog() == 0 && e.ledger.len() == 0
		reply, ok := e.claim(ctx, s, limit)
		if !ok {
			return
		}
		switch {
		case len(reply.Jobs) == limit:
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

// awaitRoom waits until enough runners or buffer places are free and returns how many jobs to claim; 0 when ctx ended or
// the worker is to be quiet.
func (e *engine) awaitRoom(ctx context.Context, s *claimState) int {
	for ctx.Err() == nil && !e.quiet.Load() {
		s.adapt(e.ended.Load())
		e.lowWater.Store(int64(e.config.Concurrency + s.prefetch - s.prefetch/2 - 1))
		inHand, _ := e.ledger.room()
		free := e.config.Concurrency + s.prefetch - inHand
		if free > s.prefetch/2 && e.settler.backlog() < 4*settleBatch {
			return min(free, claimBatch)
		}
		stalled := time.NewTimer(stalledAfter)
		before := e.ended.Load()
		select {
		case <-e.freed:
		case <-stalled.C:
			if e.ended.Load() == before {
				e.giveBack(s)
			}
		case <-ctx.Done():
		}
		stalled.Stop()
	}
	return 0
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

// claim asks the store for jobs and hands them to the runners. An unanswered request is repeated with its number, so
// that what it took is not left lying until its leases run out. It returns false when ctx ended.
func (e *engine) claim(ctx context.Context, s *claimState, limit int) (ClaimReply, bool) {
	*e.claims++
	_, holdsLastChance := e.ledger.room()
	req := ClaimRequest{
		Worker: e.id, Number: *e.claims, Queues: e.queueOrder(s), Limit: limit, Lease: e.config.Lease,
		MaxRecoveries: e.config.MaxRecoveries, LastChance: !holdsLastChance,
	}
	for try := 0; ; try++ {
		last := ctx.Err() != nil
		req.Now = e.now()
		callCtx, cancel := e.callContext()
		reply, err := e.store.Claim(callCtx, req)
		cancel()
		if err == nil {
			e.ready.put(e.ledger.add(reply.Jobs, e.config.MaxRecoveries))
			return reply, !last
		}
		e.trouble("claim", err)
		if last {
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
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-wake:
	case <-e.wake:
	case <-t.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// queueOrder says in which order this claim asks the queues.
func (e *engine) queueOrder(s *claimState) []string {
	queues := e.config.Queues
	if len(queues) == 1 || e.config.Strategy == StrictOrder {
		return queues
	}
	order := slices.Clone(queues)
	switch e.config.Strategy {
	case RoundRobin:
		turn := s.turn % len(queues)
		order = slices.Concat(queues[turn:], queues[:turn])
		s.turn++
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
