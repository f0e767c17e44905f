package errand_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func seriesOf(t *testing.T, st errand.Store, step time.Duration) errand.SeriesReply {
	t.Helper()
	return must(st.Series(t.Context(), errand.SeriesQuery{Step: step}))(t)
}

// total adds up samples of all slots, by task.
func total(reply errand.SeriesReply) map[string]errand.Sample {
	sums := make(map[string]errand.Sample)
	for i := range reply.Samples {
		s := sums[reply.Samples[i].Task]
		s.Merge(&reply.Samples[i])
		sums[reply.Samples[i].Task] = s
	}
	return sums
}

// What a worker's attempts come to is in the series, in all steps once it has stopped, and so is how full its queues are.
func TestWorkerWritesSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		q := errand.NewQueue(st, "q")
		good := errand.DefineFunc("good", func(context.Context, int) error { time.Sleep(2 * time.Second); return nil })
		bad := errand.DefineFunc("bad", func(context.Context, int) error { return errors.New("no") }, errand.Retry(1, errand.Fixed(time.Second)))
		_, stop := work(t, st, errand.WorkerConfig{Concurrency: 1}, good, bad)
		synctest.Wait()
		must(good.EnqueueMany(t.Context(), q, []int{1, 2, 3}))(t)
		must(bad.Enqueue(t.Context(), q, 1, errand.Priority(9)))(t)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		check := func(step time.Duration) {
			t.Helper()
			sums := total(seriesOf(t, st, step))
			g, b := sums["good"], sums["bad"]
			if g.Finished != 3 || g.Failed != 0 || g.Run.Count() != 3 || g.Run.Sum != 6*time.Second || g.Wait.Count() != 3 || g.Wait.Sum < 6*time.Second {
				t.Errorf("step %v: good: %+v", step, g)
			}
			if b.Retried != 1 || b.Failed != 1 || b.Finished != 0 || b.Run.Count() != 2 {
				t.Errorf("step %v: bad: %+v", step, b)
			}
		}
		check(errand.FineStep)
		if n := len(seriesOf(t, st, errand.MiddleStep).Samples); n != 0 {
			t.Errorf("the step of 5 minutes was reported after 30 seconds: %d samples", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		check(errand.MiddleStep)
		if n := len(seriesOf(t, st, errand.CoarseStep).Samples); n != 0 {
			t.Errorf("the step of an hour was reported after 90 seconds: %d samples", n)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for _, step := range errand.SeriesSteps() {
			check(step.Step)
		}
		depths := seriesOf(t, st, errand.FineStep).Depths
		if len(depths) < 8 || depths[0].Queue != "q" || depths[len(depths)-1].Counts[errand.StateFailed] != 1 || depths[len(depths)-1].Enqueued != 4 {
			t.Errorf("depths: %+v", depths)
		}
	})
}

// hiccup is a store that loses replies to reports, or is away.
type hiccup struct {
	*memory.Store
	lose, away bool
	reports    int
}

func (h *hiccup) RecordSeries(ctx context.Context, report errand.SeriesReport) error {
	h.reports++
	if h.away {
		return errand.ErrUnavailable
	}
	if err := h.Store.RecordSeries(ctx, report); err != nil || !h.lose {
		return err
	}
	return fmt.Errorf("%w: the reply is lost", errand.ErrUnavailable)
}

// A report whose reply is lost is repeated, and counts once; what was counted while the store was away comes later.
func TestRecorderRepeatsReports(t *testing.T) {
	st := &hiccup{Store: memory.New()}
	r := errand.NewRecorder(st, "w")
	now := noon
	flush := func(all bool) error {
		now = now.Add(errand.FineStep)
		return r.Flush(t.Context(), now, nil, all)
	}
	count := func() { r.Count("q", "t", now, errand.EventSucceeded, time.Second, time.Second) }
	count()
	st.lose = true
	if err := flush(false); !errors.Is(err, errand.ErrUnavailable) {
		t.Fatalf("a lost reply: %v", err)
	}
	count()
	st.lose, st.away = false, true
	for range 3 {
		if err := flush(false); err == nil {
			t.Fatal("no error from a store that is away")
		}
		count()
	}
	st.away = false
	if err := flush(true); err != nil {
		t.Fatal(err)
	}
	for _, step := range errand.SeriesSteps() {
		reply := must(st.Series(t.Context(), errand.SeriesQuery{Step: step.Step}))(t)
		if s := total(reply)["t"]; s.Finished != 5 || s.Run.Count() != 5 || s.Wait.Sum != 5*time.Second {
			t.Errorf("step %v: %+v, want 5", step.Step, s)
		}
	}
	before := st.reports
	if err := flush(true); err != nil || st.reports != before {
		t.Errorf("%d reports of nothing, %v", st.reports-before, err)
	}
}

// Of tasks and queues that are too many the rest is counted together, and nothing is lost; names that are none do no harm.
func TestRecorderIsBounded(t *testing.T) {
	st := memory.New()
	r := errand.NewRecorder(st, "w")
	const queues, tasks = 30, 50
	for flush := range 3 {
		now := noon.Add(time.Duration(flush) * 3 * time.Second)
		for q := range queues {
			for task := range tasks {
				r.Count(fmt.Sprint("q", q), fmt.Sprint("t", task, "-", flush), now, errand.EventFailed, -1, time.Second)
			}
		}
		r.Count("a queue?", "t", now, errand.EventFailed, -1, time.Second)
		r.Count("q1", "t", now, errand.EventReleased, 0, 0) // not counted
		if err := r.Flush(t.Context(), now, nil, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(t.Context(), noon.Add(9*time.Second), nil, true); err != nil {
		t.Fatal(err)
	}
	for _, step := range errand.SeriesSteps() {
		reply := seriesOf(t, st, step.Step)
		var sum errand.Sample
		for i := range reply.Samples {
			sum.Merge(&reply.Samples[i])
		}
		if want := int64(3 * (queues*tasks + 1)); sum.Failed != want || sum.Wait.Count() != 0 || sum.Run.Count() != want {
			t.Errorf("step %v: %d failed, %d runs, %d waits, want %d", step.Step, sum.Failed, sum.Run.Count(), sum.Wait.Count(), want)
		}
		if n := len(reply.Samples); n < 200 || n > 401 {
			t.Errorf("step %v: %d samples", step.Step, n)
		}
	}
}

// While a store is away for hours, what is kept for it is bounded.
func TestRecorderForgetsTheOldest(t *testing.T) {
	st := &hiccup{Store: memory.New(), away: true}
	r := errand.NewRecorder(st, "w")
	now := noon
	for range 1000 {
		for task := range 10 {
			r.Count("q", fmt.Sprint("t", task), now, errand.EventSucceeded, 0, 0)
		}
		now = now.Add(errand.FineStep)
		_ = r.Flush(t.Context(), now, nil, false)
	}
	st.away = false
	for range 2 {
		if err := r.Flush(t.Context(), now, nil, true); err != nil {
			t.Fatal(err)
		}
	}
	reply := must(st.Series(t.Context(), errand.SeriesQuery{Step: errand.FineStep}))(t)
	if n := len(reply.Samples); n < 300 || n > 820 || reply.Samples[n-1].At.Before(now.Add(-2*errand.FineStep)) {
		t.Errorf("%d samples are left", n)
	}
}
