package web

import (
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/store/memory"
)

var noon = time.Date(2026, 3, 1, 12, 0, 40, 0, time.UTC)

// TestDrawStaysInItsBox: whatever the values, a chart is drawn inside its box, has a row for each slot and as many values.
func TestDrawStaysInItsBox(t *testing.T) {
	nan := math.NaN()
	for _, values := range [][]float64{
		{0, 0, 0, 0}, {1, 2, 3, nan}, {nan, nan, nan, nan}, {1e12, 0, 1, 3}, {0.00001, 4e5, 3, 1}, {1, nan, nan, 5},
	} {
		for _, kind := range []string{"area", "columns", "lines"} {
			for _, durations := range []bool{false, true} {
				p := plot{kind: kind, durations: durations, names: []string{"a", "b"}, classes: []string{"c-1", "c-2"},
					values: [][]float64{values, values}, format: rate(lang.English)}
				c := p.draw(lang.English, slots{from: noon, each: time.Minute, n: 4})
				if len(c.Rows) != 4 || len(c.Rows[0].Values) != 2 || len(c.Ticks) != 3 {
					t.Fatalf("%v %s: %d rows, %d ticks", values, kind, len(c.Rows), len(c.Ticks))
				}
				for _, line := range c.Lines {
					checkPath(t, line.Path)
				}
			}
		}
	}
}

// checkPath fails for a point outside of a box of 1000 by 100.
func checkPath(t *testing.T, path string) {
	t.Helper()
	for _, point := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune("MLZ", r) }) {
		x, y, ok := strings.Cut(point, " ")
		if a, b := number(t, x), number(t, y); !ok || a < 0 || a > 1000 || b < -1.3 || b > 100 {
			t.Errorf("point %q of %s", point, path)
		}
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Error(err)
	}
	return n
}

// TestDurationScale: round marks that hold all values, evenly spaced, and longer is never lower.
func TestDurationScale(t *testing.T) {
	for _, span := range [][2]float64{{0, 0}, {0.002, 0.004}, {0.001, 7200}, {0.2, 80}, {50_000, 1e9}} {
		s := durationScale(span[0], span[1])
		last := -1.0
		for _, v := range []float64{0, span[0], (span[0] + span[1]) / 2, span[1]} {
			at := s.place(v)
			if at < last || at < 0 || at > 1 || math.IsNaN(at) {
				t.Errorf("%v: %v is at %v, after %v", span, v, at, last)
			}
			last = at
		}
		if middle := s.place(s.ticks[1]); math.Abs(middle-0.5) > 1e-9 {
			t.Errorf("%v: the middle tick is at %v", span, middle)
		}
	}
}

// TestHistory: samples and depths go to their slots; the rate of a slot that has just begun is not told.
func TestHistory(t *testing.T) {
	p := periodNamed("1h")
	s := p.until(noon)
	if s.n != 60 || !s.end().Equal(noon.Truncate(time.Minute).Add(time.Minute)) {
		t.Fatalf("slots are %+v", s)
	}
	sample := errand.Sample{At: noon.Add(-10 * time.Minute), Queue: "mail", Task: "send", Finished: 30, Failed: 2}
	sample.Run.Add(time.Second)
	later := sample
	later.At = sample.At.Add(10 * time.Second)
	past := historyOf(p, s, errand.SeriesReply{
		Samples: []errand.Sample{sample, later, {At: noon.Add(-2 * time.Hour), Queue: "old", Finished: 1}},
		Depths: []errand.Depth{
			{At: noon.Add(-time.Minute), Queue: "mail", Counts: map[errand.State]int64{errand.StateQueued: 4}},
			{At: noon.Add(-50 * time.Second), Queue: "mail", Counts: map[errand.State]int64{errand.StateQueued: 9}},
			{At: noon, Queue: "clicks", Messages: true},
		},
	})
	if sum := past.sum(); sum.Finished != 60 || sum.Failed != 4 || sum.Run.Count() != 2 {
		t.Errorf("the sum is %+v", sum)
	}
	if got := past.perMinute(past.byQueue["mail"])[49]; got != 60 {
		t.Errorf("%v a minute, want 60", got)
	}
	if got := past.byQueue["old"]; got != nil {
		t.Errorf("a slot before the period counts: %v", got)
	}
	if got := depthOf(past.depths["mail"], errand.StateQueued); got[58] != 9 || !math.IsNaN(got[57]) {
		t.Errorf("the depths end with %v", got[56:])
	}
	if past.lists["clicks"] == nil || past.depths["clicks"] != nil {
		t.Error("a hotqueue's depth is a queue's")
	}
	if early := p.until(noon.Truncate(time.Minute).Add(12 * time.Second)); !math.IsNaN(early.minutes(59)) {
		t.Errorf("a slot of 12 s has %v minutes", early.minutes(59))
	}
	if got := s.minutes(59); got != 0.5 { // workers report 10 s late
		t.Errorf("a slot of 40 s has %v minutes", got)
	}
}

// TestLargest: the rest has more than one name, or there is none.
func TestLargest(t *testing.T) {
	of := map[string]int{"a": 1, "b": 5, "c": 3, "d": 5}
	weigh := func(n int) float64 { return float64(n) }
	if top, rest := largest(of, 2, weigh); !slices.Equal(top, []string{"b", "d"}) || !slices.Equal(rest, []string{"c", "a"}) {
		t.Errorf("%v, %v", top, rest)
	}
	if top, rest := largest(of, 3, weigh); len(top) != 4 || rest != nil {
		t.Errorf("%v, %v", top, rest)
	}
}

// TestLife: a job that failed, was requeued and runs again has every state in order, with durations that add up.
func TestLife(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	job := &errand.Job{
		JobSpec: errand.JobSpec{RunAt: at(5)}, CreatedAt: at(0), State: errand.StateStarted, Attempt: 1, StartedAt: at(60),
		Attempts: []errand.AttemptRecord{
			{Attempt: 1, Outcome: errand.EventRetried, StartedAt: at(10), EndedAt: at(12)},
			{Attempt: 2, Outcome: errand.EventFailed, StartedAt: at(20), EndedAt: at(21)},
		},
	}
	l := lifeOf(job, at(100))
	var states []errand.State
	var whole time.Duration
	for _, s := range l.Steps {
		states = append(states, s.State)
		whole += s.For
		if s.X < 0 || s.X+s.W > 100.001 {
			t.Errorf("the bar of %v is from %v for %v", s.State, s.X, s.W)
		}
	}
	want := []errand.State{errand.StateScheduled, errand.StateStarted, errand.StateScheduled, errand.StateStarted, errand.StateFailed, errand.StateStarted}
	if !slices.Equal(states, want) || whole != 100*time.Second || l.Whole != whole {
		t.Errorf("%v in %v of %v", states, whole, l.Whole)
	}
	for i := range 60 {
		job.Attempts = append(job.Attempts, errand.AttemptRecord{Attempt: i + 3, Outcome: errand.EventRetried, StartedAt: at(21 + i), EndedAt: at(21 + i)})
	}
	if l = lifeOf(job, at(100)); len(l.Steps) != maxSteps || l.Cut == 0 || !l.Steps[maxSteps/2].Gap || !l.Steps[maxSteps-1].Last {
		t.Errorf("a long life has %d steps, %d left out", len(l.Steps), l.Cut)
	}
}

// TestHistoryIsKept: who looks soon after another costs the store nothing, and waits for nothing while a newer one is read.
func TestHistoryIsKept(t *testing.T) {
	st := memory.New()
	t.Cleanup(func() { st.Close() })
	h := New(st, Config{InsecureNoAuth: true, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { h.Close() })
	p := periods[0]
	look := func() *history {
		got, err := h.history(t.Context(), noon, p, "", "")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := look()
	if look() != first {
		t.Error("a second look read the store again")
	}
	p.fresh = time.Hour
	key := historyKey{p.Name, "", ""}
	age := func(by time.Duration) {
		kept := h.histories.kept[key]
		kept.at = time.Now().Add(-by)
		h.histories.kept[key] = kept
	}
	age(stale * p.fresh)
	second := look()
	if second == first {
		t.Error("what was far too old was shown")
	}
	age(2 * p.fresh)
	if look() != second {
		t.Error("a look at what is old had to wait")
	}
	h.operations.group.Wait()
	if look() == second {
		t.Error("nothing newer was read in the background")
	}
}
