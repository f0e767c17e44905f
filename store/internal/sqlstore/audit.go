package sqlstore

import (
	"encoding/json"
	"fmt"

	"github.com/errandhq/errand"
)

// The audit log.
const (
	insertAudit = `INSERT INTO errand_audit (id, at, who, action, entry) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
	selectAudit = `SELECT entry FROM errand_audit WHERE at <= ? AND (at, id) < (?, ?)
AND (? = '' OR who = ?) AND (? = '' OR action = ?) ORDER BY at DESC, id DESC LIMIT ?`
	countAudit  = `SELECT COUNT(*) FROM errand_audit`
	oldAudit    = `SELECT seq FROM errand_audit WHERE at < ? ORDER BY at, id LIMIT ?`
	oldestAudit = `SELECT seq FROM errand_audit ORDER BY at, id LIMIT ?`
	deleteAudit = `DELETE FROM errand_audit WHERE seq{in}`
)

// RecordAudit is errand.Telemetry's.
func (s *Session) RecordAudit(entry errand.AuditEntry) error {
	entry, err := entry.Tidy()
	if err == nil {
		err = s.recordAudit(&entry)
	}
	if err != nil {
		return fmt.Errorf("record audit: %w", err)
	}
	return nil
}

func (s *Session) recordAudit(entry *errand.AuditEntry) error {
	key, ok := keyOf(entry.ID)
	if !ok {
		return fmt.Errorf("%w: audit entry %.100q", errand.ErrInvalid, entry.ID)
	}
	text, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	_, err = s.tx.Exec(insertAudit, key, micros(entry.At), entry.Who, entry.Action, text)
	return err
}

// Audit is errand.Telemetry's. An entry that cannot be read is left out.
func (s *Session) Audit(filter errand.AuditFilter) (errand.AuditPage, error) {
	page, err := s.audit(&filter)
	if err != nil {
		return errand.AuditPage{}, fmt.Errorf("audit: %w", err)
	}
	return page, nil
}

func (s *Session) audit(filter *errand.AuditFilter) (page errand.AuditPage, err error) {
	at, id, err := errand.ParseAuditCursor(filter.Cursor)
	if err != nil {
		return page, err
	}
	key := make([]byte, 16)
	if id != "" {
		key, _ = keyOf(id) // the cursor was parsed
	}
	size := filter.PageSize()
	n := 0
	err = s.tx.Query(selectAudit, func(row Row) error {
		if n++; n > size {
			page.Next = errand.AuditCursor(&page.Entries[len(page.Entries)-1])
			return nil
		}
		var entry errand.AuditEntry
		if json.Unmarshal(row.Blob(0), &entry) == nil {
			page.Entries = append(page.Entries, entry)
		}
		return nil
	}, micros(at), micros(at), key, filter.Who, filter.Who, filter.Action, filter.Action, int64(size+1))
	return page, err
}

// purgeAudit deletes the entries that are too old or too many, at most limit, and reports whether there may be more.
func (s *Session) purgeAudit(limit int) (more bool, err error) {
	n, err := s.deleteAudit(oldAudit, micros(s.now.Add(-errand.KeepAudit)), int64(limit))
	if err != nil || n == limit {
		return err == nil, err
	}
	var all int64
	_, err = one(s.tx, countAudit, func(row Row) error {
		all = row.Int(0)
		return nil
	})
	if err != nil || all <= errand.MaxAudit {
		return false, err
	}
	surplus := all - errand.MaxAudit
	_, err = s.deleteAudit(oldestAudit, min(surplus, int64(limit)))
	return surplus > int64(limit), err
}

func (s *Session) deleteAudit(query string, args ...any) (int, error) {
	var seqs []int64
	err := s.tx.Query(query, func(row Row) error {
		seqs = append(seqs, row.Int(0))
		return nil
	}, args...)
	if err != nil || len(seqs) == 0 {
		return 0, err
	}
	_, err = s.tx.Exec(deleteAudit, seqs)
	return len(seqs), err
}
