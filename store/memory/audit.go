package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// compareAudit is the order of the log, oldest first.
func compareAudit(a, b errand.AuditEntry) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
}

// RecordAudit implements [errand.Telemetry].
func (s *Store) RecordAudit(ctx context.Context, entry errand.AuditEntry) error {
	entry, err := entry.Tidy()
	if err != nil {
		return fmt.Errorf("record audit: %w", err)
	}
	t, err := s.begin(ctx, "record audit", entry.At)
	if err != nil {
		return err
	}
	defer t.end()
	if slices.ContainsFunc(t.audit, func(e errand.AuditEntry) bool { return e.ID == entry.ID }) {
		return nil
	}
	i, _ := slices.BinarySearchFunc(t.audit, entry, compareAudit)
	t.audit = slices.Insert(t.audit, i, entry)
	return nil
}

// Audit implements [errand.Telemetry].
func (s *Store) Audit(ctx context.Context, filter errand.AuditFilter) (errand.AuditPage, error) {
	var page errand.AuditPage
	at, id, err := errand.ParseAuditCursor(filter.Cursor)
	if err != nil {
		return page, fmt.Errorf("audit: %w", err)
	}
	t, err := s.begin(ctx, "audit", time.Time{})
	if err != nil {
		return page, err
	}
	defer t.end()
	place := errand.AuditEntry{ID: id, At: at}
	for _, e := range slices.Backward(t.audit) {
		if compareAudit(e, place) >= 0 || !filter.Matches(&e) {
			continue
		}
		if n := len(page.Entries); n == filter.PageSize() {
			page.Next = errand.AuditCursor(&page.Entries[n-1])
			break
		}
		page.Entries = append(page.Entries, e)
	}
	return page, nil
}

// purgeAudit deletes the entries that are too old or too many, at most limit, and reports whether there are more.
func (t *turn) purgeAudit(limit int) (more bool) {
	bound := t.now.Add(-errand.KeepAudit)
	n := max(len(t.audit)-errand.MaxAudit, 0)
	for n < len(t.audit) && t.audit[n].At.Before(bound) {
		n++
	}
	t.audit = slices.Delete(t.audit, 0, min(n, limit))
	return n > limit
}
