package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// Move implements [errand.Inspector]. The jobs leave their queue in one step and enter the other in another, which
// maintenance does where the client dies in between.
func (s *Store) Move(ctx context.Context, cmd errand.Command, queue string) (errand.CommandReply, error) {
	c, err := s.begin(ctx, cmd.Now, "move to %q", queue)
	if err != nil {
		return errand.CommandReply{}, err
	}
	defer c.done()
	m := &mover{commander: &commander{family: &family{Store: s, c: c}, what: "move", cmd: &cmd}, to: queue}
	if len(cmd.IDs) > 0 {
		err = m.choose()
	} else {
		err = m.selectJobs()
	}
	if err == nil {
		err = m.move()
	}
	if err != nil {
		return errand.CommandReply{}, s.fail(c, err)
	}
	return m.reply, nil
}

// mover moves the jobs of one command.
type mover struct {
	*commander
	to string
}

// movable are the states of jobs that can be moved, as pack.lua takes them.
var movable = strings.Join([]string{
	itoa(int64(errand.StateScheduled)), itoa(int64(errand.StateQueued)), itoa(int64(errand.StateFailed)), itoa(int64(errand.StateCanceled)),
}, "")

func (m *mover) move() error {
	pieces := make(map[string][]string)
	taken, err := m.takenKeys()
	if err != nil {
		return err
	}
	for _, t := range m.chosen {
		if t.queue == m.to || t.living && taken[t.unique] {
			m.reply.Skipped++
			continue
		}
		if t.living && t.unique != "" {
			taken[t.unique] = true // by the first of those that have it, of several queues
		}
		pieces[t.queue] = append(pieces[t.queue], t.key)
	}
	for from, keys := range pieces {
		for piece := range slices.Chunk(keys, chunk) {
			args := append([]string{m.to, errand.NewID(), "", movable}, piece...)
			out, err := readParcel(from, m.runOn(m.c, packScript, from, args...))
			if err != nil || out == nil {
				return err
			}
			m.reply.Done += len(out.jobs)
			m.reply.Skipped += out.passed
			if len(out.jobs) == 0 {
				continue
			}
			if err := m.transfer(from, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// takenKeys says which of the jobs' unique keys living jobs of the other queue have.
func (m *mover) takenKeys() (map[string]bool, error) {
	taken := make(map[string]bool)
	var keys []string
	for _, t := range m.chosen {
		if t.unique != "" && t.living {
			keys = append(keys, t.unique)
		}
	}
	for piece := range slices.Chunk(keys, chunk) {
		answer, err := m.runOn(m.c, holdersScript, m.to, piece...).ToString()
		if err != nil || len(answer) != len(piece) {
			return nil, err
		}
		for i, key := range piece {
			taken[key] = taken[key] || answer[i] == '1'
		}
	}
	return taken, nil
}

// transfer brings a parcel to the other queue of this store, and forgets it.
func (f *family) transfer(from string, out *outParcel) error {
	if _, err := f.unpack(out.to, out.token, 1, f.c.now, out.jobs); err != nil {
		return err
	}
	return f.runOn(f.c, parcelScript, from, itoa(out.number), "1", "", "").Error()
}

// transferAgain goes on with a parcel that somebody has left.
func (f *family) transferAgain(from, number string) error {
	out, err := readParcel(from, f.runOn(f.c, parcelScript, from, number, "0"))
	if err != nil || out == nil {
		return err
	}
	return f.transfer(from, out)
}
