package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

var zeroTime time.Time

// claimer is what the store knows of somebody who claims.
type claimer struct {
	last    map[int]int64 // the number of its last claim, by lane
	seen    time.Time
	held    map[*entry]struct{}
	cancels map[string]struct{} // ids of held jobs that a person has asked to cancel
}

func (t *turn) claimer(worker string) *claimer {
	c, ok := t.claimers[worker]
	if !ok {
		c = &claimer{last: make(map[int]int64), held: make(map[*entry]struct{}), cancels: make(map[string]struct{})}
		t.claimers[worker] = c
	}
	return c
}

// Claim implements [errand.Engine].
func (s *Store) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	t, err := s.begin(ctx, "claim", req.Now)
	if err != nil {
		return errand.ClaimReply{}, err
	}
	defer t.end()
	var reply errand.ClaimReply
	for _, name := range req.Queues {
		q := t.queues[name]
		if q == nil {
			continue
		}
		t.promote(q, -1)
		if next, ok := q.byState[errand.StateScheduled].Min(); ok {
			if reply.NextDue.IsZero() || next.job.ReadyAt.Before(reply.NextDue) {
				reply.NextDue = next.job.ReadyAt
			}
		}
	}
	c := t.claimer(req.Worker)
	c.seen = later(c.seen, t.now)
	if req.Number > 0 && req.Number <= c.last[req.Lane] {
		reply.Jobs = c.heldSince(req.Number)
		return reply, nil
	}
	c.last[req.Lane] = max(c.last[req.Lane], req.Number)
	taken := t.choose(&req)
	for i, e := range taken {
		e.claimNumber, e.claimPlace = req.Number, i
		t.start(e, c, &req)
		reply.Jobs = append(reply.Jobs, cloneJob(&e.job))
	}
	return reply, nil
}

// choose finds the jobs of a claim.
func (t *turn) choose(req *errand.ClaimRequest) []*entry {
	if req.Limit <= 0 {
		return nil
	}
	lastChance := req.LastChance
	taken := make([]*entry, 0, min(req.Limit, 64))
	for i, name := range req.Queues {
		q := t.queues[name]
		if q == nil || q.paused || slices.Contains(req.Queues[:i], name) {
			continue
		}
		q.byState[errand.StateQueued].Ascend(func(e *entry) bool {
			if len(taken) >= req.Limit {
				return false
			}
			if e.job.Recoveries >= req.MaxRecoveries {
				if !lastChance {
					return true
				}
				lastChance = false
			}
			taken = append(taken, e)
			return true
		})
	}
	return taken
}

// start gives a queued job to a worker.
func (t *turn) start(e *entry, c *claimer, req *errand.ClaimRequest) {
	q := t.queue(e.job.Queue)
	q.take(e)
	e.settled = 0
	e.job.State = errand.StateStarted
	e.job.LeaseUntil = micro(t.now.Add(req.Lease))
	e.job.Token++
	e.job.Attempt++
	e.job.Worker = req.Worker
	e.job.StartedAt = t.now
	e.job.Progress = nil
	q.put(e)
	c.held[e] = struct{}{}
}

// stop takes a started job from its worker; it is then in no tree.
func (t *turn) stop(e *entry) {
	t.queue(e.job.Queue).take(e)
	e.job.LeaseUntil = zeroTime
	c := t.claimer(e.job.Worker)
	delete(c.held, e)
	delete(c.cancels, e.job.ID)
}

// heldSince returns the jobs of a claim that is repeated.
func (c *claimer) heldSince(number int64) []*errand.Job {
	var held []*entry
	for e := range c.held {
		if e.claimNumber == number {
			held = append(held, e)
		}
	}
	slices.SortFunc(held, func(a, b *entry) int { return cmp.Compare(a.claimPlace, b.claimPlace) })
	jobs := make([]*errand.Job, len(held))
	for i, e := range held {
		jobs[i] = cloneJob(&e.job)
	}
	return jobs
}

// promote makes scheduled jobs that are due queued, at most limit of them where it is not negative, and counts them.
func (t *turn) promote(q *queue, limit int) int {
	scheduled := q.byState[errand.StateScheduled]
	n := 0
	for ; n != limit; n++ {
		e, ok := scheduled.Min()
		if !ok || e.job.ReadyAt.After(t.now) {
			break
		}
		q.take(e)
		t.ready(e)
	}
	return n
}

// Renew implements [errand.Engine]. It never shortens a lease.
func (s *Store) Renew(ctx context.Context, req errand.RenewRequest) ([]error, error) {
	t, err := s.begin(ctx, "renew", req.Now)
	if err != nil {
		return nil, err
	}
	defer t.end()
	errs := make([]error, len(req.Leases))
	for i, lease := range req.Leases {
		e := t.leased(lease)
		if e == nil {
			errs[i] = leaseLost("renew", lease)
			continue
		}
		q := t.queue(e.job.Queue)
		q.take(e)
		e.job.LeaseUntil = later(e.job.LeaseUntil, micro(t.now.Add(req.Lease)))
		q.put(e)
	}
	return errs, nil
}

// leased returns the started job that the lease is for, or nil when the lease is lost.
func (t *turn) leased(lease errand.Lease) *entry {
	e := t.jobs[lease.ID]
	if e == nil || e.job.State != errand.StateStarted || e.job.Queue != lease.Queue || e.job.Token != lease.Token {
		return nil
	}
	return e
}

func leaseLost(op string, lease errand.Lease) error {
	return fmt.Errorf("%s job %s of queue %q: %w", op, lease.ID, lease.Queue, errand.ErrLeaseLost)
}
