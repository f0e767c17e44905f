package memory

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/errandhq/errand"
)

const (
	workersKept   = 24 * time.Hour // how long a worker that is silent is remembered
	maintainLimit = 1000           // where a request names none
)

// Maintain implements [errand.Engine]. A KeepFailed or MaxFailed of 0 sets no bound.
func (s *Store) Maintain(ctx context.Context, req errand.MaintainRequest) (errand.MaintainReply, error) {
	t, err := s.begin(ctx, "maintain", req.Now)
	if err != nil {
		return errand.MaintainReply{}, err
	}
	defer t.end()
	limit := req.Limit
	if limit <= 0 {
		limit = maintainLimit
	}
	var reply errand.MaintainReply
	for _, q := range t.sortedQueues() {
		t.recover(q, &req, limit, &reply)
		reply.Promoted += t.promote(q, limit-reply.Promoted)
	}
	for _, q := range t.sortedQueues() {
		t.purge(q, &req, limit, &reply)
	}
	t.forget()
	more := t.series.purge(t.now, limit)
	more = t.purgeAudit(limit) || more
	reply.More = more || reply.Recovered+reply.Poisoned >= limit || reply.Promoted >= limit || reply.Purged >= limit
	return reply, nil
}

// recover takes jobs from workers whose lease has run out.
func (t *turn) recover(q *queue, req *errand.MaintainRequest, limit int, reply *errand.MaintainReply) {
	started := q.byState[errand.StateStarted]
	for reply.Recovered+reply.Poisoned < limit {
		e, ok := started.Min()
		if !ok || !e.job.LeaseUntil.Before(t.now) {
			return
		}
		t.stop(e)
		e.job.Recoveries++
		rec := errand.AttemptRecord{
			Attempt: e.job.Attempt, Token: e.job.Token, Outcome: errand.EventLost, Worker: e.job.Worker,
			StartedAt: e.job.StartedAt, EndedAt: t.now,
			Error: fmt.Sprintf("worker %s was lost: its lease ran out", e.job.Worker),
		}
		poisoned := e.job.Recoveries > req.MaxRecoveries && !e.cancel
		if poisoned {
			rec.Outcome = errand.EventPoisoned
			rec.Error = fmt.Sprintf("%v: it lost its worker %d times, the last one was %s",
				errand.ErrPoisoned, e.job.Recoveries, e.job.Worker)
		}
		e.job.Attempts = errand.AppendAttempt(e.job.Attempts, rec)
		if poisoned {
			reply.Poisoned++
			t.close(e, errand.StateFailed)
			t.orphanChildren(e, reasonOf(e))
			continue
		}
		reply.Recovered++
		e.job.Attempt--
		t.again(e, e.job.ReadyAt)
	}
}

// purge deletes final jobs past their retention: results that need not be kept longer, failed and canceled jobs that are
// too old, and the oldest of those that are too many.
func (t *turn) purge(q *queue, req *errand.MaintainRequest, limit int, reply *errand.MaintainReply) {
	purge := func(next func() (*entry, bool), due func(*entry) bool) {
		for reply.Purged < limit {
			e, ok := next()
			if !ok || !due(e) {
				return
			}
			q.take(e)
			t.drop(e)
			reply.Purged++
		}
	}
	purge(q.expiring.Min, func(e *entry) bool { return !e.expires.After(t.now) })
	for _, state := range []errand.State{errand.StateFailed, errand.StateCanceled, errand.StateFinished} {
		tree := q.byState[state]
		if req.KeepFailed > 0 && state != errand.StateFinished {
			bound := micro(t.now.Add(-req.KeepFailed))
			purge(tree.Min, func(e *entry) bool { return !e.job.EndedAt.After(bound) })
		}
		if req.MaxFailed > 0 {
			purge(tree.Min, func(*entry) bool { return tree.Len() > req.MaxFailed })
		}
	}
}

// forget drops what is known of workers and producers that have been silent for a day.
func (t *turn) forget() {
	bound := t.now.Add(-workersKept)
	for id, w := range t.workers {
		if w.record.SeenAt.Before(bound) {
			delete(t.workers, id)
		}
	}
	for id, c := range t.claimers {
		if len(c.held) == 0 && c.seen.Before(bound) {
			delete(t.claimers, id)
		}
	}
	silent := func(_ string, p producer) bool { return p.seen.Before(bound) }
	maps.DeleteFunc(t.producers, silent)
	maps.DeleteFunc(t.series.writers, silent)
	for _, q := range t.messages {
		maps.DeleteFunc(q.producers, silent)
	}
}
