package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/errandhq/errand"
)

func (s *Store) auditKey() string { return "{" + s.prefix + "}:audit" }

// auditTime is the part of a place in the log that is before the entry's id; as text it is in the order of time.
const auditTime = "%020d:"

var auditTimeLength = strconv.Itoa(len(auditPlace(time.Time{}, "")))

func auditPlace(at time.Time, id string) string {
	return fmt.Sprintf(auditTime, max(at.UnixMicro(), 0)) + id
}

// RecordAudit implements [errand.Telemetry].
func (s *Store) RecordAudit(ctx context.Context, entry errand.AuditEntry) error {
	c, err := s.begin(ctx, entry.At, "record audit")
	if err != nil {
		return err
	}
	defer c.done()
	if entry, err = entry.Tidy(); err != nil {
		return s.fail(c, err)
	}
	text, err := json.Marshal(entry)
	if err != nil {
		return s.fail(c, fmt.Errorf("%w: %w", errand.ErrInvalid, err))
	}
	call := s.invokeKey(c, auditScript, s.auditKey(), entry.ID, auditPlace(entry.At, entry.ID), string(text))
	return s.fail(c, s.runAll(c.ctx, call)[0].Error())
}

// Audit implements [errand.Telemetry]. An entry that cannot be read is left out.
func (s *Store) Audit(ctx context.Context, filter errand.AuditFilter) (errand.AuditPage, error) {
	c, err := s.begin(ctx, time.Time{}, "audit")
	if err != nil {
		return errand.AuditPage{}, err
	}
	defer c.done()
	at, id, err := errand.ParseAuditCursor(filter.Cursor)
	if err != nil {
		return errand.AuditPage{}, s.fail(c, err)
	}
	before := "+"
	if filter.Cursor != "" {
		before = "(" + auditPlace(at, id)
	}
	page, size := errand.AuditPage{}, filter.PageSize()
	for {
		n := size + 1
		if filter.Who != "" || filter.Action != "" {
			n = 1000 // most do not match
		}
		call := s.invokeKey(c, entriesScript, s.auditKey(), before, strconv.Itoa(n), auditTimeLength)
		texts, err := s.runAll(c.ctx, call)[0].AsStrSlice()
		if err != nil {
			return errand.AuditPage{}, s.fail(c, err)
		}
		for i := 1; i < len(texts); i += 2 {
			before = "(" + texts[i-1]
			var e errand.AuditEntry
			if json.Unmarshal([]byte(texts[i]), &e) != nil || !filter.Matches(&e) {
				continue
			}
			if len(page.Entries) == size {
				page.Next = errand.AuditCursor(&page.Entries[size-1])
				return page, nil
			}
			page.Entries = append(page.Entries, e)
		}
		if len(texts) < 2*n {
			return page, nil
		}
	}
}

// trimAudit deletes entries that are too old or too many.
func (k *keeper) trimAudit() error {
	limit := min(k.limit, chunk)
	old := auditPlace(time.UnixMicro(k.c.now).Add(-errand.KeepAudit), "")
	call := k.invokeKey(k.c, trimScript, k.auditKey(), old, strconv.Itoa(errand.MaxAudit), itoa(limit), auditTimeLength)
	n, err := k.runAll(k.c.ctx, call)[0].AsInt64()
	k.reply.More = k.reply.More || int(n) == limit
	return err
}
