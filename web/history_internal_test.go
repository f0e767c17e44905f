package web

import (
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// TestHistoryReadAgain proves that a history of which only the end is read again is as one that is read anew, with what was
// reported late.
func TestHistoryReadAgain(t *testing.T) {
	st := memory.New()
	defer st.Close()
	now, err := st.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	number := int64(0)
	report := func(at time.Time, n int64) {
		t.Helper()
		number++
		at = at.Truncate(errand.FineStep)
		err := st.RecordSeries(t.Context(), errand.SeriesReport{Now: now, Writer: "w", Number: number,
			Samples: []errand.Sample{{Step: errand.FineStep, At: at, Queue: "mail", Task: "send", Finished: n}},
			Depths:  []errand.Depth{{Step: errand.FineStep, At: at, Queue: "mail", Counts: map[errand.State]int64{errand.StateQueued: n}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for ago := 70 * time.Minute; ago > 0; ago -= 37 * time.Second {
		report(now.Add(-ago), int64(ago/time.Second))
	}
	open := func() *Handler { return New(st, Config{InsecureNoAuth: true, Logger: slog.New(slog.DiscardHandler)}) }
	h := open()
	defer h.Close()
	p := periodNamed("1h")
	if _, err := h.history(t.Context(), now, p, "", ""); err != nil {
		t.Fatal(err)
	}
	report(now, 5)
	report(now.Add(-time.Minute), 7) // late
	now = now.Add(90 * time.Second)
	for key, kept := range h.histories.kept {
		kept.at = time.Time{} // it is no longer fresh
		h.histories.kept[key] = kept
	}
	again, err := h.history(t.Context(), now, p, "", "")
	if err != nil {
		t.Fatal(err)
	}
	other := open()
	defer other.Close()
	anew, err := other.history(t.Context(), now, p, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, anew) {
		t.Errorf("read again: %+v\nread anew: %+v", again, anew)
	}
}
