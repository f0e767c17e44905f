package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// Heartbeat implements [errand.Telemetry].
func (s *Store) Heartbeat(ctx context.Context, rec errand.WorkerRecord) error {
	t, err := s.begin(ctx, "heartbeat", rec.SeenAt)
	if err != nil {
		return err
	}
	defer t.end()
	if rec.Gone {
		delete(t.telemetry, rec.ID)
	} else {
		t.telemetry[rec.ID] = cloneWorker(&rec)
	}
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
	for _, rec := range t.telemetry {
		recs = append(recs, cloneWorker(&rec))
	}
	slices.SortFunc(recs, func(a, b errand.WorkerRecord) int { return cmp.Compare(a.ID, b.ID) })
	return recs, nil
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
	c := t.claimers[worker]
	if c == nil {
		return errand.Orders{}, nil
	}
	return errand.Orders{Cancel: slices.Sorted(maps.Keys(c.cancels))}, nil
}
