package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// settler carries out one request.
type settler struct {
	*Store
	c    *call
	errs []error
}

// batch is outcomes for one queue that go with one script.
type batch struct {
	queue  string
	args   []string
	places []int // in the request
}

// Settle implements [errand.Engine].
func (s *Store) Settle(ctx context.Context, req errand.SettleRequest) ([]error, error) {
	c, err := s.begin(ctx, req.Now, "settle")
	if err != nil {
		return nil, err
	}
	defer c.done()
	st := &settler{Store: s, c: c, errs: make([]error, len(req.Outcomes))}
	if err := st.settle(req.Outcomes); err != nil {
		return nil, s.fail(c, err)
	}
	return st.errs, nil
}

// settle sends outcomes by queue. Those that may fail jobs in other queues are not overtaken by such of another queue:
// which of two parents a child names as the one that failed it is then the same as on every store.
func (st *settler) settle(outcomes []errand.Outcome) error {
	var batches []*batch
	last := make(map[string]*batch)
	failing := ""
	text := make([]byte, 0, len(outcomes)*outcomeLen)
	for i := range outcomes {
		o := &outcomes[i]
		if !isOutcome(o.Event) {
			st.errs[i] = fmt.Errorf("settle job %s of queue %q: %w: %v is no outcome", o.ID, o.Queue, errand.ErrInvalid, o.Event)
			continue
		}
		key, ok := rawKeyOf(o.ID)
		if !ok {
			st.errs[i] = leaseLost("settle", o.ID, o.Queue)
			continue
		}
		if o.Event == errand.EventFailed || o.Event == errand.EventCanceled {
			if failing != "" && failing != o.Queue {
				if err := st.send(batches, outcomes); err != nil {
					return err
				}
				batches = nil
				clear(last)
			}
			failing = o.Queue
		}
		start := len(text)
		var err error
		if text, err = encodeOutcome(text, key, o, st.c.now); err != nil {
			st.errs[i] = fmt.Errorf("settle job %s of queue %q: %w: %w", o.ID, o.Queue, errand.ErrInvalid, err)
			continue
		}
		b := last[o.Queue]
		if b == nil || len(b.args) == chunk {
			n := min(len(outcomes)-i, chunk)
			b = &batch{queue: o.Queue, args: make([]string, 0, n), places: make([]int, 0, n)}
			batches = append(batches, b)
			last[o.Queue] = b
		}
		b.args = append(b.args, rueidis.BinaryString(text[start:]))
		b.places = append(b.places, i)
	}
	return st.send(batches, outcomes)
}

func isOutcome(e errand.Event) bool {
	_, ok := errand.Next(errand.StateStarted, e)
	return ok && e != errand.EventLost && e != errand.EventPoisoned
}

// send sends batches, and delivers what follows from them. A script that has left something to be done in other queues
// stops there; the rest is sent when that is done.
func (st *settler) send(batches []*batch, outcomes []errand.Outcome) error {
	for len(batches) > 0 {
		calls := make([]invocation, len(batches))
		for i, b := range batches {
			calls[i] = st.invoke(st.c, settleScript, b.queue, b.args...)
		}
		var again []*batch
		for i, result := range st.runAll(st.c.ctx, calls...) {
			b := batches[i]
			n, err := st.read(b, result, outcomes)
			if err != nil {
				return err
			}
			if n < len(b.args) {
				if n == 0 {
					return fmt.Errorf("%w: settle of %d jobs is not answered", errand.ErrCorrupt, len(b.args))
				}
				again = append(again, &batch{queue: b.queue, args: b.args[n:], places: b.places[n:]})
			}
		}
		batches = again
	}
	return nil
}

// read reads a reply, and returns how many outcomes it answers.
func (st *settler) read(b *batch, result rueidis.RedisResult, outcomes []errand.Outcome) (int, error) {
	reply, err := result.ToArray()
	if err != nil {
		return 0, err
	}
	answers, err := reply[0].ToString()
	if err != nil {
		return 0, err
	}
	for n := range min(len(answers), len(b.places)) {
		if answers[n] != '0' {
			o := &outcomes[b.places[n]]
			st.errs[b.places[n]] = leaseLost("settle", o.ID, o.Queue)
		}
	}
	if len(reply) > 1 {
		f := &family{Store: st.Store, c: st.c}
		for place := 1; place < len(reply); place++ {
			f.deliver(b.queue, result, place)
		}
	}
	return len(answers), nil
}

// outcomeLen is how many bytes most outcomes take at most.
const outcomeLen = 16 + 1 + 4

// encodeOutcome writes an outcome behind b, as settle.lua takes it.
func encodeOutcome(b []byte, key [16]byte, o *errand.Outcome, now int64) ([]byte, error) {
	record, err := encodeAttempt(o.Record)
	if err != nil {
		return b, err
	}
	var keepUntil int64
	if o.Keep > 0 {
		keepUntil = micros(micro(time.UnixMicro(now).Add(o.Keep)))
	}
	plain := o.Event == errand.EventSucceeded && keepUntil == 0 && record == ""
	b = append(b, key[:]...)
	if plain && o.Token == 1 {
		return b, nil // most are so
	}
	b = appendInt(append(b, byte(o.Event)), o.Token, 4)
	if plain {
		return b, nil
	}
	var unknown byte
	if o.Unknown {
		unknown = 1
	}
	b = append(b, unknown)
	b = appendInt(b, max(micros(micro(o.At)), 0), 7)
	b = appendInt(b, keepUntil, 7)
	b = appendInt(b, int64(len(record)), 4)
	b = append(append(b, record...), o.Result...)
	return b, nil
}
