package sqlroles

import (
	"context"
	"encoding/json"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Schemas implements [errand.Telemetry].
func (r *Roles) Schemas(ctx context.Context) (schemas map[string]json.RawMessage, err error) {
	err = r.on.Read(ctx, Label{Op: "schemas"}, func(session *sqlstore.Session) (err error) {
		schemas, err = session.Schemas()
		return err
	})
	return schemas, err
}

// Order implements [errand.Telemetry].
func (r *Roles) Order(ctx context.Context, now time.Time, worker string, order errand.Order) error {
	return r.on.Write(ctx, Series, Label{Op: "order"}, 1, func(session *sqlstore.Session) error { return session.Order(now, worker, order) })
}

// RecordSeries implements [errand.Telemetry].
func (r *Roles) RecordSeries(ctx context.Context, report errand.SeriesReport) error {
	rows := len(report.Samples) + len(report.Depths)
	return r.on.Write(ctx, Series, Label{Op: "record series"}, rows, func(session *sqlstore.Session) error { return session.RecordSeries(report) })
}

// Series implements [errand.Telemetry].
func (r *Roles) Series(ctx context.Context, query errand.SeriesQuery) (answer errand.SeriesReply, err error) {
	err = r.on.Read(ctx, Label{Op: "series"}, func(session *sqlstore.Session) (err error) {
		answer, err = session.Series(query)
		return err
	})
	return answer, err
}

// RecordAudit implements [errand.Telemetry].
func (r *Roles) RecordAudit(ctx context.Context, entry errand.AuditEntry) error {
	return r.on.Write(ctx, Audit, Label{Op: "record audit"}, 1, func(session *sqlstore.Session) error { return session.RecordAudit(entry) })
}

// Audit implements [errand.Telemetry].
func (r *Roles) Audit(ctx context.Context, filter errand.AuditFilter) (page errand.AuditPage, err error) {
	err = r.on.Read(ctx, Label{Op: "audit"}, func(session *sqlstore.Session) (err error) {
		page, err = session.Audit(filter)
		return err
	})
	return page, err
}
