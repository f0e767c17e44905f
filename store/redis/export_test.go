package redis

import (
	"context"
	"time"

	"github.com/errandhq/errand"
)

// SettleAndDie is what a process does of a Settle that is killed when its script is done, and before what follows from
// it for other queues is.
func (s *Store) SettleAndDie(ctx context.Context, now time.Time, o errand.Outcome) error {
	c, err := s.begin(ctx, now, "settle")
	if err != nil {
		return err
	}
	defer c.done()
	key, _ := rawKeyOf(o.ID)
	text, err := encodeOutcome(nil, key, &o, c.now)
	if err != nil {
		return err
	}
	return s.runOn(c, settleScript, o.Queue, string(text)).Error()
}

// Many sets how many jobs that come together are many: their records go into slices, and claims leave them as they are.
func Many(s *Store, n int) { s.many = n }

// Span sets how many queued jobs are in one sorted set, about.
func Span(s *Store, n int) { s.span = n }

// DamageOptions puts bytes that are no options into a record of a job that has none.
func DamageOptions(record string) string {
	in := &reader{rest: record}
	in.bytes(headerLen)
	in.bytes(int(in.int(1))) // the task
	in.int(8)                // when it was enqueued
	at := len(record) - len(in.rest)
	if in.int(4) != 0 || in.short {
		panic("the record has options")
	}
	return record[:at] + string(appendInt(nil, 4, 4)) + `{"re` + record[at+4:]
}

// MoveHalf is a client that dies while it moves a job: when the job has left its queue or, with arrived, when it is in
// the other one.
func MoveHalf(ctx context.Context, s *Store, now time.Time, from, to, id string, arrived bool) error {
	c, err := s.begin(ctx, now, "move")
	if err != nil {
		return err
	}
	defer c.done()
	key, _ := keyOf(id)
	f := &family{Store: s, c: c}
	out, err := readParcel(from, f.runOn(c, packScript, from, to, errand.NewID(), "", movable, key))
	if err != nil || !arrived {
		return err
	}
	_, err = f.unpack(to, out.token, 1, c.now, out.jobs)
	return err
}
