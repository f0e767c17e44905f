package sqlstore

import (
	"fmt"
	"math/rand/v2"
	"strconv"
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
	c := chooser{s: s, req: &req, lastChance: req.LastChance, repeated: repeated}
	if err := c.look(); err != nil {
		return reply, fmt.Errorf("claim: %w", err)
	}
	for _, v := range c.views {
		if err := s.due(v, &reply, req.Limit); err != nil {
			return reply, fmt.Errorf("claim from %q: %w", v.q.name, err)
		}
	}
	if c.answered() {
		jobs, err := s.held(&req, c.views)
		reply.Jobs = jobs
		return reply, err
	}
	for _, v := range c.views {
		if err := c.choose(v); err != nil {
			return reply, fmt.Errorf("claim from %q: %w", v.q.name, err)
		}
	}
	if err := c.start(max(req.Number, c.last)); err != nil {
		return reply, fmt.Errorf("claim: %w", err)
	}
	reply.Jobs = c.jobs
	return reply, nil
}

// turnFrom is how many jobs a claim wants at least that waits for its turn. Smaller ones are better done side by side.
const turnFrom = 500

// InTurn has a large claim, which will find as much as it wants, wait for those of other processes: each would pass over
// all rows that the others have locked, or changed since it began to read. One that has waited in vain goes on without.
func (s *Session) InTurn(req *errand.ClaimRequest) error {
	on, able := s.tx.(Turns)
	if !able || s.careful || s.turn || req.Limit < turnFrom || len(req.Queues) == 0 {
		return nil
	}
	s.turn = true // one, lest two transactions each have what the other waits for
	turn := req.Lane*s.dialect.Turns + rand.N(s.dialect.Turns)
	return on.AwaitTurn(strconv.Itoa(turn) + " " + req.Queues[0])
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
	last, _, err := s.lastClaim(peekClaim, req.Claimant())
	if err != nil || req.Number > 0 && req.Number <= last {
		return errand.ClaimReply{}, false, err
	}
	return reply, true, nil
}

func (s *Session) lastClaim(query, worker string) (number int64, known bool, err error) {
	if number, known = s.remembered(claims, worker); known {
		return number, true, nil
	}
	known, err = one(s.tx, query, func(row Row) error {
		number = row.Int(0)
		return nil
	}, worker)
	return number, known, err
}

// due makes the jobs of a queue that are due queued, and keeps when the next will be.
func (s *Session) due(v *view, reply *errand.ClaimReply, limit int) error {
	if !v.isDue(s.now) {
		noteDue(reply, timeOf(v.first))
		return nil
	}
	n, err := s.promoteDue(v.q, v.first, max(promoteAtOnce, 2*limit))
	if err != nil {
		return err
	}
	if n > 0 {
		return s.nextDue(v.q, reply)
	}
	noteDue(reply, timeOf(v.first))
	return nil
}

// promote makes jobs that are due queued, at most limit of them, and counts them.
func (s *Session) promote(q *queue, limit int) (promoted int, err error) {
	if !q.has(errand.StateScheduled) || limit <= 0 {
		return 0, nil
	}
	rank, ok, err := s.firstRank(firstScheduled, q.name)
	if err != nil || !ok || rank > micros(s.now) {
		return 0, err
	}
	n, err := s.promoteDue(q, rank, limit)
	return int(n), err
}

// promoteDue is promote where there are jobs that are due, the first at a rank.
func (s *Session) promoteDue(q *queue, first int64, limit int) (promoted int64, err error) {
	n, err := s.queueDue(q, first, limit)
	if err != nil || n == 0 {
		return 0, err
	}
	q.add(errand.StateScheduled, -n)
	q.add(errand.StateQueued, n)
	s.tell(errand.QueueTopic(q.name))
	return n, nil
}

// queueDue is what promoteDue does to the jobs.
func (s *Session) queueDue(q *queue, first int64, limit int) (int64, error) {
	if !s.dialect.Shared {
		return s.tx.Exec(promoteJobs, q.name, micros(s.now), int64(limit))
	}
	due := s.rows()
	err := s.tx.Query(dueJobs, func(row Row) error {
		due.add(row.Int(0), row.Blob(1))
		return nil
	}, q.name, first, micros(s.now), int64(limit))
	if err != nil || due.len() == 0 {
		return 0, err
	}
	return s.tx.Exec(queueDue, due.list())
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

// view is what a claim must know of a queue.
type view struct {
	q         *queue
	scheduled bool  // there is a job that waits for its time
	first     int64 // the time of the first of them

	// how far the claim has read it
	rank, seq int64 // of the last job read
	taken     int64
	ended     bool
}

func (v *view) isDue(now time.Time) bool { return v.scheduled && v.first <= micros(now) }

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
func (s *Session) held(req *errand.ClaimRequest, views []*view) ([]*errand.Job, error) {
	var jobs []*errand.Job
	for _, v := range views {
		err := s.tx.Query(heldJobs, func(row Row) error {
			r := &record{}
			r.read(row)
			r.job.Payload = some(row.Blob(payloadColumn))
			jobs = append(jobs, &r.job)
			return nil
		}, v.q.name, s.dialect.holder(req.Worker), req.Number)
		if err != nil {
			return nil, fmt.Errorf("claim from %q: %w", v.q.name, err)
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
