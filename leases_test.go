package errand_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

func TestLongJobKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		var runs atomic.Int32
		task := errand.DefineFunc("long", func(context.Context, int) error {
			runs.Add(1)
			time.Sleep(10 * time.Minute)
			return nil
		})
		h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		work(t, st, errand.WorkerConfig{}, task)
		work(t, st, errand.WorkerConfig{}, task)
		if err := h.Wait(t.Context()); err != nil || runs.Load() != 1 {
			t.Errorf("%d runs, %v", runs.Load(), err)
		}
	})
}

func TestStuckHandlerLosesItsLeaseAfterTheGraceAndKeepsItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		release := make(chan struct{})
		var runs atomic.Int32
		stuck := errand.DefineFunc("stuck", func(context.Context, int) error {
			runs.Add(1)
			<-release
			return nil
		}, errand.Timeout(time.Minute))
		other := errand.DefineFunc("other", func(context.Context, int) error { return nil })
		q := errand.NewQueue(st, "q")
		h := must(stuck.Enqueue(t.Context(), q, 1))(t)
		_, stop := work(t, st, errand.WorkerConfig{Concurrency: 1}, stuck, other)
		synctest.Wait()
		blocked := must(other.Enqueue(t.Context(), q, 1))(t)
		time.Sleep(3 * time.Minute)
		job := must(h.Job(t.Context()))(t)
		if job.State != errand.StateQueued || job.Recoveries != 1 {
			t.Errorf("state %v, %d recoveries; want queued, 1", job.State, job.Recoveries)
		}
		if runs.Load() != 1 {
			t.Errorf("%d runs beside the stuck one: its slot was given away", runs.Load())
		}
		if job := must(blocked.Job(t.Context()))(t); job.State != errand.StateQueued {
			t.Errorf("the slot of a stuck handler was given away: %v", job.State)
		}
		workers := must(st.Workers(t.Context()))(t)
		if len(workers) != 1 || len(workers[0].Running) != 1 || !workers[0].Running[0].Stuck {
			t.Errorf("not shown as stuck: %+v", workers)
		}
		close(release)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestZombieIsToldThatItsLeaseIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		causes := make(chan error, 1)
		started := make(chan struct{}, 2)
		task := errand.DefineFunc("zombie", func(ctx context.Context, _ int) error {
			started <- struct{}{}
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return nil
		})
		h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		_, stop := work(t, st, errand.WorkerConfig{Concurrency: 1}, task) // busy, so it cannot claim the job itself again
		<-started
		must(st.Maintain(t.Context(), errand.MaintainRequest{Now: time.Now().Add(time.Hour), Limit: 10, MaxRecoveries: 5, MaxFailed: 10, KeepFailed: time.Hour}))(t)
		must(st.Claim(t.Context(), errand.ClaimRequest{
			Now: time.Now().Add(time.Hour), Worker: "thief", Number: 1, Queues: []string{"q"}, Limit: 1, Lease: time.Hour, MaxRecoveries: 5,
		}))(t)
		if cause := <-causes; !errors.Is(cause, errand.ErrLeaseLost) {
			t.Errorf("cause %v, want ErrLeaseLost", cause)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if job := must(h.Job(t.Context()))(t); job.State != errand.StateStarted || job.Worker != "thief" {
			t.Errorf("the zombie settled the thief's job: %v by %s", job.State, job.Worker)
		}
	})
}

// TestWorkerThatClaimsItsOwnLostJobEndsTheOldRun: a worker that was cut off for a while finds its job recovered and claims
// it anew.
func TestWorkerThatClaimsItsOwnLostJobEndsTheOldRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		causes := make(chan error, 2)
		var runs atomic.Int32
		task := errand.DefineFunc("twice", func(ctx context.Context, _ int) error {
			if runs.Add(1) == 2 {
				return nil
			}
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		})
		h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		_, stop := work(t, st, errand.WorkerConfig{Concurrency: 2}, task)
		synctest.Wait()
		must(st.Maintain(t.Context(), errand.MaintainRequest{Now: time.Now().Add(time.Hour), Limit: 10, MaxRecoveries: 5, MaxFailed: 10, KeepFailed: time.Hour}))(t)
		if cause := <-causes; !errors.Is(cause, errand.ErrLeaseLost) {
			t.Errorf("cause %v, want ErrLeaseLost", cause)
		}
		if err := h.Wait(t.Context()); err != nil || runs.Load() != 2 {
			t.Errorf("%d runs, %v", runs.Load(), err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}
