package sqlstore

import (
	"encoding/json"
	"fmt"

	"github.com/errandhq/errand"
)

// Heartbeat is errand.Telemetry's.
func (s *Session) Heartbeat(rec errand.WorkerRecord) error {
	if err := s.heartbeat(&rec); err != nil {
		return fmt.Errorf("heartbeat of worker %q: %w", rec.ID, err)
	}
	return nil
}

func (s *Session) heartbeat(rec *errand.WorkerRecord) error {
	if rec.Gone {
		return s.later(deleteWorker, rec.ID)
	}
	c := *rec
	c.StartedAt, c.SeenAt = micro(rec.StartedAt), micro(rec.SeenAt)
	c.Running = append([]errand.RunningJob(nil), rec.Running...)
	for i := range c.Running {
		c.Running[i].StartedAt = micro(c.Running[i].StartedAt)
	}
	record, err := json.Marshal(&c)
	if err != nil {
		return fmt.Errorf("%w: %w", errand.ErrInvalid, err)
	}
	return s.later(setWorker, rec.ID, micros(c.SeenAt), record)
}

// Workers is errand.Telemetry's. A record that cannot be read is left out.
func (s *Session) Workers() ([]errand.WorkerRecord, error) {
	var recs []errand.WorkerRecord
	err := s.tx.Query(allWorkers, func(row Row) error {
		var rec errand.WorkerRecord
		if json.Unmarshal(row.Blob(0), &rec) == nil {
			recs = append(recs, rec)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	return recs, nil
}

// Report is errand.Telemetry's.
func (s *Session) Report(reports []errand.ProgressReport) ([]error, error) {
	errs := make([]error, len(reports))
	for i := range reports {
		lease, p := &reports[i].Lease, reports[i].Progress
		p.At = micro(p.At)
		progress, err := json.Marshal(p)
		if err != nil {
			errs[i] = fmt.Errorf("report on job %s of queue %q: %w: %w", lease.ID, lease.Queue, errand.ErrInvalid, err)
			continue
		}
		n := int64(0)
		if key, ok := keyOf(lease.ID); ok {
			if n, err = s.tx.Exec(reportJob, progress, key, lease.Token, lease.Queue); err != nil {
				return nil, fmt.Errorf("report on job %s of queue %q: %w", lease.ID, lease.Queue, err)
			}
		}
		if n == 0 {
			errs[i] = leaseLost("report on", lease.ID, lease.Queue)
		}
	}
	return errs, nil
}

// Orders is errand.Telemetry's.
func (s *Session) Orders(worker string) (errand.Orders, error) {
	var orders errand.Orders
	err := s.tx.Query(ordersOf, func(row Row) error {
		orders.Cancel = append(orders.Cancel, idOf(row.Blob(0)))
		return nil
	}, worker)
	if err != nil {
		return orders, fmt.Errorf("orders of worker %q: %w", worker, err)
	}
	return orders, nil
}
