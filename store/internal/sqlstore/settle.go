package sqlstore

import (
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

// Settle is errand.Engine's.
func (s *Session) Settle(req errand.SettleRequest) ([]error, error) {
	if err := s.begin(req.Now); err != nil {
		return nil, fmt.Errorf("settle: %w", err)
	}
	errs := make([]error, len(req.Outcomes))
	succeed := s.succeedClaimed
	if s.dialect.Shared {
		succeed = func(outcomes []errand.Outcome) (map[int]bool, error) { return s.succeedMany(req.Worker, outcomes) }
	}
	gone, err := succeed(req.Outcomes)
	if err != nil {
		return nil, fmt.Errorf("settle: %w", err)
	}
	for i := range req.Outcomes {
		o := &req.Outcomes[i]
		if gone[i] {
			continue
		}
		if _, ok := errand.Next(errand.StateStarted, o.Event); !ok || o.Event == errand.EventLost || o.Event == errand.EventPoisoned {
			errs[i] = fmt.Errorf("settle job %s of queue %q: %w: %v is no outcome", o.ID, o.Queue, errand.ErrInvalid, o.Event)
			continue
		}
		done, err := s.settle(o)
		if err != nil {
			return nil, fmt.Errorf("settle job %s of queue %q: %w", o.ID, o.Queue, err)
		}
		if !done {
			errs[i] = leaseLost("settle", o.ID, o.Queue)
		}
	}
	return errs, nil
}

// settle ends one attempt, and says whether the lease was still held.
func (s *Session) settle(o *errand.Outcome) (bool, error) {
	key, ok := keyOf(o.ID)
	if !ok {
		return false, nil
	}
	if o.Event == errand.EventSucceeded && o.Keep <= 0 && !s.dialect.Shared {
		n, err := s.tx.Exec(deleteSucceeded, key, o.Token, o.Queue)
		if err != nil {
			return false, err
		}
		if n > 0 {
			return true, s.countSucceeded(o)
		}
	}
	r, err := s.load(key)
	if err != nil || r == nil || r.job.Queue != o.Queue || r.job.Token != o.Token {
		return false, err
	}
	if r.job.State != errand.StateStarted {
		return r.settled == o.Event, nil // nil: sent again
	}
	if err := s.stop(r); err != nil {
		return false, err
	}
	r.settled = o.Event
	if o.Record != nil {
		r.job.Attempts = errand.AppendAttempt(r.job.Attempts, cleanAttempt(o.Record))
	}
	switch {
	case o.Event != errand.EventReleased || !o.Unknown:
		r.job.UnknownSince = time.Time{}
	case r.job.UnknownSince.IsZero():
		r.job.UnknownSince = s.now
	}
	return true, s.finish(r, o)
}

// countSucceeded does what follows from the end of a job that is gone and that nothing else refers to.
func (s *Session) countSucceeded(o *errand.Outcome) error {
	q, err := s.queue(o.Queue)
	if err != nil {
		return err
	}
	q.add(errand.StateStarted, -1)
	q.finished.add(s.now, 1)
	s.tell(errand.JobTopic(o.ID))
	return nil
}

// finish does to a job what the outcome says.
func (s *Session) finish(r *record, o *errand.Outcome) error {
	switch o.Event {
	case errand.EventSucceeded:
		return s.succeed(r, o)
	case errand.EventFailed:
		return s.end(r, errand.StateFailed)
	case errand.EventCanceled:
		return s.end(r, errand.StateCanceled)
	case errand.EventRetried:
		return s.again(r, later(micro(o.At), s.now))
	case errand.EventSnoozed:
		r.job.Attempt--
		return s.again(r, later(micro(o.At), s.now))
	default: // released
		r.job.Attempt--
		at := r.job.ReadyAt // its old place
		if o.At.After(s.now) {
			at = micro(o.At)
		}
		return s.again(r, at)
	}
}

// succeed finishes a started job: kept for its result, or gone at once.
func (s *Session) succeed(r *record, o *errand.Outcome) error {
	if o.Keep > 0 {
		r.job.Result = o.Result
		r.expires = micro(s.now.Add(o.Keep))
		if err := s.close(r, errand.StateStarted, errand.StateFinished); err != nil {
			return err
		}
		return s.fulfil(r)
	}
	q, err := s.queue(r.job.Queue)
	if err != nil {
		return err
	}
	q.finished.add(s.now, 1)
	if err := s.drop(r); err != nil {
		return err
	}
	return s.fulfil(r)
}

// end makes a started job failed or canceled.
func (s *Session) end(r *record, state errand.State) error {
	if err := s.close(r, errand.StateStarted, state); err != nil {
		return err
	}
	return s.orphanChildren(r, reasonOf(state))
}

// again has a started job run once more from that time on, unless a person has asked to cancel it meanwhile.
func (s *Session) again(r *record, at time.Time) error {
	if r.flags&flagCancel != 0 {
		r.flags &^= flagCancel
		return s.end(r, errand.StateCanceled)
	}
	r.job.ReadyAt = at
	return s.ready(r, errand.StateStarted)
}

// stop takes a started job from its worker.
func (s *Session) stop(r *record) error {
	r.job.LeaseUntil = time.Time{}
	if r.flags&flagCancel == 0 {
		return nil
	}
	_, err := s.tx.Exec(deleteOrder, r.job.Worker, r.key)
	return err
}
