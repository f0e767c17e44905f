package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// Jobs that leave a queue, for another store or another queue of this one, are kept in a parcel of the queue that they
// leave, until they are known to be in the other place.

const parcelBytes = 2 << 20 // roughly, at which a parcel is full; it has one job or message at least

// carried is a job in a parcel.
type carried struct {
	rec      *record
	holds    bool
	until    int64
	expires  int64
	family   string   // its order among children, and because of whom it failed
	waiting  []string // the jobs that it waits for
	children []string // as kids has them, in pairs; not of jobs for another store
}

func (s *Store) identityKey() string { return "{" + s.prefix + "}:identity" }

// Identity implements [errand.Carrier].
func (s *Store) Identity(ctx context.Context) (string, error) {
	c, err := s.begin(ctx, time.Time{}, "identity")
	if err != nil {
		return "", err
	}
	defer c.done()
	key := s.identityKey()
	if err := s.client.Do(c.ctx, s.client.B().Hsetnx().Key(key).Field("name").Value(errand.NewID()).Build()).Error(); err != nil {
		return "", s.fail(c, err)
	}
	name, err := s.client.Do(c.ctx, s.client.B().Hget().Key(key).Field("name").Build()).ToString()
	return name, s.fail(c, err)
}

// Pack implements [errand.Carrier].
func (s *Store) Pack(ctx context.Context, req errand.PackRequest) (errand.Parcel, error) {
	c, err := s.begin(ctx, req.Now, "pack jobs of %q", req.Queue)
	if err != nil {
		return errand.Parcel{}, err
	}
	defer c.done()
	parcel, err := (&packer{family: &family{Store: s, c: c}, req: &req}).pack()
	if err != nil {
		return errand.Parcel{}, s.fail(c, err)
	}
	return parcel, nil
}

// packer makes one parcel for another store.
type packer struct {
	*family
	req *errand.PackRequest
}

func (p *packer) pack() (errand.Parcel, error) {
	parcel, err := p.take(nil)
	if err != nil || parcel.Token != "" || p.req.Limit <= 0 {
		parcel.Next = p.req.Cursor
		return parcel, err
	}
	if p.req.State == errand.StateStarted || p.req.State == 0 {
		return parcel, fmt.Errorf("%w: jobs that are %v cannot be packed", errand.ErrInvalid, p.req.State)
	}
	filter := errand.JobFilter{Queue: p.req.Queue, State: p.req.State, Limit: min(p.req.Limit, chunk), Cursor: p.req.Cursor}
	found, next, err := (&lister{Store: p.Store, c: p.c}).page(&filter)
	if err != nil {
		return parcel, err
	}
	size := 0
	for i, rec := range found {
		if size += weightOf(&rec.job); size >= parcelBytes && i < len(found)-1 {
			found, next = found[:i+1], cursorOf(rec).text()
			break
		}
	}
	keys, err := p.free(found)
	if err != nil {
		return parcel, err
	}
	passed := len(found) - len(keys)
	if len(keys) > 0 {
		if parcel, err = p.take(keys); err != nil {
			return parcel, err
		}
	}
	parcel.Queue, parcel.Next = p.req.Queue, next
	parcel.Passed += passed
	return parcel, nil
}

// weightOf is about how many bytes a job has.
func weightOf(job *errand.Job) int {
	size := 200 + len(job.Payload) + len(job.Result)
	for i := range job.Attempts {
		rec := &job.Attempts[i]
		size += 100 + len(rec.Error) + len(rec.Stack)
		for _, line := range rec.Log {
			size += len(line)
		}
	}
	return size
}

// free returns the keys of those jobs that wait for none, and failed because of none, that is in the store.
func (p *packer) free(found []*record) ([]string, error) {
	var tied []string
	for _, rec := range found {
		if rec.flags&flagParents != 0 {
			tied = append(tied, rec.key)
		}
	}
	parents := make(map[string]string) // by job, their keys in a row
	if len(tied) > 0 {
		rows, err := p.runOn(p.c, tiesScript, p.req.Queue, tied...).AsStrSlice()
		if err != nil {
			return nil, err
		}
		for i, row := range rows {
			parents[tied[i]] = row
		}
	}
	var all []string
	for _, key := range tied {
		for chars := range slices.Chunk([]byte(parents[key]), 16) {
			all = append(all, string(chars))
		}
	}
	here := make(known)
	for piece := range slices.Chunk(all, chunk) {
		states, err := p.whereabouts(piece)
		if err != nil {
			return nil, err
		}
		for key := range states {
			here[key] = 'L'
		}
	}
	var keys []string
	for _, rec := range found {
		waits := slices.ContainsFunc(slices.Collect(slices.Chunk([]byte(parents[rec.key]), 16)), func(key []byte) bool {
			_, in := here[string(key)]
			return in
		})
		if !waits {
			keys = append(keys, rec.key)
		}
	}
	return keys, nil
}

// whereabouts returns those of the jobs that are in any queue.
func (p *packer) whereabouts(keys []string) (known, error) {
	names, err := p.queues()
	if err != nil {
		return nil, err
	}
	calls := make([]invocation, len(names))
	for i, name := range names {
		calls[i] = p.invoke(p.c, getScript, name, append([]string{"state"}, keys...)...)
	}
	here := make(known)
	for _, result := range p.runAll(p.c.ctx, calls...) {
		states, err := result.AsStrSlice()
		if err != nil {
			return nil, err
		}
		for n, state := range states {
			if state != "-" {
				here[keys[n]] = state[0]
			}
		}
	}
	return here, nil
}

// take takes jobs out of the queue; without keys it only looks for a parcel that was not delivered.
func (p *packer) take(keys []string) (errand.Parcel, error) {
	args := append([]string{p.req.To, p.req.Token, itoa(p.req.Number), itoa(int64(p.req.State))}, keys...)
	out, err := readParcel(p.req.Queue, p.runOn(p.c, packScript, p.req.Queue, args...))
	parcel := errand.Parcel{Queue: p.req.Queue}
	if err != nil || out == nil {
		return parcel, err
	}
	parcel.Passed = out.passed
	if len(out.jobs) == 0 {
		return parcel, nil
	}
	if out.to != p.req.To {
		return errand.Parcel{}, errand.ErrMoveUnderWay
	}
	if len(keys) == 0 {
		parcel.Passed = 0
	}
	parcel.To, parcel.Token, parcel.Number = out.to, out.token, out.number
	for _, one := range out.jobs {
		parcel.Jobs = append(parcel.Jobs, one.packed(p.req.Now))
	}
	return parcel, nil
}

// packed is the job as other stores know it.
func (one *carried) packed(now time.Time) errand.PackedJob {
	rec := one.rec
	p := errand.PackedJob{
		Job: rec.job, Parent: rec.flags&flagChildren != 0, ExpiresAt: timeOf(one.expires),
		HoldsKey: one.holds && !rec.job.State.Final(), KeyUntil: timeOf(one.until),
	}
	if rec.broken != nil && !rec.job.State.Final() { // it would fail when it is claimed
		p.Job.State, p.Job.EndedAt = errand.StateFailed, micro(now)
	}
	if p.Job.State == errand.StateDeferred {
		for _, key := range one.waiting {
			p.WaitsFor = append(p.WaitsFor, idOf(key))
		}
	}
	if p.Job.State == errand.StateFailed && len(one.family) >= 23 {
		p.FailedBy = idOf(one.family[7:23])
	}
	return p
}

// outParcel is a parcel as the scripts have it.
type outParcel struct {
	to, token string
	number    int64
	jobs      []*carried
	passed    int
}

// readParcel reads the reply of pack or parcel; nil for none.
func readParcel(queue string, result rueidis.RedisResult) (*outParcel, error) {
	parts, err := result.ToArray()
	if err != nil || len(parts) != 5 {
		return nil, err
	}
	var out outParcel
	if out.to, err = parts[0].ToString(); err != nil {
		return nil, err
	}
	if out.token, err = parts[1].ToString(); err != nil {
		return nil, err
	}
	if out.number, err = parts[2].AsInt64(); err != nil {
		return nil, err
	}
	items, err := parts[3].ToArray()
	if err != nil {
		return nil, err
	}
	for _, m := range items {
		one, err := readCarried(queue, m)
		if err != nil {
			return nil, err
		}
		out.jobs = append(out.jobs, one)
	}
	passed, err := parts[4].AsInt64()
	out.passed = int(passed)
	return &out, err
}

func readCarried(queue string, m rueidis.RedisMessage) (*carried, error) {
	parts, err := m.ToArray()
	if err != nil || len(parts) != 6 {
		return nil, fmt.Errorf("%w: a job in a parcel has %d parts: %w", errand.ErrCorrupt, len(parts), err)
	}
	var one carried
	if one.rec, err = decode(queue, parts[0]); err != nil || one.rec == nil {
		return nil, fmt.Errorf("%w: a job in a parcel cannot be read: %w", errand.ErrCorrupt, err)
	}
	var texts [3]string
	for i := range texts {
		if texts[i], err = parts[1+i].ToString(); err != nil {
			return nil, err
		}
	}
	until, err := strconv.ParseInt(texts[0], 10, 64)
	if err != nil {
		return nil, err
	}
	expires, err := strconv.ParseFloat(texts[1], 64)
	if err != nil {
		return nil, err
	}
	one.holds, one.until, one.expires, one.family = until >= 0, max(until, 0), int64(expires), texts[2]
	if one.waiting, err = parts[4].AsStrSlice(); err != nil {
		return nil, err
	}
	one.children, err = parts[5].AsStrSlice()
	return &one, err
}

// Delivered implements [errand.Carrier].
func (s *Store) Delivered(ctx context.Context, parcel *errand.Parcel) error {
	c, err := s.begin(ctx, time.Time{}, "parcel of %q", parcel.Queue)
	if err != nil {
		return err
	}
	defer c.done()
	if len(parcel.Messages) > 0 {
		return s.fail(c, s.runAll(c.ctx, s.invokeKey(c, sentScript, s.messagesKey(parcel.Queue), parcel.Token, itoa(parcel.Number)))[0].Error())
	}
	return s.fail(c, s.runOn(c, parcelScript, parcel.Queue, "out", "1", parcel.Token, itoa(parcel.Number)).Error())
}

// PackMessages implements [errand.Carrier].
func (s *Store) PackMessages(ctx context.Context, req errand.PackRequest) (errand.Parcel, error) {
	c, err := s.begin(ctx, req.Now, "pack messages of %q", req.Queue)
	if err != nil {
		return errand.Parcel{}, err
	}
	defer c.done()
	parcel := errand.Parcel{Queue: req.Queue}
	reply, err := s.runAll(c.ctx, s.invokeKey(c, packMessagesScript, s.messagesKey(req.Queue),
		req.To, req.Token, itoa(req.Number), itoa(min(req.Limit, largestPage)), itoa(parcelBytes)))[0].ToArray()
	if err != nil || len(reply) != 4 {
		return parcel, s.fail(c, err)
	}
	if parcel.To, err = reply[0].ToString(); err != nil {
		return errand.Parcel{}, s.fail(c, err)
	}
	if parcel.To != req.To {
		return errand.Parcel{}, s.fail(c, errand.ErrMoveUnderWay)
	}
	if parcel.Token, err = reply[1].ToString(); err != nil {
		return errand.Parcel{}, s.fail(c, err)
	}
	if parcel.Number, err = reply[2].AsInt64(); err != nil {
		return errand.Parcel{}, s.fail(c, err)
	}
	messages, err := reply[3].AsStrSlice()
	for _, message := range messages {
		parcel.Messages = append(parcel.Messages, []byte(message))
	}
	return parcel, s.fail(c, err)
}
