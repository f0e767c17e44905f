package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

// Settle implements [errand.Engine].
func (s *Store) Settle(ctx context.Context, req errand.SettleRequest) ([]error, error) {
	t, err := s.begin(ctx, "settle", req.Now)
	if err != nil {
		return nil, err
	}
	defer t.end()
	errs := make([]error, len(req.Outcomes))
	for i := range req.Outcomes {
		errs[i] = t.settle(&req.Outcomes[i])
	}
	return errs, nil
}

func (t *turn) settle(o *errand.Outcome) error {
	if _, ok := errand.Next(errand.StateStarted, o.Event); !ok || o.Event == errand.EventLost || o.Event == errand.EventPoisoned {
		return fmt.Errorf("settle job %s of queue %q: %w: %v is no outcome", o.ID, o.Queue, errand.ErrInvalid, o.Event)
	}
	lease := errand.Lease{ID: o.ID, Queue: o.Queue, Token: o.Token}
	e := t.leased(lease)
	if e == nil {
		e = t.jobs[o.ID]
		if e != nil && e.job.Queue == o.Queue && e.job.Token == o.Token && e.settled == o.Event {
			return nil // sent again
		}
		return leaseLost("settle", lease)
	}
	t.stop(e)
	e.settled = o.Event
	if o.Record != nil {
		e.job.Attempts = errand.AppendAttempt(e.job.Attempts, cloneRecord(o.Record))
	}
	t.unknown(e, o)
	switch o.Event { //nolint:exhaustive // the others were refused above
	case errand.EventSucceeded:
		t.succeed(e, o)
	case errand.EventFailed:
		t.close(e, errand.StateFailed)
		t.orphanChildren(e, reasonOf(e))
	case errand.EventCanceled:
		t.close(e, errand.StateCanceled)
		t.orphanChildren(e, reasonOf(e))
	case errand.EventRetried:
		t.again(e, later(micro(o.At), t.now))
	case errand.EventSnoozed:
		e.job.Attempt--
		t.again(e, later(micro(o.At), t.now))
	case errand.EventReleased:
		e.job.Attempt--
		at := e.job.ReadyAt // its old place
		if o.At.After(t.now) {
			at = micro(o.At)
		}
		t.again(e, at)
	}
	return nil
}

// unknown keeps since when nobody knows the job's task.
func (t *turn) unknown(e *entry, o *errand.Outcome) {
	switch {
	case o.Event != errand.EventReleased || !o.Unknown:
		e.job.UnknownSince = zeroTime
	case e.job.UnknownSince.IsZero():
		e.job.UnknownSince = t.now
	}
}

// succeed finishes a job: kept for its result, or gone at once.
func (t *turn) succeed(e *entry, o *errand.Outcome) {
	if o.Keep > 0 {
		e.job.Result = clone(o.Result)
		e.expires = micro(t.now.Add(o.Keep))
		t.close(e, errand.StateFinished)
	} else {
		t.queue(e.job.Queue).finished.add(t.now, 1)
		t.drop(e)
	}
	t.fulfil(e.job.ID)
}

// again has a job run once more from that time on, unless a person has asked to cancel it meanwhile.
func (t *turn) again(e *entry, at time.Time) {
	if e.cancel {
		e.cancel = false
		t.close(e, errand.StateCanceled)
		t.orphanChildren(e, reasonOf(e))
		return
	}
	e.job.ReadyAt = at
	t.ready(e)
}
