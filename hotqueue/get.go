package hotqueue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wait"
)

// Get takes the next message. When there is none it waits for one: until ctx ends, or as long as [Wait] or [NoWait]
// allows; then it returns [ErrEmpty]. A message that does not decode is a [*DecodeError].
//
// A Get whose ctx ends while the store is at work waits for the store's answer, seconds at most, so that what the store
// gives is not lost. An error of the store is not followed by another try: what was taken may be lost then.
func (q *Queue[T]) Get(ctx context.Context, opts ...GetOption) (T, error) {
	g := getter[T]{queue: q, patience: patience(opts)}
	defer g.close()
	value, err := g.next(ctx)
	if err != nil {
		return value, fmt.Errorf("get from %q: %w", q.name, err)
	}
	return value, nil
}

// Consume returns an iterator that takes message after message, waiting for more, until ctx ends; with [Wait] or
// [NoWait], until no message has come for that long. It ends without an error then.
//
// A message that does not decode is yielded as a [*DecodeError], and an error of the store as it is, and the loop goes
// on, after an error of the store with a pause; only what cannot get better (a closed store, a bad setting) ends it.
// Messages are taken one at a time, so that leaving the loop loses none.
func (q *Queue[T]) Consume(ctx context.Context, opts ...GetOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		g := getter[T]{queue: q, patience: patience(opts)}
		defer g.close()
		for failures := 0; ; {
			value, err := g.next(ctx)
			var undecodable *DecodeError
			switch {
			case err == nil, errors.As(err, &undecodable):
				failures = 0
			case errors.Is(err, ErrEmpty):
				return
			case errors.Is(err, errand.ErrInvalid), errors.Is(err, errand.ErrClosed):
				yield(value, fmt.Errorf("consume %q: %w", q.name, err))
				return
			case errors.Is(err, context.Cause(ctx)):
				return
			default:
				failures++
				err = fmt.Errorf("consume %q: %w", q.name, err)
			}
			if !yield(value, err) {
				return
			}
			if failures > 0 && wait.For(ctx, backoff(failures-1)) != nil {
				return
			}
		}
	}
}

// How often an empty queue is looked at: where the store wakes nobody, and as a safety net where it does.
const (
	pollFirst    = 5 * time.Millisecond
	pollMax      = time.Second
	pollNotified = 5 * time.Second
)

// listener waits for messages of a queue. It subscribes when it is first used, so that who finds a message at once need
// not. The zero value with a store and a queue is ready; close it after use.
type listener struct {
	store  errand.Store
	queue  string
	waiter wait.Waiter
	ready  bool
	cancel func()
}

// wait returns nil when it is time to look, else the cause of ctx's end. What came before the first wait wakes nobody,
// so the first returns at once.
func (l *listener) wait(ctx context.Context) error {
	if l.ready {
		return l.waiter.Wait(ctx)
	}
	l.ready = true
	l.waiter = wait.Waiter{First: pollFirst, Max: pollMax}
	if n, ok := l.store.(errand.Notifier); ok {
		l.waiter.Wake, l.cancel = n.Subscribe(errand.MessageTopic(l.queue))
		l.waiter.Max = pollNotified
	}
	return context.Cause(ctx)
}

func (l *listener) close() {
	if l.cancel != nil {
		l.cancel()
	}
}

// getter takes messages for one Get or one Consume.
type getter[T any] struct {
	queue    *Queue[T]
	patience GetOption
	listener listener
}

func (g *getter[T]) close() { g.listener.close() }

// next takes the next message, and waits for it as long as may be.
func (g *getter[T]) next(ctx context.Context) (value T, err error) {
	q := g.queue
	if err := first(q.check(ctx), g.patience.err); err != nil {
		return value, err
	}
	g.listener.store, g.listener.queue = q.store, q.name
	g.listener.waiter.Reset()
	waiting := ctx
	if g.patience.wait > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, g.patience.wait)
		defer cancel()
	}
	for last := g.patience.limited && g.patience.wait == 0; ; {
		got, err := q.take(ctx)
		switch {
		case err != nil:
			return value, err
		case got.ok:
			return q.decode(got.message)
		case last:
			return value, ErrEmpty
		}
		if g.listener.wait(waiting) != nil {
			last = true // one more look; should ctx itself have ended, it says so
		}
	}
}

// taken is what one taker got: a message, or none where the queue was empty.
type taken struct {
	message []byte
	ok      bool
}

// takeTimeout bounds a request that takes messages. Nothing else ends one: what it takes would be lost.
const takeTimeout = 10 * time.Second

// take removes the next message, together with others who ask at the same time.
func (q *Queue[T]) take(ctx context.Context) (taken, error) {
	if err := context.Cause(ctx); err != nil {
		return taken{}, err
	}
	return q.takes.Do(context.WithoutCancel(ctx), struct{}{})
}

// sendTakes is one shared round trip: one message for each who asks, as far as they go.
func (q *Queue[T]) sendTakes(ctx context.Context, askers []struct{}) ([]taken, error) {
	messages, err := q.pop(ctx, len(askers))
	answers := make([]taken, len(askers))
	for i := range min(len(messages), len(answers)) {
		answers[i] = taken{messages[i], true}
	}
	return answers, err
}

// pop asks the store for up to limit messages, once.
func (q *Queue[T]) pop(ctx context.Context, limit int) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeTimeout)
	defer cancel()
	now, err := q.clock.Now(ctx)
	if err != nil {
		return nil, err
	}
	messages, err := q.store.Pop(ctx, now, q.name, limit)
	return messages, unanswered(ctx, takeTimeout, err)
}
