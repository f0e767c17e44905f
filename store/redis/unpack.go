package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// Unpack implements [errand.Carrier].
func (s *Store) Unpack(ctx context.Context, now time.Time, parcel *errand.Parcel) (errand.UnpackReply, error) {
	c, err := s.begin(ctx, now, "unpack jobs of %q", parcel.Queue)
	if err != nil {
		return errand.UnpackReply{}, err
	}
	defer c.done()
	f := &family{Store: s, c: c}
	jobs := make([]*carried, len(parcel.Jobs))
	order, children := int64(0), int64(0)
	for i := range parcel.Jobs {
		p := &parcel.Jobs[i]
		key, ok := keyOf(p.Job.ID)
		if !ok {
			return errand.UnpackReply{}, fmt.Errorf("%s: %w: job id %.100q", c.op, errand.ErrInvalid, p.Job.ID)
		}
		jobs[i] = carry(p, key)
		if len(p.Job.DependsOn) > 0 {
			children++
		}
	}
	if children > 0 {
		if order, err = s.client.Do(c.ctx, s.client.B().Incrby().Key(s.orderKey()).Increment(children).Build()).AsInt64(); err != nil {
			return errand.UnpackReply{}, s.fail(c, err)
		}
		order -= children
		for i := range parcel.Jobs {
			if len(parcel.Jobs[i].Job.DependsOn) > 0 {
				order++
				jobs[i].family = familyOf(order, parcel.Jobs[i].FailedBy)
			}
		}
	}
	conflicts, err := f.unpack(parcel.Queue, parcel.Token, parcel.Number, micros(micro(now.Add(errand.RememberParcels))), jobs)
	if err != nil {
		return errand.UnpackReply{}, s.fail(c, err)
	}
	return errand.UnpackReply{Conflicts: conflicts}, nil
}

// carry is the reverse of packed, but for what has to do with other jobs.
func carry(p *errand.PackedJob, key string) *carried {
	rec := &record{key: key, job: p.Job}
	if p.Parent {
		rec.flags |= flagChildren
	}
	one := &carried{rec: rec, holds: p.HoldsKey, until: micros(p.KeyUntil), expires: micros(p.ExpiresAt)}
	for _, id := range p.WaitsFor {
		if key, ok := keyOf(id); ok {
			one.waiting = append(one.waiting, key)
		}
	}
	return one
}

// familyOf is a job's entry in family: its order, and because of whom it failed, by the registration 0.
func familyOf(order int64, failedBy string) string {
	entry := string(appendInt(nil, order, 7))
	if parent, ok := keyOf(failedBy); ok {
		entry += parent + string(appendInt(nil, 0, 7))
	}
	return entry
}

// unpack takes in the jobs of a parcel, and has those on whom they depend know them.
func (f *family) unpack(queue, token string, number, remember int64, jobs []*carried) (conflicts int, err error) {
	if err := f.list(f.c, f.queuesKey(), queue); err != nil {
		return 0, err
	}
	args := []string{token, itoa(number), itoa(remember)}
	for _, one := range jobs {
		text, err := one.encode()
		if err != nil {
			return 0, fmt.Errorf("%w: job %s: %w", errand.ErrInvalid, one.rec.job.ID, err)
		}
		args = append(args, text)
	}
	reply, err := f.runOn(f.c, unpackScript, queue, args...).AsIntSlice()
	if err != nil || len(reply) != 2 {
		return 0, err
	}
	if reply[0] == 1 {
		if err := f.listAgain(f.c, f.queuesKey(), queue); err != nil {
			return 0, err
		}
	}
	return int(reply[1]), f.reunite(queue, jobs)
}

// reunite has the jobs that carried ones wait for, or failed because of, know them. It may be repeated.
func (f *family) reunite(queue string, jobs []*carried) error {
	for _, one := range jobs {
		in := &reader{rest: one.family}
		order := in.int(7)
		if one.rec.job.State == errand.StateDeferred && len(one.waiting) > 0 {
			f.attach(registration{queue: queue, key: one.rec.key, order: order}, one.waiting, nil)
			continue
		}
		if one.rec.job.State != errand.StateFailed || len(one.family) < 30 {
			continue
		}
		parent := in.bytes(16)
		gen := in.int(7)
		names, err := f.queues()
		if err != nil {
			return err
		}
		calls := make([]invocation, len(names))
		for i, name := range names {
			calls[i] = f.invoke(f.c, registerScript, name, one.rec.key, queue, itoa(order), itoa(gen), parent)
		}
		if err := firstError(f.runAll(f.c.ctx, calls...)); err != nil {
			return err
		}
	}
	return nil
}

// encode is a job of a parcel as unpack.lua takes it.
func (one *carried) encode() (string, error) {
	rec := one.rec
	until := int64(0)
	if one.holds {
		until = one.until + 1
	}
	b := append([]byte(nil), rec.key...)
	b = appendInt(appendInt(b, until, 7), one.expires, 7)
	part := func(text string) { b = append(appendInt(b, int64(len(text)), 4), text...) }
	raw, beside, err := rec.encode()
	if err != nil {
		return "", err
	}
	part(raw)
	part(one.family)
	part(beside.progress)
	part(beside.result)
	for _, list := range [][]string{beside.history, one.waiting, one.children} {
		b = appendInt(b, int64(len(list)), 4)
		for _, text := range list {
			part(text)
		}
	}
	return rueidis.BinaryString(b), nil
}
