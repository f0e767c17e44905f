package errand_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

func TestStopLetsRunningJobsFinishAndGivesTheOthersBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		started := make(chan struct{}, 10)
		task := errand.DefineFunc("slow", func(ctx context.Context, _ int) error {
			started <- struct{}{}
			time.Sleep(5 * time.Second) // in the bubble's time
			return ctx.Err()
		})
		q := errand.NewQueue(st, "q")
		handles := must(task.EnqueueMany(t.Context(), q, []int{1, 2, 3}))(t)
		_, stop := work(t, st, errand.WorkerConfig{Concurrency: 1}, task)
		<-started
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if err := handles[0].Wait(t.Context()); err != nil {
			t.Errorf("the running job: %v", err)
		}
		for _, h := range handles[1:] {
			job := must(h.Job(t.Context()))(t)
			if job.State != errand.StateQueued || job.Attempt != 0 || len(job.Attempts) != 0 {
				t.Errorf("a job not begun: %v, attempt %d", job.State, job.Attempt)
			}
		}
		if workers := must(st.Workers(t.Context()))(t); len(workers) != 0 {
			t.Errorf("the worker's record is still there: %+v", workers)
		}
	})
}

func TestSecondSignalCancelsAndReleasesUncharged(t *testing.T) {
	for _, how := range []string{"Abort", "StopTimeout"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := memory.New()
				started := make(chan struct{})
				var cause error
				task := errand.DefineFunc("long", func(ctx context.Context, _ int) error {
					close(started)
					<-ctx.Done()
					cause = context.Cause(ctx)
					return ctx.Err()
				})
				h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
				w, stop := work(t, st, errand.WorkerConfig{StopTimeout: 20 * time.Second}, task)
				<-started
				began := time.Now()
				want := 20 * time.Second
				if how == "Abort" {
					w.Abort()
					want = 0
				}
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began).Round(time.Second); took != want {
					t.Errorf("stopping took %v, want %v", took, want)
				}
				job := must(h.Job(t.Context()))(t)
				if !errors.Is(cause, errand.ErrStopping) || job.State != errand.StateQueued || job.Attempt != 0 {
					t.Errorf("cause %v, state %v, attempt %d", cause, job.State, job.Attempt)
				}
			})
		})
	}
}

func TestHandlerThatIgnoresItsContextIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		started, release := make(chan struct{}), make(chan struct{})
		task := errand.DefineFunc("deaf", func(context.Context, int) error {
			close(started)
			<-release
			return nil
		})
		h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		_, stop := work(t, st, errand.WorkerConfig{StopTimeout: -1}, task)
		<-started
		err := stop()
		if !errors.Is(err, errand.ErrStopping) || !strings.Contains(err.Error(), h.ID) {
			t.Errorf("Run: %v, want an error that names job %s", err, h.ID)
		}
		close(release)
		// Nobody renews the lease any more, so maintenance gives the job to another worker.
		reply := must(st.Maintain(t.Context(), errand.MaintainRequest{
			Now: time.Now().Add(time.Minute), Limit: 10, MaxRecoveries: 2, MaxFailed: 10, KeepFailed: time.Hour,
		}))(t)
		if reply.Recovered != 1 {
			t.Errorf("recovered %d jobs, want 1", reply.Recovered)
		}
	})
}
