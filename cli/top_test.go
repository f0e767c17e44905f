package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// TestCharts draws areas and blocks: from the right, a value that is not zero seen, none higher than the top.
func TestCharts(t *testing.T) {
	for _, c := range []struct {
		got  []string
		want []string
	}{
		{areaChart([]float64{0, 4, 8, 100}, 2, 2, 8), []string{" ⣿", "⢸⣿"}},
		{areaChart([]float64{0.01}, 2, 1, 1000), []string{" ⢀"}},
		{areaChart([]float64{8, 0}, 1, 1, 8), []string{"⡇"}},
		{areaChart(nil, 2, 1, 1), []string{"  "}},
		{areaChart([]float64{1}, 0, 1, 1), nil},
		{[]string{blocks([]float64{9, 0, 1, 4, 8}, 4, 8)}, []string{" ▁▄█"}},
		{[]string{blocks(nil, 3, 1)}, []string{"   "}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	for most, want := range map[float64]float64{0: 1, 0.3: 0.5, 1: 1, 1.1: 2, 3: 5, 7: 10, 10: 10, 1234: 2000} {
		if got := roundTop([]float64{0, most}); got != want {
			t.Errorf("roundTop(%g) = %g, want %g", most, got, want)
		}
	}
}

// TestHistory proves that rates come from totals and the time between looks, that what workers recorded comes before, and
// that nothing grows without bound.
func TestHistory(t *testing.T) {
	start := time.Date(2026, 11, 25, 12, 0, 3, 0, time.UTC)
	h := histories{}
	slot := start.Truncate(errand.FineStep).Add(-errand.FineStep)
	h.recall(&errand.SeriesReply{
		Samples: []errand.Sample{{Step: errand.FineStep, At: slot, Queue: "mail", Task: "send", Finished: 50, Failed: 10}},
		Depths:  []errand.Depth{{Step: errand.FineStep, At: slot, Queue: "mail", Counts: map[errand.State]int64{errand.StateQueued: 7, errand.StateFailed: 3}}},
	}, start, time.Second)
	for _, of := range []string{"", "mail"} {
		if got := h.of(of); len(got.done) != maxPoints || now(got.done) != 5 || now(got.bad) != 1 || now(got.depth) != 7 || got.done[0] != 0 {
			t.Errorf("%q recalls %d values, the last %g, %g and %g", of, len(got.done), now(got.done), now(got.bad), now(got.depth))
		}
	}
	queue := errand.QueueInfo{Name: "mail", Counts: map[errand.State]int64{errand.StateQueued: 4, errand.StateStarted: 1, errand.StateFinished: 9}}
	h.add(start, []errand.QueueInfo{queue})
	queue.Finished.Total, queue.Failed.Total = 30, 2
	h.add(start.Add(2*time.Second), []errand.QueueInfo{queue})
	if got := h.of("mail"); len(got.done) != maxPoints || now(got.done) != 15 || now(got.bad) != 1 || now(got.depth) != 5 {
		t.Errorf("after a look: %d values, the last %g, %g and %g", len(got.done), now(got.done), now(got.bad), now(got.depth))
	}
	queue.Finished.Total = 0 // another store stands at that place
	h.add(start.Add(3*time.Second), []errand.QueueInfo{queue})
	if got := now(h.of("mail").done); got != 0 {
		t.Errorf("a total that fell is a rate of %g", got)
	}
}

// TestFailuresAreGrouped proves that failures of one task and cause are one line, whatever their queue, and that a requeue of
// the group takes all of them and no others.
func TestFailuresAreGrouped(t *testing.T) {
	sh := newShell(t)
	ctx, st := t.Context(), sh.st
	at, err := st.Now(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range []struct{ queue, task, text string }{
		{"a", "send", "order 17 is gone"}, {"b", "send", "order 18 is gone"}, {"a", "send", "refused"}, {"a", "print", "order 19 is gone"},
	} {
		spec := errand.JobSpec{ID: errand.NewID(), Queue: f.queue, Task: f.task, Payload: []byte("1")}
		rec := errand.AttemptRecord{Attempt: 1, Outcome: errand.EventFailed, StartedAt: at, EndedAt: at, Error: f.text}
		if err := st.Bury(ctx, at.Add(time.Duration(i)*time.Second), spec, rec); err != nil {
			t.Fatal(err)
		}
	}
	queues, err := st.Queues(ctx, at)
	if err != nil {
		t.Fatal(err)
	}
	found, err := findFailures(ctx, st, queues)
	if err != nil || found.scanned != 4 || len(found.groups) != 3 || found.more {
		t.Fatalf("%+v, %v", found, err)
	}
	g := found.groups[0]
	if g.task != "send" || g.count != 2 || !strings.Contains(g.text, "18") || !slices.Equal(g.queues, []string{"a", "b"}) {
		t.Errorf("the largest group is %+v", g)
	}
	if ids, err := g.members(ctx, st); err != nil || len(ids) != 2 {
		t.Errorf("its members are %v, %v", ids, err)
	}
}
