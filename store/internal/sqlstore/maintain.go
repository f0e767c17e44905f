package sqlstore

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

const (
	silence       = 24 * time.Hour // how long a worker or producer that is silent is remembered
	maintainLimit = 1000           // where a request names none
)

// Maintain is errand.Engine's. A KeepFailed or MaxFailed of 0 sets no bound.
func (s *Session) Maintain(req errand.MaintainRequest) (errand.MaintainReply, error) {
	var reply errand.MaintainReply
	if err := s.begin(req.Now); err != nil {
		return reply, fmt.Errorf("maintain: %w", err)
	}
	if req.Limit <= 0 {
		req.Limit = maintainLimit
	}
	if s.dialect.Shared {
		if alone, err := one(s.tx, housekeeper, func(Row) error { return nil }); err != nil || !alone {
			return reply, err // nil: another one is at it
		}
	}
	queues, err := s.allQueues()
	if err != nil {
		return reply, fmt.Errorf("maintain: %w", err)
	}
	for _, q := range queues {
		if err := s.recover(q, &req, &reply); err != nil {
			return reply, fmt.Errorf("recover jobs of queue %q: %w", q.name, err)
		}
		n, err := s.promote(q, req.Limit-reply.Promoted)
		if err != nil {
			return reply, fmt.Errorf("promote jobs of queue %q: %w", q.name, err)
		}
		reply.Promoted += n
	}
	leftovers, err := s.hasLeftovers()
	s.resting = !leftovers && !slices.ContainsFunc(queues, func(q *queue) bool {
		return q.has(errand.StateStarted) || q.has(errand.StateScheduled)
	})
	if err != nil {
		return reply, fmt.Errorf("look for leftovers: %w", err)
	}
	if err := s.purge(queues, &req, &reply, leftovers); err != nil {
		return reply, fmt.Errorf("purge jobs: %w", err)
	}
	if err := s.foldAll(queues); err != nil {
		return reply, fmt.Errorf("add up counters: %w", err)
	}
	reply.More = reply.Recovered+reply.Poisoned >= req.Limit || reply.Promoted >= req.Limit || reply.Purged >= req.Limit
	if !leftovers {
		return reply, nil
	}
	if err := s.forget(queues, req.Limit); err != nil {
		return reply, fmt.Errorf("forget silent workers: %w", err)
	}
	more, err := s.purgeTelemetry(req.Limit)
	if err != nil {
		return reply, fmt.Errorf("purge telemetry: %w", err)
	}
	reply.More = reply.More || more
	return reply, nil
}

// recover takes jobs from workers whose lease has run out.
func (s *Session) recover(q *queue, req *errand.MaintainRequest, reply *errand.MaintainReply) error {
	limit := req.Limit - reply.Recovered - reply.Poisoned
	if !q.has(errand.StateStarted) || limit <= 0 {
		return nil
	}
	var lost []*record
	err := s.tx.Query(lostJobs, func(row Row) error {
		r := &record{}
		r.read(row)
		lost = append(lost, r)
		return nil
	}, q.name, micros(s.now), int64(limit))
	if err != nil {
		return err
	}
	for _, r := range lost {
		if err := s.lose(r, req.MaxRecoveries, reply); err != nil {
			return fmt.Errorf("job %s: %w", r.job.ID, err)
		}
	}
	return nil
}

// lose takes a job from a worker that was lost.
func (s *Session) lose(r *record, maxRecoveries int, reply *errand.MaintainReply) error {
	if err := s.stop(r); err != nil {
		return err
	}
	r.job.Recoveries++
	rec := errand.AttemptRecord{
		Attempt: r.job.Attempt, Token: r.job.Token, Outcome: errand.EventLost, Worker: r.job.Worker,
		StartedAt: r.job.StartedAt, EndedAt: s.now,
		Error: fmt.Sprintf("worker %s was lost: its lease ran out", r.job.Worker),
	}
	poisoned := r.job.Recoveries > maxRecoveries && r.flags&flagCancel == 0
	if poisoned {
		rec.Outcome = errand.EventPoisoned
		rec.Error = fmt.Sprintf("%v: it lost its worker %d times, the last one was %s",
			errand.ErrPoisoned, r.job.Recoveries, r.job.Worker)
	}
	r.job.Attempts = errand.AppendAttempt(r.job.Attempts, rec)
	if poisoned {
		reply.Poisoned++
		return s.end(r, errand.StateFailed)
	}
	reply.Recovered++
	r.job.Attempt--
	return s.again(r, r.job.ReadyAt)
}

// purge deletes final jobs past their retention: results that need not be kept longer, failed and canceled jobs that are
// too old, and the oldest of those that are too many.
func (s *Session) purge(queues []*queue, req *errand.MaintainRequest, reply *errand.MaintainReply, expired bool) error {
	if expired {
		n, err := s.purgeExpired(req.Limit)
		reply.Purged += n
		if err != nil {
			return err
		}
	}
	for _, q := range queues {
		for _, state := range []errand.State{errand.StateFailed, errand.StateCanceled, errand.StateFinished} {
			if !q.has(state) {
				continue
			}
			oldest := inState(oldestJobs, state)
			if req.KeepFailed > 0 && state != errand.StateFinished {
				n, err := s.purgeBy(oldest, req.Limit-reply.Purged, q.name, micros(s.now.Add(-req.KeepFailed)))
				reply.Purged += n
				if err != nil {
					return err
				}
			}
			if surplus := q.most(state) - int64(req.MaxFailed); req.MaxFailed > 0 && surplus > 0 {
				limit := min(int64(req.Limit-reply.Purged), surplus)
				n, err := s.purgeBy(oldest, int(limit), q.name, int64(math.MaxInt64))
				reply.Purged += n
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// purgeExpired deletes jobs of which the retention is over.
func (s *Session) purgeExpired(limit int) (int, error) {
	if !s.dialect.Expiries {
		return s.purgeBy(expiredJobs, limit, micros(s.now))
	}
	var listed [][]byte
	err := s.tx.Query(dueExpiries, func(row Row) error {
		listed = append(listed, row.Blob(0))
		return nil
	}, micros(s.now), int64(limit))
	if err != nil || len(listed) == 0 {
		return 0, err
	}
	n, err := s.purgeBy(expiredAmong, limit, listed, micros(s.now))
	if err == nil && n < len(listed) {
		err = s.unlist(listed) // also those for which there is no such job
	}
	return n, err
}

// unlist takes jobs from the list of those that expire.
func (s *Session) unlist(jobs [][]byte) error {
	if !s.dialect.Expiries || len(jobs) == 0 {
		return nil
	}
	return s.later(deleteExpiries, jobs)
}

// purgeBy deletes the jobs that a query finds. Its last argument is the limit.
func (s *Session) purgeBy(query string, limit int, args ...any) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	gone := s.rows()
	var plain, linked []*record
	err := s.tx.Query(query, func(row Row) error {
		r := &record{seq: row.Int(0), key: row.Blob(1), flags: row.Int(4)}
		r.job.Queue, r.job.State = row.Text(2), errand.State(row.Int(3)) // the table checks it
		if r.flags != 0 {
			linked = append(linked, r)
		} else {
			plain = append(plain, r)
			gone.add(r.seq, r.key)
		}
		return nil
	}, append(args, int64(limit))...)
	if err != nil {
		return 0, err
	}
	var kept [][]byte
	for _, r := range plain {
		if r.job.State == errand.StateFinished {
			kept = append(kept, r.key)
		}
		q, err := s.queue(r.job.Queue)
		if err != nil {
			return 0, err
		}
		q.add(r.job.State, -1)
		s.tell(errand.JobTopic(idOf(r.key)))
	}
	if len(plain) > 0 {
		if _, err := s.tx.Exec(deleteJobs, gone.list()); err != nil {
			return 0, err
		}
		if err := s.unlist(kept); err != nil {
			return 0, err
		}
	}
	for _, r := range linked {
		if r, err = s.load(r.key); err != nil {
			return 0, err
		}
		if err := s.drop(r); err != nil {
			return 0, err
		}
		if err := s.forgetChildren(r); err != nil {
			return 0, err
		}
	}
	return len(plain) + len(linked), nil
}

// forget drops what is known of workers and producers that have been silent for a day.
func (s *Session) forget(queues []*queue, limit int) error {
	clear(s.numbers)
	bound := micros(s.now.Add(-silence))
	nothing := func(Row) error { return nil }
	if found, err := one(s.tx, staleWorker, nothing, bound); err != nil {
		return err
	} else if found {
		if err := s.forgetWorkers(); err != nil {
			return err
		}
	}
	if found, err := one(s.tx, staleProducer, nothing, bound); err != nil {
		return err
	} else if found {
		if _, err := s.tx.Exec(deleteProducers, bound); err != nil {
			return err
		}
	}
	var stale []string
	err := s.tx.Query(staleClaims, func(row Row) error {
		stale = append(stale, row.Text(0))
		return nil
	}, bound, int64(limit))
	if err != nil || len(stale) == 0 {
		return err
	}
	holding := make(map[string]bool)
	for _, q := range queues {
		if !q.has(errand.StateStarted) {
			continue
		}
		err := s.tx.Query(holdingJobs, func(row Row) error {
			holding[workerOf(row.Text(0))] = true
			return nil
		}, q.name)
		if err != nil {
			return err
		}
	}
	for _, worker := range stale {
		if holding[worker] {
			continue
		}
		if _, err := s.tx.Exec(deleteClaim, worker); err != nil {
			return err
		}
	}
	return nil
}
