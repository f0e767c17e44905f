package storetest

import (
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/errandhq/errand"
)

func auditEntry(at time.Time, changes ...func(*errand.AuditEntry)) errand.AuditEntry {
	e := errand.AuditEntry{
		ID: newID(), At: at, Who: "ada 漢", Via: "cli", Action: "requeue", Target: `queue "q", failed`, Count: 1 << 40, Detail: "😀\nsecond line",
	}
	for _, change := range changes {
		change(&e)
	}
	return e
}

// audit fails unless the log has exactly these entries, page by page.
func (k *kit) audit(filter errand.AuditFilter, want ...errand.AuditEntry) {
	k.Helper()
	var got []errand.AuditEntry
	for range 1000 {
		page, err := k.st.Audit(k.ctx, filter)
		k.ok(err)
		if len(page.Entries) > filter.PageSize() || page.Next != "" && len(page.Entries) < filter.PageSize() {
			k.Fatalf("a page of %d entries, next %q, where %d were asked for", len(page.Entries), page.Next, filter.PageSize())
		}
		got = append(got, page.Entries...)
		if filter.Cursor = page.Next; filter.Cursor == "" {
			k.sameList("audit entries", len(got), len(want), func(i int) (g, w any) { return got[i], want[i] })
			return
		}
	}
	k.Fatalf("pages without end")
}

var auditCases = []testCase{
	{name: "entries come back newest first, page by page", run: func(k *kit) {
		k.audit(errand.AuditFilter{})
		var all []errand.AuditEntry // newest first
		for i := range 25 {
			at := k.now.Add(time.Duration(i/3) * time.Second) // threes at the same time
			all = append([]errand.AuditEntry{auditEntry(at)}, all...)
			k.ok(k.st.RecordAudit(k.ctx, all[0]))
		}
		earlier := auditEntry(k.now.Add(-time.Hour)) // that came late
		k.ok(k.st.RecordAudit(k.ctx, earlier))
		all = append(all, earlier)
		for _, limit := range []int{0, 1, 2, 7, 25, 26, 27, 5000} {
			k.audit(errand.AuditFilter{Limit: limit}, all...)
		}
		_, err := k.st.Audit(k.ctx, errand.AuditFilter{Cursor: "none"})
		k.wantError(err, errand.ErrInvalid)
	}},
	{name: "an entry that is recorded again is there once, as it was", run: func(k *kit) {
		e := auditEntry(k.now)
		k.ok(k.st.RecordAudit(k.ctx, e))
		k.ok(k.st.RecordAudit(k.ctx, e))
		other := e
		other.At, other.Who = k.now.Add(time.Hour), "somebody else"
		k.ok(k.st.RecordAudit(k.ctx, other))
		k.audit(errand.AuditFilter{}, e)
	}},
	{name: "the log is searched by who and what", run: func(k *kit) {
		var all []errand.AuditEntry
		for i := range 12 {
			e := auditEntry(k.now.Add(time.Duration(i)*time.Minute), func(e *errand.AuditEntry) {
				e.Who, e.Action = []string{"ada", "bob"}[i%2], []string{"pause", "cancel", "delete"}[i%3]
			})
			k.ok(k.st.RecordAudit(k.ctx, e))
			all = append([]errand.AuditEntry{e}, all...)
		}
		for _, filter := range []errand.AuditFilter{
			{Who: "ada"}, {Action: "delete"}, {Who: "bob", Action: "pause"}, {Who: "ad"}, {Action: "Delete"}, {Who: "eve", Action: "pause"},
		} {
			var want []errand.AuditEntry
			for _, e := range all {
				if filter.Matches(&e) {
					want = append(want, e)
				}
			}
			for _, filter.Limit = range []int{0, 1, 2, 3} {
				k.audit(filter, want...)
			}
		}
	}},
	{name: "long and odd texts are made fit, and an entry without id or time is refused", run: func(k *kit) {
		e := auditEntry(k.now, func(e *errand.AuditEntry) {
			e.Who, e.Detail, e.Target = "a\x00b\xffc", strings.Repeat("漢", 5000), ""
		})
		k.ok(k.st.RecordAudit(k.ctx, e))
		want, err := e.Tidy()
		k.ok(err)
		if len(want.Detail) > errand.MaxAuditBytes || !utf8.ValidString(want.Who) {
			k.Errorf("Tidy: %+v", want)
		}
		k.audit(errand.AuditFilter{}, want)
		k.audit(errand.AuditFilter{Who: want.Who}, want)
		for _, bad := range []errand.AuditEntry{{}, {At: k.now}, {ID: newID()}, {ID: "x", At: k.now}} {
			k.wantError(k.st.RecordAudit(k.ctx, bad), errand.ErrInvalid)
		}
		k.audit(errand.AuditFilter{}, want)
	}},
	{name: "entries are deleted when they are old", run: func(k *kit) {
		first, second := auditEntry(k.now), auditEntry(k.now.Add(time.Second))
		k.ok(k.st.RecordAudit(k.ctx, second))
		k.ok(k.st.RecordAudit(k.ctx, first))
		k.now = first.At.Add(errand.KeepAudit)
		k.maintain()
		k.audit(errand.AuditFilter{}, second, first)
		k.pass(time.Second)
		k.maintain()
		k.audit(errand.AuditFilter{}, second)
	}},
	{name: "of entries that are too many the oldest are deleted, in bounded batches", run: func(k *kit) {
		const surplus = 30
		var wg sync.WaitGroup
		ids := make(chan int)
		for range 256 { // so that stores that group what is called at once write in few groups
			wg.Go(func() {
				for i := range ids {
					e := auditEntry(k.now.Add(time.Duration(i) * time.Millisecond))
					if err := k.st.RecordAudit(k.ctx, e); err != nil {
						k.Errorf("record audit: %v", err)
					}
				}
			})
		}
		for i := range errand.MaxAudit + surplus {
			ids <- i
		}
		close(ids)
		wg.Wait()
		k.pass(time.Minute)
		reply, err := k.st.Maintain(k.ctx, errand.MaintainRequest{Now: k.now, Limit: 10})
		k.ok(err)
		if !reply.More {
			k.Errorf("maintain with a limit of 10: %+v", reply)
		}
		k.maintain()
		n, oldest := 0, time.Time{}
		for filter := (errand.AuditFilter{Limit: 1000}); ; {
			page, err := k.st.Audit(k.ctx, filter)
			k.ok(err)
			for _, e := range page.Entries {
				n, oldest = n+1, e.At
			}
			if filter.Cursor = page.Next; filter.Cursor == "" {
				break
			}
		}
		if want := start.Add(surplus * time.Millisecond); n != errand.MaxAudit || !oldest.Equal(want) {
			k.Errorf("%d entries, the oldest of %v, want %d and %v", n, oldest, errand.MaxAudit, want)
		}
	}},
}
