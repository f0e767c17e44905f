package sqlstore

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// promoteAtOnce bounds how many due jobs of a queue one claim makes queued. Past it, jobs that became due together may
// be claimed in the order of their time in place of that of their priority.
const promoteAtOnce = 2000

// Claim is errand.Engine's. repeated says that the request is known to have been answered before, with no jobs.
func (s *Session) Claim(req errand.ClaimRequest, repeated bool) (errand.ClaimReply, error) {
	var reply errand.ClaimReply
	if err := s.begin(req.Now); err != nil {
		return reply, fmt.Errorf("claim: %w", err)
	}
	if !repeated {
		quick, done, err := s.claimQuick(&req)
		if err != nil {
			return reply, fmt.Errorf("claim from %q: %w", req.Queues, err)
		}
		if done {
			return quick, nil
		}
	}
	var queues []*queue
	for i, name := range req.Queues {
		if slices.Contains(req.Queues[:i], name) {
			continue
		}
		q, err := s.queueToClaim(name)
		if err != nil {
			return reply, fmt.Errorf("claim: %w", err)
		}
		if err := s.due(q, &reply, req.Limit); err != nil {
			return reply, fmt.Errorf("claim from %q: %w", name, err)
		}
		queues = append(queues, q)
	}
	last, known, err := s.lastClaim(lastClaim, req.Worker)
	if err != nil {
		return reply, fmt.Errorf("claim: %w", err)
	}
	if req.Number > 0 && (repeated || req.Number <= last) {
		reply.Jobs, err = s.held(&req, queues)
		return reply, err
	}
	c := chooser{s: s, req: &req, lastChance: req.LastChance, known: known}
	for _, q := range queues {
		if err := c.choose(q); err != nil {
			return reply, fmt.Errorf("claim from %q: %w", q.name, err)
		}
	}
	if err := c.start(max(req.Number, last)); err != nil {
		return reply, fmt.Errorf("claim: %w", err)
	}
	reply.Jobs = c.jobs
	return reply, nil
}

// Idle looks, without changing anything, whether a claim can be answered without jobs, and answers it.
func (s *Session) Idle(req errand.ClaimRequest) (reply errand.ClaimReply, idle bool, err error) {
	if err := s.begin(req.Now); err != nil {
		return reply, false, fmt.Errorf("claim: %w", err)
	}
	if s.dialect.Shared {
		return s.idleShared(&req)
	}
	for _, name := range req.Queues {
		q, err := s.queueToClaim(name)
		if err != nil {
			return reply, false, fmt.Errorf("claim: %w", err)
		}
		if !q.paused && q.has(errand.StateQueued) {
			return reply, false, nil
		}
		if err := s.nextDue(q, &reply); err != nil {
			return reply, false, fmt.Errorf("claim from %q: %w", name, err)
		}
	}
	if !reply.NextDue.IsZero() && !reply.NextDue.After(s.now) {
		return errand.ClaimReply{}, false, nil
	}
	last, _, err := s.lastClaim(peekClaim, req.Worker)
	if err != nil || req.Number > 0 && req.Number <= last {
		return errand.ClaimReply{}, false, err
	}
	return reply, true, nil
}

func (s *Session) lastClaim(query, worker string) (number int64, known bool, err error) {
	known, err = one(s.tx, query, func(row Row) error {
		number = row.Int(0)
		return nil
	}, worker)
	return number, known, err
}

// due makes the jobs of a queue that are due queued, and keeps when the next will be.
func (s *Session) due(q *queue, reply *errand.ClaimReply, limit int) error {
	n, first, err := s.promote(q, max(promoteAtOnce, 2*limit))
	if err != nil {
		return err
	}
	if n > 0 {
		return s.nextDue(q, reply)
	}
	noteDue(reply, first)
	return nil
}

// promote makes jobs that are due queued, at most limit of them, and counts them. first is when the first scheduled job was
// due before that; zero: there is none.
func (s *Session) promote(q *queue, limit int) (promoted int, first time.Time, err error) {
	if !q.has(errand.StateScheduled) || limit <= 0 {
		return 0, first, nil
	}
	rank, ok, err := s.firstRank(firstScheduled, q.name)
	first = timeOf(rank)
	if err != nil || !ok || rank > micros(s.now) {
		return 0, first, err
	}
	n, err := s.queueDue(q, limit)
	if err != nil || n == 0 {
		return 0, first, err
	}
	q.add(errand.StateScheduled, -n)
	q.add(errand.StateQueued, n)
	s.tell(errand.QueueTopic(q.name))
	return int(n), first, nil
}

// queueDue is what promote does to the jobs.
func (s *Session) queueDue(q *queue, limit int) (int64, error) {
	if !s.dialect.Shared {
		return s.tx.Exec(promoteJobs, q.name, micros(s.now), int64(limit))
	}
	var seqs []int64
	err := s.tx.Query(dueJobs, func(row Row) error {
		seqs = append(seqs, row.Int(0))
		return nil
	}, q.name, micros(s.now), int64(limit))
	if err != nil || len(seqs) == 0 {
		return 0, err
	}
	return s.tx.Exec(queueDue, seqs)
}

func (s *Session) nextDue(q *queue, reply *errand.ClaimReply) error {
	if !q.has(errand.StateScheduled) {
		return nil
	}
	rank, _, err := s.firstRank(firstScheduled, q.name)
	noteDue(reply, timeOf(rank))
	return err
}

// noteDue keeps the time at which a scheduled job is due, where it is the soonest. Zero: there is none.
func noteDue(reply *errand.ClaimReply, due time.Time) {
	if !due.IsZero() && (reply.NextDue.IsZero() || due.Before(reply.NextDue)) {
		reply.NextDue = due
	}
}

// firstRank returns the lowest rank that a query finds.
func (s *Session) firstRank(query string, args ...any) (rank int64, ok bool, err error) {
	ok, err = one(s.tx, query, func(row Row) error {
		rank = row.Int(0)
		return nil
	}, args...)
	return rank, ok, err
}

// chooser finds the jobs of a claim and starts them.
type chooser struct {
	s          *Session
	req        *errand.ClaimRequest
	lastChance bool // it may still take a job on its last recovery
	known      bool // the worker has claimed before

	jobs   []*errand.Job
	seqs   []int64 // of jobs
	flags  []int64 // of jobs
	broken []*record
}

const (
	skipPage = 200 // how many jobs are read at least after those on their last recovery have been skipped
	maxPage  = 4000
)

// choose takes jobs from a queue, as many as it has and the limit allows.
func (c *chooser) choose(q *queue) error {
	if q.paused {
		return nil
	}
	taken, left := int64(0), q.most(errand.StateQueued)
	rank, seq, read := int64(math.MinInt64), int64(0), int64(0)
	look := func(row Row) error {
		read++
		seq, rank = row.Int(0), row.Int(2)
		took, err := c.consider(q, row)
		if took {
			taken++
		}
		return err
	}
	for len(c.jobs) < c.req.Limit && left > 0 {
		page := int64(min(c.req.Limit-len(c.jobs), maxPage))
		read = 0
		if seq > 0 {
			page = max(page, skipPage)
			if err := c.s.tx.Query(queuedBeside, look, q.name, rank, seq, page); err != nil {
				return err
			}
		}
		if seq == 0 || read < page && !c.s.dialect.Places {
			if err := c.s.tx.Query(queuedBeyond, look, q.name, rank, page-read); err != nil {
				return err
			}
		}
		left -= read
		if read < page {
			break
		}
	}
	if taken > 0 {
		q.add(errand.StateQueued, -taken)
		q.add(errand.StateStarted, taken)
	}
	return nil
}

// consider takes a job unless the claim is full, the job is on its last recovery or cannot be read.
func (c *chooser) consider(q *queue, row Row) (bool, error) {
	if len(c.jobs) >= c.req.Limit {
		return false, nil
	}
	if recoveries := int(row.Int(11)); recoveries >= c.req.MaxRecoveries {
		if !c.lastChance {
			return false, nil
		}
		c.lastChance = false
	}
	r := &record{seq: row.Int(0), key: row.Blob(1), flags: row.Int(5)}
	j := &errand.Job{
		JobSpec: errand.JobSpec{
			ID: idOf(r.key), Queue: q.name, Task: row.Text(3), Payload: some(row.Blob(12)), Priority: int(row.Int(4)),
		},
		State:     errand.StateStarted,
		CreatedAt: timeOf(row.Int(6)), ReadyAt: timeOf(row.Int(7)), StartedAt: c.s.now,
		LeaseUntil: micro(c.s.now.Add(c.req.Lease)), Worker: c.req.Worker, UnknownSince: timeOf(row.Int(8)),
		Token: row.Int(9) + 1, Attempt: int(row.Int(10)) + 1, Recoveries: int(row.Int(11)),
	}
	r.decode("options", row.Blob(13), func(raw []byte) error { return c.s.decoded.decode(raw, &j.JobSpec) })
	r.decode("history", row.Blob(14), func(raw []byte) (err error) {
		j.Attempts, err = decodeHistory(raw)
		return err
	})
	if r.broken != nil {
		c.broken = append(c.broken, r)
		return false, nil
	}
	c.jobs = append(c.jobs, j)
	c.seqs, c.flags = append(c.seqs, r.seq), append(c.flags, r.flags)
	return true, nil
}

// start gives the chosen jobs to the worker, and fails those that cannot be read.
func (c *chooser) start(number int64) error {
	for _, r := range c.broken {
		if err := c.s.failBroken(r.key); err != nil {
			return err
		}
	}
	if len(c.jobs) == 0 {
		return nil // and the claim leaves no trace, so that idle workers write nothing
	}
	if c.s.places != nil {
		c.s.places.note(c.jobs, c.seqs, c.flags)
	}
	err := c.s.later(startJobs, micros(c.jobs[0].LeaseUntil), micros(c.s.now), c.s.dialect.holder(c.req.Worker), c.req.Number, c.seqs)
	if err != nil {
		return err
	}
	if c.req.Number <= 0 {
		return nil
	}
	set := setClaim
	if !c.known {
		set = insertClaim // which fails where the same claim, sent before, is still under way
	}
	return c.s.later(set, c.req.Worker, number, micros(c.s.now))
}

// failBroken fails a queued job that cannot be read. What it holds stays as it is, so that it can be looked into.
func (s *Session) failBroken(key []byte) error {
	r, err := s.load(key)
	if err != nil || r == nil {
		return err
	}
	if err := s.close(r, errand.StateQueued, errand.StateFailed); err != nil {
		return err
	}
	return s.orphanChildren(r, reasonOf(r.job.State))
}

// held returns the jobs of a claim that is repeated, in the order in which they were claimed.
func (s *Session) held(req *errand.ClaimRequest, queues []*queue) ([]*errand.Job, error) {
	var jobs []*errand.Job
	for _, q := range queues {
		err := s.tx.Query(heldJobs, func(row Row) error {
			r := &record{}
			r.read(row)
			r.job.Payload = some(row.Blob(payloadColumn))
			jobs = append(jobs, &r.job)
			return nil
		}, q.name, s.dialect.holder(req.Worker), req.Number)
		if err != nil {
			return nil, fmt.Errorf("claim from %q: %w", q.name, err)
		}
	}
	return jobs, nil
}

// Renew is errand.Engine's. It never shortens a lease.
func (s *Session) Renew(req errand.RenewRequest) ([]error, error) {
	if err := s.begin(req.Now); err != nil {
		return nil, fmt.Errorf("renew: %w", err)
	}
	if s.dialect.Shared {
		return s.renewMany(&req)
	}
	errs := make([]error, len(req.Leases))
	until := micros(s.now.Add(req.Lease))
	for i := range req.Leases {
		lease := &req.Leases[i]
		n := int64(0)
		if key, ok := keyOf(lease.ID); ok {
			var err error
			if n, err = s.tx.Exec(renewJob, until, until, key, lease.Token, lease.Queue); err != nil {
				return nil, fmt.Errorf("renew job %s of queue %q: %w", lease.ID, lease.Queue, err)
			}
		}
		if n == 0 {
			errs[i] = leaseLost("renew", lease.ID, lease.Queue)
		}
	}
	return errs, nil
}

func leaseLost(op, id, queue string) error {
	return fmt.Errorf("%s job %s of queue %q: %w", op, id, queue, errand.ErrLeaseLost)
}
