package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// workerEntry is what is kept of a worker.
type workerEntry struct {
	record  errand.WorkerRecord
	schemas map[string]json.RawMessage
	orders  errand.Orders // without Cancel
}

// Heartbeat implements [errand.Telemetry].
func (s *Store) Heartbeat(ctx context.Context, rec errand.WorkerRecord) error {
	t, err := s.begin(ctx, "heartbeat", rec.SeenAt)
	if err != nil {
		return err
	}
	defer t.end()
	if rec.Gone {
		delete(t.workers, rec.ID)
		return nil
	}
	w := t.workers[rec.ID]
	w.record = cloneWorker(&rec)
	if rec.Schemas != nil {
		w.schemas = make(map[string]json.RawMessage, len(rec.Schemas))
		for task, schema := range rec.Schemas {
			w.schemas[task] = clone(schema)
		}
	}
	t.workers[rec.ID] = w
	return nil
}

// Workers implements [errand.Telemetry].
func (s *Store) Workers(ctx context.Context) ([]errand.WorkerRecord, error) {
	t, err := s.begin(ctx, "list workers", time.Time{})
	if err != nil {
		return nil, err
	}
	defer t.end()
	var recs []errand.WorkerRecord
	for _, w := range t.workers {
		recs = append(recs, cloneWorker(&w.record))
	}
	slices.SortFunc(recs, func(a, b errand.WorkerRecord) int { return cmp.Compare(a.ID, b.ID) })
	return recs, nil
}

// Schemas implements [errand.Telemetry].
func (s *Store) Schemas(ctx context.Context) (map[string]json.RawMessage, error) {
	t, err := s.begin(ctx, "schemas", time.Time{})
	if err != nil {
		return nil, err
	}
	defer t.end()
	schemas := make(map[string]json.RawMessage)
	lastFirst := slices.SortedFunc(maps.Values(t.workers), func(a, b workerEntry) int {
		return cmp.Or(b.record.SeenAt.Compare(a.record.SeenAt), cmp.Compare(a.record.ID, b.record.ID))
	})
	for _, w := range lastFirst {
		for task, schema := range w.schemas {
			if _, ok := schemas[task]; !ok {
				schemas[task] = clone(schema)
			}
		}
	}
	return schemas, nil
}

// Report implements [errand.Telemetry].
func (s *Store) Report(ctx context.Context, reports []errand.ProgressReport) ([]error, error) {
	t, err := s.begin(ctx, "report", time.Time{})
	if err != nil {
		return nil, err
	}
	defer t.end()
	errs := make([]error, len(reports))
	for i := range reports {
		e := t.leased(reports[i].Lease)
		if e == nil {
			errs[i] = leaseLost("report on", reports[i].Lease)
			continue
		}
		p := cloneProgress(&reports[i].Progress)
		e.job.Progress = &p
	}
	return errs, nil
}

// Orders implements [errand.Telemetry].
func (s *Store) Orders(ctx context.Context, worker string) (errand.Orders, error) {
	t, err := s.begin(ctx, "orders", time.Time{})
	if err != nil {
		return errand.Orders{}, err
	}
	defer t.end()
	orders := t.workers[worker].orders
	if c := t.claimers[worker]; c != nil {
		orders.Cancel = slices.Sorted(maps.Keys(c.cancels))
	}
	return orders, nil
}

// Order implements [errand.Telemetry].
func (s *Store) Order(ctx context.Context, now time.Time, worker string, order errand.Order) error {
	if !order.Valid() {
		return fmt.Errorf("order: %w: %v", errand.ErrInvalid, order)
	}
	t, err := s.begin(ctx, "order", now)
	if err != nil {
		return err
	}
	defer t.end()
	w, ok := t.workers[worker]
	if !ok {
		return fmt.Errorf("order %v: worker %.100q: %w", order, worker, errand.ErrWorkerNotFound)
	}
	w.orders = order.Apply(w.orders)
	t.workers[worker] = w
	t.tell(errand.WorkerTopic, worker)
	return nil
}
