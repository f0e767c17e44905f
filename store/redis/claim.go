package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// A claim goes to each of its queues, also when the first had enough jobs: each notes its number, so that a repeated one is
// known everywhere. One for more than a chunk goes in parts, which have numbers of their own.
const partsOfClaim = 64

// manyJobs is how many jobs one claim finds together before it leaves their records as they are: to note the claim itself
// costs as much as a few records.
const manyJobs = 16

// jobsOfSpan is about how many queued jobs are in one sorted set, see spans.lua: three fourths of a power of two, since the table of
// one that has outgrown 65,536 is in its new place by then.
const jobsOfSpan = 98_304

// claimer carries out one claim.
type claimer struct {
	*Store
	c     *call
	req   *errand.ClaimRequest
	reply errand.ClaimReply
	left  int
	lease time.Time // until when
	blocks
}

// Claim implements [errand.Engine].
func (s *Store) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	c, err := s.begin(ctx, req.Now, "claim from %q", req.Queues)
	if err != nil {
		return errand.ClaimReply{}, err
	}
	defer c.done()
	cl := &claimer{Store: s, c: c, req: &req, left: max(req.Limit, 0), lease: micro(time.UnixMicro(c.now).Add(req.Lease))}
	queues := make([]string, 0, len(req.Queues))
	for _, name := range req.Queues {
		if !slices.Contains(queues, name) {
			queues = append(queues, name)
		}
	}
	for len(queues) > 0 && err == nil {
		if cl.left > 0 {
			err = cl.from(queues[0])
			queues = queues[1:]
			continue
		}
		err = cl.pass(queues)
		queues = nil
	}
	if err != nil {
		return errand.ClaimReply{}, s.fail(c, err)
	}
	return cl.reply, nil
}

func (cl *claimer) invocation(queue string, part, limit int) invocation {
	req := cl.req
	number, last := req.Number, "0"
	if number > 0 {
		number = number*partsOfClaim + int64(part)
	}
	if req.LastChance {
		last = "1"
	}
	return cl.invoke(cl.c, claimScript, queue,
		req.Worker, itoa(number), itoa(limit), itoa(micros(cl.lease)), itoa(req.MaxRecoveries), last, req.Claimant(),
		itoa(cl.many), itoa(partsOfClaim))
}

// pass notes the claim in queues from which nothing is wanted any more.
func (cl *claimer) pass(queues []string) error {
	calls := make([]invocation, len(queues))
	for i, queue := range queues {
		calls[i] = cl.invocation(queue, 0, 0)
	}
	for i, result := range cl.runAll(cl.c.ctx, calls...) {
		what, _, err := cl.take(queues[i], result)
		if err == nil && what != "claimed" {
			err = cl.rest(queues[i], what)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rest goes on with a queue that has more due jobs, or where the claim is a repeated one.
func (cl *claimer) rest(queue, what string) error {
	if what == "repeated" {
		return cl.held(queue)
	}
	return cl.from(queue)
}

// from claims from one queue.
func (cl *claimer) from(queue string) error {
	for part := 0; part < partsOfClaim; {
		limit := min(cl.left, chunk)
		result := cl.runAll(cl.c.ctx, cl.invocation(queue, part, limit))[0]
		what, n, err := cl.take(queue, result)
		switch {
		case err != nil:
			return err
		case what == "repeated" && part == 0:
			return cl.held(queue)
		case what == "again":
			continue
		}
		part++
		if n < limit || cl.left == 0 {
			break
		}
	}
	return nil
}

// take reads a reply, and counts the jobs in it.
func (cl *claimer) take(queue string, result rueidis.RedisResult) (what string, n int, err error) {
	parts, err := result.ToArray()
	if err != nil {
		return "", 0, err
	}
	if what, err = parts[0].ToString(); err != nil {
		return "", 0, err
	}
	due, err := parts[1].ToString()
	if err != nil {
		return "", 0, err
	}
	if due != "" && what != "again" {
		us, err := strconv.ParseInt(due, 10, 64)
		if err != nil {
			return "", 0, fmt.Errorf("%w: due time %q: %w", errand.ErrCorrupt, due, err)
		}
		if at := timeOf(us); cl.reply.NextDue.IsZero() || at.Before(cl.reply.NextDue) {
			cl.reply.NextDue = at
		}
	}
	for i := 2; i+1 < len(parts); i += 2 {
		taken, err := cl.takeList(queue, parts[i], parts[i+1])
		if err != nil {
			return "", 0, err
		}
		n += taken
	}
	return what, n, nil
}

// takeList reads ids and the records beside them.
func (cl *claimer) takeList(queue string, idList, recordList rueidis.RedisMessage) (n int, err error) {
	records, err := recordList.ToArray()
	if err != nil {
		return 0, err
	}
	keys, err := readKeys(idList, len(records))
	if err != nil {
		return 0, err
	}
	cl.reply.Jobs = slices.Grow(cl.reply.Jobs, len(records))
	for i := range records {
		if records[i].IsNil() {
			continue // passed over
		}
		rec, err := cl.decode(queue, keys(i), records[i], len(records)-i)
		if err != nil {
			return 0, err
		}
		cl.carryOn(rec)
		n++
		if rec.job.Recoveries >= cl.req.MaxRecoveries {
			cl.req.LastChance = false
		}
		if rec.broken != nil {
			cl.fail(rec)
			continue
		}
		cl.left--
		cl.reply.Jobs = append(cl.reply.Jobs, &rec.job)
	}
	return n, nil
}

// readKeys reads n ids, which are in a row or in a list.
func readKeys(m rueidis.RedisMessage, n int) (func(i int) string, error) {
	if m.IsArray() {
		list, err := m.AsStrSlice()
		if err == nil && len(list) != n {
			err = fmt.Errorf("%w: %d ids of %d records", errand.ErrCorrupt, len(list), n)
		}
		return func(i int) string { return list[i] }, err
	}
	row, err := m.ToString()
	if err == nil && len(row) != 16*n {
		err = fmt.Errorf("%w: %d bytes of ids of %d records", errand.ErrCorrupt, len(row), n)
	}
	return func(i int) string { return row[16*i : 16*i+16] }, err
}

// carryOn makes of a record as it was before the claim what the script has made of it.
func (cl *claimer) carryOn(rec *record) {
	j := &rec.job
	j.State, j.Token, j.Attempt = errand.StateStarted, j.Token+1, j.Attempt+1
	j.StartedAt, j.LeaseUntil, j.EndedAt = timeOf(cl.c.now), cl.lease, time.Time{}
	j.Worker, j.Progress = cl.req.Worker, nil
}

// decode reads a job of a claim's reply: its record, or this with what is beside it; left is how many are still to be read.
func (cl *claimer) decode(queue, key string, m rueidis.RedisMessage, left int) (*record, error) {
	if m.IsArray() {
		return decode(queue, m)
	}
	raw, err := m.ToString()
	if err != nil {
		return nil, err
	}
	if len(key) != 16 {
		return parse(queue, key, raw), nil
	}
	rec := cl.next(key, left)
	rec.parse(queue, raw)
	return rec, nil
}

// fail ends a job that cannot be read. Where that goes wrong its lease runs out, and the next claim does it.
func (cl *claimer) fail(rec *record) {
	o := errand.Outcome{ID: rec.job.ID, Queue: rec.job.Queue, Token: rec.job.Token, Event: errand.EventFailed}
	st := &settler{Store: cl.Store, c: cl.c, errs: make([]error, 1)}
	_ = st.settle([]errand.Outcome{o})
}

// held returns the jobs of a repeated claim that the worker still has.
func (cl *claimer) held(queue string) error {
	var held []*record
	l := &lister{Store: cl.Store, c: cl.c}
	err := l.walk(queue, errand.StateStarted, false, nil, func(rec *record) bool {
		if rec.job.Worker == cl.req.Worker && rec.claim/partsOfClaim == cl.req.Number {
			held = append(held, rec)
		}
		return true
	})
	slices.SortFunc(held, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.claim, b.claim), -cmp.Compare(a.job.Priority, b.job.Priority),
			a.job.ReadyAt.Compare(b.job.ReadyAt), cmp.Compare(a.seq, b.seq))
	})
	for _, rec := range held {
		cl.left--
		cl.reply.Jobs = append(cl.reply.Jobs, &rec.job)
	}
	cl.left = max(cl.left, 0)
	return err
}

// Renew implements [errand.Engine].
func (s *Store) Renew(ctx context.Context, req errand.RenewRequest) ([]error, error) {
	c, err := s.begin(ctx, req.Now, "renew")
	if err != nil {
		return nil, err
	}
	defer c.done()
	lease := itoa(micros(micro(time.UnixMicro(c.now).Add(req.Lease))))
	return s.answer(c, renewScript, []string{lease}, len(req.Leases), func(i int) (errand.Lease, string) {
		return req.Leases[i], ""
	})
}

// answer calls a script about leases, in chunks by queue, and returns its answer to each.
func (s *Store) answer(
	c *call, sc *script, first []string, n int, item func(int) (errand.Lease, string),
) ([]error, error) {
	errs := make([]error, n)
	type piece struct {
		args   []string
		places []int
	}
	var queues []string
	pieces := make(map[string][]*piece)
	for i := range n {
		lease, text := item(i)
		key, ok := keyOf(lease.ID)
		if !ok {
			errs[i] = leaseLost(c.op, lease.ID, lease.Queue)
			continue
		}
		list := pieces[lease.Queue]
		if list == nil {
			queues = append(queues, lease.Queue)
		}
		if len(list) == 0 || len(list[len(list)-1].places) == chunk {
			list = append(list, &piece{args: slices.Clone(first)})
			pieces[lease.Queue] = list
		}
		p := list[len(list)-1]
		p.args = append(p.args, string(appendInt([]byte(key), lease.Token, 7))+text)
		p.places = append(p.places, i)
	}
	var calls []invocation
	var places [][]int
	for _, queue := range queues {
		for _, p := range pieces[queue] {
			calls = append(calls, s.invoke(c, sc, queue, p.args...))
			places = append(places, p.places)
		}
	}
	if len(calls) == 0 {
		return errs, nil
	}
	for i, result := range s.runAll(c.ctx, calls...) {
		answers, err := result.ToString()
		if err != nil {
			return nil, s.fail(c, err)
		}
		for n, place := range places[i] {
			if n >= len(answers) || answers[n] != '0' {
				lease, _ := item(place)
				errs[place] = leaseLost(c.op, lease.ID, lease.Queue)
			}
		}
	}
	return errs, nil
}
