// Package batch lets concurrent calls share one request: it sends at once when nothing is under way, and otherwise what
// has gathered while the last request was. A lone call waits for nobody, and a flood travels in large batches, without
// a timer to tune.
//
// Under load a leader waits, for at most a quarter of the last request's time and 2 ms, for callers that were just answered
// to come back with more. A lone caller, and one whose request takes less than 0.2 ms, never wait.
package batch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrUnknown is the error of a call that gave up while its item was on its way.
var ErrUnknown = errors.New("outcome unknown")

// Batcher groups items of type T, each answered with an R, into requests.
type Batcher[T, R any] struct {
	// Send does a batch and returns an answer per item, in order. Its context is not cancelled by any one caller.
	Send func(ctx context.Context, items []T) ([]R, error)
	// Weigh returns what an item counts towards Max; nil: 1.
	Weigh func(T) int
	// Stay has callers whose item is on its way stay for the answer, also past the end of their ctx. Then a leader needs no
	// goroutine of its own, and a lone caller none to wake it.
	Stay bool
	// Max bounds the weight of a batch; a single heavier item still goes, alone.
	Max int

	mu      sync.Mutex
	busy    bool // somebody is sending
	waiting []*entry[T, R]
	gather  gathering
}

// gathering is how the next leader waits, for a moment, for those who were just answered: callers that come back at once
// with more would else travel in two halves, one waiting while the other is under way, or one alone and then all others.
type gathering struct {
	expected int           // how many there are when all have come back
	patience time.Duration // a part of what the last request took
	answered time.Time     // when it was answered
	full     chan struct{} // closed when there are as many as expected; nil: nobody waits
	pass     int           // how many leaders do not wait, since waiting was in vain
}

const (
	patiencePart  = 4                     // of the time of a request
	leastPatience = 50 * time.Microsecond // a shorter wait is not worth a timer
	mostPatience  = 2 * time.Millisecond
	vainPass      = 32
)

type entry[T, R any] struct {
	item T
	turn chan turn[R] // buffered: an answer, or the duty to send
}

type turn[R any] struct {
	lead   bool
	answer R
	err    error
}

// Do sends the item, alone or with others, and returns its answer. A caller whose ctx ends while its item still waits
// takes it back and gets the error of ctx; one whose item is on its way gets ErrUnknown joined to that, unless it stays.
func (b *Batcher[T, R]) Do(ctx context.Context, item T) (R, error) {
	e := &entry[T, R]{item: item, turn: make(chan turn[R], 1)}
	b.mu.Lock()
	b.waiting = append(b.waiting, e)
	first := !b.busy
	b.busy = true
	if !first && b.gather.full != nil && len(b.waiting) >= b.gather.expected {
		close(b.gather.full)
		b.gather.full = nil
	}
	b.mu.Unlock()
	if first {
		b.start(ctx)
	}
	for {
		select {
		case t := <-e.turn:
			if !t.lead {
				return t.answer, t.err
			}
			b.start(ctx)
		case <-ctx.Done():
			if b.takeBack(e) {
				var none R
				return none, context.Cause(ctx)
			}
			return b.awaitAnswer(ctx, e)
		}
	}
}

// start has the caller lead. One that may give up meanwhile does it in a goroutine, which goes on for the others in the
// batch and ends with the request.
func (b *Batcher[T, R]) start(ctx context.Context) {
	if ctx.Done() == nil || b.Stay {
		b.lead(ctx)
		return
	}
	go b.lead(ctx)
}

// lead sends the batch at the head of the line, which holds the leader's own entry unless he has given up, then passes the
// duty on.
func (b *Batcher[T, R]) lead(ctx context.Context) {
	b.awaitOthers()
	b.mu.Lock()
	batch := b.take()
	if len(batch) == 0 {
		b.passOn()
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	items := make([]T, len(batch))
	for i, e := range batch {
		items[i] = e.item
	}
	began := time.Now()
	answers, err := b.Send(context.WithoutCancel(ctx), items)

	b.mu.Lock()
	b.gather.answered = time.Now()
	b.gather.patience = min(b.gather.answered.Sub(began)/patiencePart, mostPatience)
	b.gather.expected = len(batch) + len(b.waiting)
	b.passOn()
	b.mu.Unlock()
	for i, e := range batch {
		t := turn[R]{err: err}
		if err == nil {
			t.answer = answers[i]
		}
		e.turn <- t
	}
}

// awaitOthers gives those who were just answered a moment to come back. It ends as soon as they have.
func (b *Batcher[T, R]) awaitOthers() {
	b.mu.Lock()
	g := &b.gather
	before := len(b.waiting)
	if before >= min(g.expected-g.expected/4, b.Max) || g.patience < leastPatience || time.Since(g.answered) > g.patience {
		b.mu.Unlock()
		return
	}
	if g.pass > 0 {
		g.pass--
		b.mu.Unlock()
		return
	}
	full := make(chan struct{})
	g.full = full
	patience := time.NewTimer(g.patience)
	b.mu.Unlock()
	select {
	case <-full:
	case <-patience.C:
	}
	patience.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	g.full = nil
	if 2*(len(b.waiting)-before) < g.expected-before {
		g.pass = vainPass
	}
}

// take removes from the head of the line what fits into one batch, at least one entry.
func (b *Batcher[T, R]) take() []*entry[T, R] {
	weight, n := 0, 0
	for _, e := range b.waiting {
		w := 1
		if b.Weigh != nil {
			w = b.Weigh(e.item)
		}
		if n > 0 && weight+w > b.Max {
			break
		}
		weight += w
		n++
	}
	batch := b.waiting[:n:n]
	b.waiting = b.waiting[n:]
	if len(b.waiting) == 0 {
		b.waiting = nil
	}
	return batch
}

// passOn makes the first who waits the next leader.
func (b *Batcher[T, R]) passOn() {
	if len(b.waiting) == 0 {
		b.busy = false
		return
	}
	b.waiting[0].turn <- turn[R]{lead: true}
}

// takeBack removes an entry that still waits, and says whether it did.
func (b *Batcher[T, R]) takeBack(e *entry[T, R]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, e)
	if i < 0 {
		return false
	}
	b.waiting = append(b.waiting[:i:i], b.waiting[i+1:]...)
	select {
	case <-e.turn: // it was to lead: the duty goes to the next
		b.passOn()
	default:
	}
	return true
}

// awaitAnswer returns the answer to an item that is on its way: the one that is there, or that will be where callers stay.
func (b *Batcher[T, R]) awaitAnswer(ctx context.Context, e *entry[T, R]) (R, error) {
	if b.Stay {
		t := <-e.turn
		return t.answer, t.err
	}
	select {
	case t := <-e.turn:
		return t.answer, t.err
	default:
		var none R
		return none, errors.Join(ErrUnknown, context.Cause(ctx))
	}
}
