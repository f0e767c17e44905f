package sqlstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"time"

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
		if err := s.later(deleteWorker, rec.ID); err != nil {
			return err
		}
		if err := s.later(deleteSchemas, rec.ID); err != nil {
			return err
		}
		return s.later(deleteAsked, rec.ID, askedQuiet, askedStop)
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
	if err := s.later(setWorker, rec.ID, micros(c.SeenAt), record); err != nil || rec.Schemas == nil {
		return err
	}
	schemas, err := json.Marshal(rec.Schemas)
	if err != nil {
		return fmt.Errorf("%w: schemas: %w", errand.ErrInvalid, err)
	}
	return s.later(setSchemas, rec.ID, schemas)
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

// Schemas is errand.Telemetry's. Those of a worker that cannot be read are left out.
func (s *Session) Schemas() (map[string]json.RawMessage, error) {
	schemas := make(map[string]json.RawMessage)
	err := s.tx.Query(allSchemas, func(row Row) error {
		var of map[string]json.RawMessage
		if json.Unmarshal(row.Blob(0), &of) == nil {
			maps.Copy(schemas, of) // in the place of a worker's heard of earlier
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("schemas: %w", err)
	}
	return schemas, nil
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
		switch what := row.Blob(0); {
		case bytes.Equal(what, askedQuiet):
			orders.Quiet = true
		case bytes.Equal(what, askedStop):
			orders.Stop = true
		default:
			orders.Cancel = append(orders.Cancel, idOf(what))
		}
		return nil
	}, worker)
	if err != nil {
		return orders, fmt.Errorf("orders of worker %q: %w", worker, err)
	}
	return orders, nil
}

// What is asked of a worker as a whole is kept among the jobs that it is to cancel, under ids that no job has: so one
// look finds all.
var (
	askedQuiet = append(bytes.Repeat([]byte{0xff}, 15), 1)
	askedStop  = append(bytes.Repeat([]byte{0xff}, 15), 2)
)

// Order is errand.Telemetry's.
func (s *Session) Order(now time.Time, worker string, order errand.Order) error {
	s.now = micro(now)
	if err := s.order(worker, order); err != nil {
		return fmt.Errorf("order %v to worker %.100q: %w", order, worker, err)
	}
	return nil
}

func (s *Session) order(worker string, order errand.Order) error {
	if !order.Valid() {
		return errand.ErrInvalid
	}
	known, err := one(s.tx, lockWorker, func(Row) error { return nil }, worker)
	if err != nil {
		return err
	}
	if !known {
		return errand.ErrWorkerNotFound
	}
	query, what := insertOrder, askedQuiet
	switch order {
	case errand.OrderResume:
		query = deleteOrder
	case errand.OrderStop:
		what = askedStop
	case errand.OrderQuiet:
	}
	if _, err := s.tx.Exec(query, worker, what); err != nil {
		return err
	}
	s.tell(errand.WorkerTopic(worker))
	return nil
}

// forgetWorkers drops what silent workers have said of themselves, and what was asked of them.
func (s *Session) forgetWorkers() error {
	if _, err := s.tx.Exec(deleteWorkers, micros(s.now.Add(-silence))); err != nil {
		return err
	}
	if _, err := s.tx.Exec(orphanedSchemas); err != nil {
		return err
	}
	_, err := s.tx.Exec(orphanedAsked, askedQuiet, askedStop)
	return err
}
