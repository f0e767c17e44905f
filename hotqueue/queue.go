package hotqueue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/batch"
	"github.com/errandhq/errand/internal/storeclock"
	"github.com/errandhq/errand/internal/wait"
)

// Queue is a named list of messages in a store, each a T. Make one with [New], share it between goroutines and keep it:
// concurrent calls through one Queue share round trips.
type Queue[T any] struct {
	name  string
	store errand.Store
	codec errand.Codec
	max   int // bytes of a message
	clock *storeclock.Clock
	err   error

	puts     *batch.Batcher[[][]byte, struct{}]
	producer string // under which the store knows this Queue's puts
	number   int64  // of its last put; only the one who sends touches it

	takes *batch.Batcher[struct{}, taken]
}

// New names a queue of messages. Nothing is created: a queue is there once it has had a message. The messages are JSON
// unless [WithCodec] says otherwise; in a Queue[any] numbers come out as [encoding/json.Number], so that big ones stay
// intact. A bad name or option, or a nil store, is reported by the first call that can.
func New[T any](st errand.Store, name string, opts ...Option) *Queue[T] {
	o := newOptions(opts)
	q := &Queue[T]{
		name: name, store: st, codec: o.codec, max: o.max, clock: storeclock.New(st), producer: errand.NewID(),
		err: first(errand.CheckName("queue", name), o.err),
	}
	if st == nil {
		q.err = first(q.err, invalid("hotqueue.New(%q): the store is nil", name))
	}
	q.puts = &batch.Batcher[[][]byte, struct{}]{Send: q.sendPuts, Weigh: weigh, Max: 4 << 20}
	q.takes = &batch.Batcher[struct{}, taken]{Send: q.sendTakes, Max: 1000}
	return q
}

// Name returns the queue's name.
func (q *Queue[T]) Name() string { return q.name }

// Put appends messages in order, all or none. When it returns nil they are in the store; when it returns an error they
// are not, unless the store was cut off at its work and could not say, or the error is [errand.ErrUnknownOutcome]: ctx
// ended meanwhile. A store that is unavailable is asked again a few times; asking again puts nothing twice.
func (q *Queue[T]) Put(ctx context.Context, messages ...T) error {
	if err := q.put(ctx, messages); err != nil {
		return fmt.Errorf("put to %q: %w", q.name, err)
	}
	return nil
}

func (q *Queue[T]) put(ctx context.Context, values []T) error {
	if err := q.check(ctx); err != nil {
		return err
	}
	if len(values) == 0 {
		return invalid("no message is given")
	}
	messages, err := q.encode(values)
	if err != nil {
		return err
	}
	_, err = q.puts.Do(ctx, messages)
	if errors.Is(err, batch.ErrUnknown) {
		return fmt.Errorf("%w: %w", errand.ErrUnknownOutcome, context.Cause(ctx))
	}
	return err
}

// Len returns how many messages wait.
func (q *Queue[T]) Len(ctx context.Context) (int64, error) {
	if err := q.check(ctx); err != nil {
		return 0, fmt.Errorf("length of %q: %w", q.name, err)
	}
	n, err := q.store.Len(ctx, q.name)
	if err != nil {
		return 0, fmt.Errorf("length of %q: %w", q.name, err)
	}
	return n, nil
}

// Clear removes every message that waits and returns how many there were.
func (q *Queue[T]) Clear(ctx context.Context) (int64, error) {
	if err := q.check(ctx); err != nil {
		return 0, fmt.Errorf("clear %q: %w", q.name, err)
	}
	now, err := q.clock.Now(ctx)
	if err != nil {
		return 0, fmt.Errorf("clear %q: %w", q.name, err)
	}
	n, err := q.store.Clear(ctx, now, q.name)
	if err != nil {
		return 0, fmt.Errorf("clear %q: %w", q.name, err)
	}
	return n, nil
}

// check reports what keeps a call from being made at all.
func (q *Queue[T]) check(ctx context.Context) error {
	if ctx == nil {
		return invalid("the context is nil: use context.Background()")
	}
	return first(q.err, context.Cause(ctx))
}

// weigh is what a put counts towards the size of a round trip: its bytes, and a little for each message.
func weigh(messages [][]byte) int {
	weight := 64 * len(messages)
	for _, m := range messages {
		weight += len(m)
	}
	return weight
}

// The patience of a put with a store that is not available: a web request waits for it.
const (
	putTries   = 4
	putPause   = 20 * time.Millisecond // before the second try, then four times as long each
	putTimeout = 30 * time.Second
)

// sendPuts is one shared round trip. The number lets the store see that a repeated request is one it has carried out.
func (q *Queue[T]) sendPuts(ctx context.Context, groups [][][]byte) ([]struct{}, error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	now, err := q.clock.Now(ctx)
	if err != nil {
		return nil, err
	}
	messages := groups[0]
	for _, group := range groups[1:] {
		messages = append(messages, group...)
	}
	q.number++
	req := errand.PutRequest{Now: now, Queue: q.name, Producer: q.producer, Number: q.number, Messages: messages}
	for try := range putTries {
		if try > 0 && wait.For(ctx, wait.Backoff(2*try, putPause, pauseMax)) != nil {
			break
		}
		if err = q.store.Put(ctx, req); err == nil || !errors.Is(err, errand.ErrUnavailable) {
			break
		}
	}
	return make([]struct{}, len(groups)), unanswered(ctx, putTimeout, err)
}

// unanswered says of an error that it was this package's patience that ended, not the caller's.
func unanswered(ctx context.Context, timeout time.Duration, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: no answer within %v: %w", errand.ErrUnavailable, timeout, err)
	}
	return err
}

// The pauses after errors of the store, where a loop goes on.
const (
	pauseMin = 50 * time.Millisecond
	pauseMax = 5 * time.Second
)

// backoff is how long to wait after the given try has failed.
func backoff(try int) time.Duration { return wait.Backoff(try, pauseMin, pauseMax) }
