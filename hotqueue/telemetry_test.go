package hotqueue_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/memory"
)

// theWorker returns the only worker's record.
func theWorker(t *testing.T, st errand.Store) errand.WorkerRecord {
	t.Helper()
	recs, err := st.Workers(t.Context())
	if err != nil || len(recs) != 1 {
		t.Fatalf("%d workers, %v", len(recs), err)
	}
	return recs[0]
}

// TestOrders proves that a parameter worker follows orders: quiet it takes nothing and calls nothing again, ordered to
// resume it goes on, and ordered to stop Run returns.
func TestOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		numbers := hotqueue.New[int](st, "numbers")
		var calls atomic.Int64
		worker := hotqueue.Worker(numbers, func(_ context.Context, n int) error {
			if calls.Add(1) == 1 {
				return errors.New("not yet")
			}
			return nil
		}, quiet)
		done := make(chan error, 1)
		go func() { done <- worker.Run(t.Context()) }()
		put := func() {
			t.Helper()
			if err := numbers.Put(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		order := func(o errand.Order) {
			t.Helper()
			if err := st.Order(t.Context(), time.Now(), theWorker(t, st).ID, o); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		synctest.Wait()
		put()
		failed := jobsOf(t, st, "numbers", errand.StateFailed)
		if len(failed) != 1 {
			t.Fatalf("%d failed parameters", len(failed))
		}
		time.Sleep(2 * time.Second)
		order(errand.OrderQuiet)
		if rec := theWorker(t, st); !rec.Quiet || rec.Kind != "hotqueue" || rec.Memory <= 0 {
			t.Errorf("record: %+v", rec)
		}
		put()
		if _, err := st.Requeue(t.Context(), errand.Command{Now: time.Now(), IDs: []string{failed[0].ID}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls, want that before the order", n)
		}
		order(errand.OrderResume)
		time.Sleep(2 * time.Second)
		if rec := theWorker(t, st); calls.Load() != 3 || rec.Quiet {
			t.Errorf("%d calls, want 3; record %+v", calls.Load(), rec)
		}
		order(errand.OrderStop)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if recs, err := st.Workers(t.Context()); err != nil || len(recs) > 0 {
			t.Errorf("%d records are left, %v", len(recs), err)
		}
	})
}

// TestSeries proves that calls are in the time series, whether of parameters or of failed ones that were requeued, and
// that the length of the queue is; and that the parameters' schema is known.
func TestSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		numbers := hotqueue.New[int](st, "numbers")
		var calls atomic.Int64
		worker := hotqueue.Worker(numbers, func(context.Context, int) error {
			time.Sleep(4 * time.Second)
			if calls.Add(1) == 2 {
				return errors.New("the second")
			}
			return nil
		}, quiet)
		stop := start(t, worker)
		if err := numbers.Put(t.Context(), 1, 2, 3, 4, 5); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		schemas, err := st.Schemas(t.Context())
		if err != nil || len(schemas) != 1 || string(schemas[hotqueue.TaskName("numbers")]) != `{"type":"integer"}` {
			t.Errorf("schemas: %s, %v", schemas, err)
		}
		time.Sleep(20 * time.Second)
		failed := jobsOf(t, st, "numbers", errand.StateFailed)
		if _, err := st.Requeue(t.Context(), errand.Command{Now: time.Now(), IDs: []string{failed[0].ID}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for _, step := range errand.SeriesSteps() {
			reply, err := st.Series(t.Context(), errand.SeriesQuery{Step: step.Step, Queue: "numbers", Task: hotqueue.TaskName("numbers")})
			if err != nil {
				t.Fatal(err)
			}
			var sum errand.Sample
			for i := range reply.Samples {
				sum.Merge(&reply.Samples[i])
			}
			if sum.Finished != 5 || sum.Failed != 1 || sum.Run.Count() != 6 || sum.Run.Sum != 24*time.Second || sum.Wait.Count() != 1 {
				t.Errorf("step %v: %+v", step.Step, sum)
			}
			var waiting, taken int64
			jobs := false
			for _, d := range reply.Depths {
				if d.Messages {
					waiting, taken = max(waiting, d.Counts[errand.StateQueued]), d.Finished
				} else {
					jobs = true
				}
			}
			if taken != 5 || !jobs || step.Step == errand.FineStep && waiting == 0 {
				t.Errorf("step %v: %d taken, %d waited, jobs' depths %v", step.Step, taken, waiting, jobs)
			}
		}
	})
}
