package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

// Schemas implements [errand.Telemetry], not yet.
func (s *Store) Schemas(ctx context.Context) (map[string]json.RawMessage, error) {
	return nil, s.unfinished(ctx, "schemas")
}

// Order implements [errand.Telemetry], not yet.
func (s *Store) Order(ctx context.Context, _ time.Time, _ string, _ errand.Order) error {
	return s.unfinished(ctx, "order")
}

// RecordSeries implements [errand.Telemetry], not yet.
func (s *Store) RecordSeries(ctx context.Context, _ errand.SeriesReport) error {
	return s.unfinished(ctx, "record series")
}

// Series implements [errand.Telemetry], not yet.
func (s *Store) Series(ctx context.Context, _ errand.SeriesQuery) (errand.SeriesReply, error) {
	return errand.SeriesReply{}, s.unfinished(ctx, "series")
}

// RecordAudit implements [errand.Telemetry], not yet.
func (s *Store) RecordAudit(ctx context.Context, _ errand.AuditEntry) error {
	return s.unfinished(ctx, "record audit")
}

// Audit implements [errand.Telemetry], not yet.
func (s *Store) Audit(ctx context.Context, _ errand.AuditFilter) (errand.AuditPage, error) {
	return errand.AuditPage{}, s.unfinished(ctx, "audit")
}

func (s *Store) unfinished(ctx context.Context, op string) error {
	if err := s.enter(ctx, label{op: op}); err != nil {
		return err
	}
	s.leave()
	return fmt.Errorf("%s: %w", op, errors.ErrUnsupported)
}
