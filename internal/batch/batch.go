// Package batch lets concurrent calls share one request: it sends at once when nothing is under way, and otherwise what
// has gathered while the last request was. A lone call waits for nobody, and a flood travels in large batches, without
// a timer to tune.
//
// Under load a leader waits, for at most as long as the last request took and 0.2 ms, or a quarter of it and 2 ms, for callers
// that were just answered to come back with more. A lone caller, and one whose request takes less than 0.05 ms, never wait.
//
// Where several requests may be under way, the callers split into as many parts: while one part is answered, and makes its
// next items, the request of another is under way, so that client and server do not take turns.
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
	// Ways is how many requests may be under way at a time; 0: 1.
	Ways int

	mu       sync.Mutex
	leaders  int  // they send, or are about to
	gathers  bool // one of them has not taken his batch yet
	underWay int  // items that are being sent
	waiting  []*entry[T, R]
	gather   gathering
	spare    sync.Pool // of *entry[T, R] that were answered, so that nobody has them
}

// gathering is how the next leader waits, for a moment, for those who were just answered: callers that come back at once
// with more would else travel in two halves, one waiting while the other is under way, or one alone and then all others.
type gathering struct {
	expected int           // how many make a batch when all have come back: as many as lately did
	patience time.Duration // for the time that the last request took
	answered time.Time     // when it was answered
	full     chan struct{} // closed when there are as many as expected; nil: nobody waits
	pass     int           // how many leaders do not wait, since waiting was in vain
	vain     int           // how many did not the last time
}

const (
	patiencePart  = 4                      // of the time of a long request
	shortPatience = 200 * time.Microsecond // with a short one, which costs much the same for one caller and for all
	leastPatience = 50 * time.Microsecond  // a shorter wait is not worth a timer
	mostPatience  = 2 * time.Millisecond
	vainPass      = 32
)

type entry[T, R any] struct {
	item   T
	turn   chan turn // buffered
	answer R         // once it is answered
	err    error
}

// turn is what a caller waits for. The answer itself is in the entry, since a channel of pointers is two allocations.
type turn bool

const (
	answered turn = false
	lead     turn = true // the duty to send
)

// Do sends the item, alone or with others, and returns its answer. A caller whose ctx ends while its item still waits
// takes it back and gets the error of ctx; one whose item is on its way gets ErrUnknown joined to that, unless it stays.
func (b *Batcher[T, R]) Do(ctx context.Context, item T) (R, error) {
	e := b.entry(item)
	b.mu.Lock()
	if b.waiting == nil {
		b.waiting = make([]*entry[T, R], 0, b.gather.expected+1)
	}
	b.waiting = append(b.waiting, e)
	if b.gather.full != nil && len(b.waiting) >= b.gather.expected {
		close(b.gather.full)
		b.gather.full = nil
	}
	b.appoint()
	b.mu.Unlock()
	for {
		select {
		case t := <-e.turn:
			if t == answered {
				answer, err := e.answer, e.err
				*e = entry[T, R]{turn: e.turn}
				b.spare.Put(e)
				return answer, err
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

// entry is what a caller waits with.
func (b *Batcher[T, R]) entry(item T) *entry[T, R] {
	e, ok := b.spare.Get().(*entry[T, R])
	if !ok {
		e = &entry[T, R]{turn: make(chan turn, 1)}
	}
	e.item = item
	return e
}

// appoint makes the first who waits a leader where a request should be begun: the only one with whatever there is, one
// beside others with a part of the callers that is worth it.
func (b *Batcher[T, R]) appoint() {
	alone := b.leaders == 0
	if len(b.waiting) == 0 || b.gathers || !alone && (b.leaders >= b.Ways || len(b.waiting) < b.gather.enough()) {
		return
	}
	b.leaders++
	b.gathers = true
	b.waiting[0].turn <- lead
}

// enough is how many of the expected are worth a request while others may still come. A short request costs much the same for
// many; where requests are long, one that waits for too many leaves the server without work.
func (g *gathering) enough() int {
	if g.patience <= shortPatience {
		return g.expected - g.expected/8
	}
	return g.expected - g.expected/4
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

// lead sends the batch at the head of the line, which holds the leader's own entry unless he has given up. Whenever his
// going or coming makes room for it, another is appointed.
func (b *Batcher[T, R]) lead(ctx context.Context) {
	b.awaitOthers()
	b.mu.Lock()
	b.gathers = false
	batch := b.take()
	if len(batch) == 0 {
		b.leaders--
		b.appoint()
		b.mu.Unlock()
		return
	}
	b.underWay += len(batch)
	b.appoint()
	b.mu.Unlock()
	items := make([]T, len(batch))
	for i, e := range batch {
		items[i] = e.item
	}
	began := time.Now()
	answers, err := b.Send(context.WithoutCancel(ctx), items)

	b.mu.Lock()
	b.gather.answered = time.Now()
	took := b.gather.answered.Sub(began)
	b.gather.patience = min(took, max(took/patiencePart, shortPatience), mostPatience)
	lately := b.gather.expected
	b.gather.expected = min(b.part(), b.Max)
	if b.Ways > 1 { // else those who make their next items are the ones who are answered now, and counted
		b.gather.expected = max(b.gather.expected, lately-lately/16-1)
	}
	b.underWay -= len(batch)
	b.leaders--
	b.appoint()
	b.mu.Unlock()
	for i, e := range batch {
		if e.err = err; err == nil {
			e.answer = answers[i]
		}
		e.turn <- answered
	}
}

// awaitOthers gives those who were just answered a moment to come back. It ends as soon as they have.
func (b *Batcher[T, R]) awaitOthers() {
	b.mu.Lock()
	g := &b.gather
	before := len(b.waiting)
	if b.leaders > 1 || before >= g.expected || g.patience < leastPatience || time.Since(g.answered) > g.patience {
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
		g.vain = min(2*g.vain+1, vainPass)
		g.pass = g.vain
	} else {
		g.vain = 0
	}
}

// part is how many callers each of the ways would have.
func (b *Batcher[T, R]) part() int {
	ways := max(b.Ways, 1)
	return (b.underWay + len(b.waiting) + ways - 1) / ways
}

// take removes from the head of the line one way's part of all, those counted who are about to come back, or what fits into
// one batch of it, at least one entry.
func (b *Batcher[T, R]) take() []*entry[T, R] {
	weight, n := 0, 0
	for _, e := range b.waiting[:min(len(b.waiting), max(b.part(), b.gather.expected))] {
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
		b.leaders--
		b.gathers = false
		b.appoint()
	default:
	}
	return true
}

// awaitAnswer returns the answer to an item that is on its way: the one that is there, or that will be where callers stay.
func (b *Batcher[T, R]) awaitAnswer(ctx context.Context, e *entry[T, R]) (R, error) {
	if b.Stay {
		<-e.turn
		return e.answer, e.err
	}
	select {
	case <-e.turn:
		return e.answer, e.err
	default:
		var none R
		return none, errors.Join(ErrUnknown, context.Cause(ctx))
	}
}
