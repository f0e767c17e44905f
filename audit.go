package errand

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The bounds of the audit log.
const (
	MaxAudit      = 10_000
	KeepAudit     = 90 * 24 * time.Hour
	MaxAuditBytes = 1000 // of each text of an entry; what is longer is cut
)

// AuditEntry says what somebody did to the store by hand.
type AuditEntry struct {
	ID     string    `json:"id"` // from [NewID]; the same again for a repeated request
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Via    string    `json:"via"`    // "dashboard", "api" or "cli"
	Action string    `json:"action"` // "requeue", "cancel", "delete", "pause", ...
	Target string    `json:"target"` // a job's id, a queue's or worker's name, or what selected the jobs
	Count  int64     `json:"count"`  // to how many jobs it was done
	Detail string    `json:"detail,omitempty"`
}

// Tidy returns the entry as a store is to keep it: its time in UTC to the microsecond, its texts valid UTF-8 without NUL
// and not longer than [MaxAuditBytes]. It returns an [ErrInvalid] for an entry without an id that [NewID] could have made, or
// without a time.
func (e AuditEntry) Tidy() (AuditEntry, error) {
	if _, err := parseID(e.ID); err != nil {
		return e, fmt.Errorf("audit entry: %w", err)
	}
	if e.At.IsZero() {
		return e, fmt.Errorf("%w: audit entry %s has no time", ErrInvalid, e.ID)
	}
	e.ID = strings.ToLower(e.ID)
	e.At = e.At.UTC().Truncate(time.Microsecond)
	for _, text := range []*string{&e.Who, &e.Via, &e.Action, &e.Target, &e.Detail} {
		*text = clipEnd(strings.ReplaceAll(*text, "\x00", "\uFFFD"), MaxAuditBytes)
	}
	return e, nil
}

// AuditFilter selects entries of the audit log.
type AuditFilter struct {
	Limit  int    // of the page, 1 to 1000; 0: 100
	Cursor string // AuditPage.Next of the page before; empty: the first page
	Who    string // empty: anybody
	Action string // empty: anything
}

// PageSize returns Limit within its bounds.
func (f *AuditFilter) PageSize() int {
	if f.Limit <= 0 {
		return 100
	}
	return min(f.Limit, 1000)
}

// Matches reports whether the filter selects the entry.
func (f *AuditFilter) Matches(e *AuditEntry) bool {
	return (f.Who == "" || f.Who == e.Who) && (f.Action == "" || f.Action == e.Action)
}

// AuditPage is a page of the audit log, newest first; of entries of the same time, that with the greater id first.
type AuditPage struct {
	Entries []AuditEntry
	Next    string // empty: there are no more
}

// AuditCursor returns the place of an entry in the log, for AuditPage.Next.
func AuditCursor(e *AuditEntry) string { return strconv.FormatInt(e.At.UnixMicro(), 10) + "." + e.ID }

// ParseAuditCursor is the reverse of [AuditCursor]. An empty one is the place before every entry.
func ParseAuditCursor(cursor string) (at time.Time, id string, err error) {
	if cursor == "" {
		return time.UnixMicro(1 << 62).UTC(), "", nil
	}
	micros, id, ok := strings.Cut(cursor, ".")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err == nil && ok {
		_, err = parseID(id)
	}
	if err != nil || !ok {
		return time.Time{}, "", fmt.Errorf("%w: cursor %.100q", ErrInvalid, cursor)
	}
	return time.UnixMicro(n).UTC(), id, nil
}
