package errand_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// work runs a worker for the rest of the test, or until the returned function is called, which returns Run's error.
func work(t *testing.T, st errand.Store, cfg errand.WorkerConfig, tasks ...errand.AnyTask) (*errand.Worker, func() error) {
	t.Helper()
	if cfg.Queues == nil {
		cfg.Queues = []string{"q"}
	}
	cfg.Logger = quiet
	w := errand.NewWorker(st, cfg)
	w.Register(tasks...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return w, stop
}

// must returns v, and fails the test on an error.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestResultComesBackTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		square := errand.Define("square", func(_ context.Context, n int) (int, error) { return n * n, nil })
		q := errand.NewQueue(st, "q")
		work(t, st, errand.WorkerConfig{}, square)
		h := must(square.Enqueue(t.Context(), q, 12, errand.KeepResult(time.Hour)))(t)
		if n := must(h.Result(t.Context()))(t); n != 144 {
			t.Errorf("got %d, want 144", n)
		}
		elsewhere := square.Handle(st, h.ID)
		if n := must(elsewhere.Result(t.Context()))(t); n != 144 {
			t.Errorf("in another process: got %d, want 144", n)
		}
		unkept := must(square.Enqueue(t.Context(), q, 3))(t)
		if _, err := unkept.Result(t.Context()); !errors.Is(err, errand.ErrNoResult) {
			t.Errorf("without KeepResult: %v, want ErrNoResult", err)
		}
		if err := unkept.Wait(t.Context()); err != nil {
			t.Errorf("Wait without a kept result: %v", err)
		}
		if _, err := unkept.Job(t.Context()); !errors.Is(err, errand.ErrJobNotFound) {
			t.Errorf("a finished job is still there: %v", err)
		}
		gone := square.Handle(st, errand.NewID())
		if err := gone.Wait(t.Context()); !errors.Is(err, errand.ErrJobNotFound) {
			t.Errorf("a job that never was: %v, want ErrJobNotFound", err)
		}
	})
}

// failed runs one job of a task to its end and returns it.
func failed(t *testing.T, fn func(context.Context, int) error, opts ...errand.Option) *errand.Job {
	t.Helper()
	st := memory.New()
	task := errand.DefineFunc("task", fn)
	_, stop := work(t, st, errand.WorkerConfig{Concurrency: 1}, task)
	h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1, opts...))(t)
	err := h.Wait(t.Context())
	if _, ok := errors.AsType[*errand.JobError](err); !ok {
		t.Fatalf("Wait: %v, want a *JobError", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	return must(h.Job(t.Context()))(t)
}

func TestFailureIsRecorded(t *testing.T) {
	root := errors.New("no such host")
	synctest.Test(t, func(t *testing.T) {
		job := failed(t, func(context.Context, int) error { return fmt.Errorf("send mail: %w", root) })
		rec, _ := job.LastError()
		if job.State != errand.StateFailed || rec.Error != "send mail: no such host" || rec.Attempt != 1 || rec.Worker == "" {
			t.Errorf("state %v, record %+v", job.State, rec)
		}
		want := []string{"*fmt.wrapError: send mail: no such host", "*errors.errorString: no such host"}
		if !slices.Equal(rec.Chain, want) {
			t.Errorf("chain %q, want %q", rec.Chain, want)
		}
	})
}

func explode(n int) int { return []int{1, 2, 3}[n+2] }

func TestPanicIsAFailureWithTheStackOfThePanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := failed(t, func(_ context.Context, n int) error { explode(n); return nil })
		rec, _ := job.LastError()
		if !rec.Panic || !strings.Contains(rec.Error, "index out of range") {
			t.Errorf("record: %+v", rec)
		}
		lines := strings.Split(rec.Stack, "\n")
		if len(lines) < 3 || !strings.Contains(lines[1], "errand_test.explode") {
			t.Errorf("the stack does not begin where the panic was:\n%s", rec.Stack)
		}
	})
}

func TestGoexitIsAFailureAndTheSlotSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		job := failed(t, func(context.Context, int) error {
			if calls.Add(1) == 1 {
				runtime.Goexit()
			}
			return errors.New("second call")
		}, errand.Retry(1, errand.Fixed(0)))
		if len(job.Attempts) != 2 || !strings.Contains(job.Attempts[0].Error, "runtime.Goexit") ||
			job.Attempts[1].Error != "second call" {
			t.Errorf("attempts: %+v", job.Attempts)
		}
		if !strings.Contains(job.Attempts[0].Stack, "TestGoexitIsAFailure") {
			t.Errorf("stack of the Goexit:\n%s", job.Attempts[0].Stack)
		}
	})
}

func TestTimeoutEndsTheContextAndFailsTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var cause error
		job := failed(t, func(ctx context.Context, _ int) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		}, errand.Timeout(7*time.Second))
		rec, _ := job.LastError()
		if !errors.Is(cause, errand.ErrTimeout) || !strings.Contains(rec.Error, "timed out after 7s") {
			t.Errorf("cause %v, record %q", cause, rec.Error)
		}
		if took := time.Since(began).Round(time.Second); took != 7*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestRetriesFollowThePolicy(t *testing.T) {
	policies := map[string]struct {
		opt  errand.Option
		want []time.Duration // least delay before each further attempt
		slop float64         // share by which a delay may be shorter
	}{
		"fixed":       {errand.Retry(2, errand.Fixed(time.Minute)), []time.Duration{time.Minute, time.Minute}, 0},
		"delays":      {errand.Retry(3, errand.Delays(time.Second, time.Hour)), []time.Duration{time.Second, time.Hour, time.Hour}, 0},
		"exponential": {errand.Retry(3, errand.Exponential(time.Second, 3*time.Second)), []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, 0.25},
	}
	for name, p := range policies {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var starts []time.Time
				job := failed(t, func(context.Context, int) error {
					starts = append(starts, time.Now())
					return errors.New("no")
				}, p.opt)
				if len(starts) != len(p.want)+1 || len(job.Attempts) != len(starts) || job.Attempt != len(starts) {
					t.Fatalf("%d starts, %d records, attempt %d", len(starts), len(job.Attempts), job.Attempt)
				}
				for i, want := range p.want {
					got := starts[i+1].Sub(starts[i])
					least := time.Duration(float64(want) * (1 - p.slop))
					if got < least || got > want+50*time.Millisecond {
						t.Errorf("delay %d: %v, want %v to %v", i, got, least, want)
					}
				}
			})
		})
	}
}

func TestTaskSteersItsJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls int
		began := time.Now()
		job := failed(t, func(ctx context.Context, _ int) error {
			calls++
			info, _ := errand.JobFromContext(ctx)
			switch calls {
			case 1:
				return errand.Snooze(time.Minute) // costs no attempt
			case 2:
				if info.Attempt != 1 {
					t.Errorf("attempt %d after a snooze, want 1", info.Attempt)
				}
				return errand.RetryAfter(time.Hour, errors.New("busy"))
			default:
				return errand.Discard(errors.New("never"))
			}
		}, errand.Retry(10, errand.Fixed(time.Second)))
		rec, _ := job.LastError()
		if calls != 3 || rec.Error != "never" || job.Attempt != 2 {
			t.Errorf("%d calls, attempt %d, record %+v", calls, job.Attempt, rec)
		}
		if took := time.Since(began).Round(time.Minute); took != 61*time.Minute {
			t.Errorf("took %v, want 61m", took)
		}
	})
}

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

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		started := make(chan struct{})
		task := errand.DefineFunc("task", func(ctx context.Context, _ int) error {
			close(started)
			<-ctx.Done()
			if cause := context.Cause(ctx); !errors.Is(cause, errand.ErrCanceled) {
				t.Errorf("cause %v, want ErrCanceled", cause)
			}
			return ctx.Err()
		})
		q := errand.NewQueue(st, "q")
		running := must(task.Enqueue(t.Context(), q, 1))(t)
		waiting := must(task.Enqueue(t.Context(), q, 2, errand.In(time.Hour)))(t)
		work(t, st, errand.WorkerConfig{}, task)
		<-started
		reply := must(st.Cancel(t.Context(), errand.Command{Now: time.Now(), IDs: []string{running.ID, waiting.ID}}))(t)
		if reply.Done != 2 {
			t.Errorf("reply %+v", reply)
		}
		for _, h := range []errand.Handle[errand.None]{running, waiting} {
			if err := h.Wait(t.Context()); !errors.Is(err, errand.ErrCanceled) {
				t.Errorf("Wait: %v, want ErrCanceled", err)
			}
		}
	})
}

func TestUnknownTaskWaitsForAWorkerThatKnowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		q := errand.NewQueue(st, "q")
		known := errand.DefineFunc("known", func(context.Context, int) error { return nil })
		later := errand.DefineFunc("later", func(context.Context, int) error { return nil })
		h := must(later.Enqueue(t.Context(), q, 1))(t)
		work(t, st, errand.WorkerConfig{}, known)
		time.Sleep(5 * time.Minute)
		synctest.Wait() // it may just have been claimed, to be given back
		if job := must(h.Job(t.Context()))(t); job.State != errand.StateScheduled || job.UnknownSince.IsZero() || job.Attempt != 0 {
			t.Errorf("state %v, unknown since %v, attempt %d", job.State, job.UnknownSince, job.Attempt)
		}
		work(t, st, errand.WorkerConfig{}, later)
		if err := h.Wait(t.Context()); err != nil {
			t.Errorf("a worker knows it now: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		known := errand.DefineFunc("known", func(context.Context, int) error { return nil })
		work(t, st, errand.WorkerConfig{}, known)
		id := must(errand.NewQueue(st, "q").EnqueuePayload(t.Context(), "typo", []byte(`{"a":1}`)))(t)
		began := time.Now()
		err := known.Handle(st, id).Wait(t.Context())
		var jobErr *errand.JobError
		if !errors.As(err, &jobErr) || !strings.Contains(jobErr.Message, "unknown task") {
			t.Errorf("after the grace: %v", err)
		}
		if took := time.Since(began); took < 10*time.Minute || took > 11*time.Minute {
			t.Errorf("failed after %v", took)
		}
	})
}

func TestGarbagePayloadFailsVisibly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		task := errand.DefineFunc("task", func(context.Context, map[string]int) error { return nil })
		work(t, st, errand.WorkerConfig{}, task)
		q := errand.NewQueue(st, "q")
		id := must(q.EnqueuePayload(t.Context(), "task", []byte("{not json"), errand.Retry(5, errand.Fixed(time.Hour))))(t)
		var jobErr *errand.JobError
		if err := task.Handle(st, id).Wait(t.Context()); !errors.As(err, &jobErr) || !strings.Contains(jobErr.Message, "cannot be decoded") {
			t.Errorf("Wait: %v", err)
		}
		if job := must(st.Job(t.Context(), "q", id))(t); string(job.Payload) != "{not json" {
			t.Errorf("payload %q", job.Payload)
		}
		ok := must(task.Enqueue(t.Context(), q, map[string]int{"a": 1}))(t)
		if err := ok.Wait(t.Context()); err != nil {
			t.Errorf("the next job: %v", err)
		}
	})
}

func TestProgressAndLogAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		step := make(chan struct{})
		task := errand.DefineFunc("task", func(ctx context.Context, _ int) error {
			info, ok := errand.JobFromContext(ctx)
			if !ok {
				return errors.New("no info")
			}
			info.Progress(3, 10)
			info.Logf("step %d", 3)
			<-step
			return errors.New("stop")
		})
		h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		work(t, st, errand.WorkerConfig{}, task)
		time.Sleep(time.Second)
		job := must(h.Job(t.Context()))(t)
		if job.Progress == nil || job.Progress.Done != 3 || job.Progress.Total != 10 || !slices.Equal(job.Progress.Log, []string{"step 3"}) {
			t.Errorf("progress %+v", job.Progress)
		}
		close(step)
		_ = h.Wait(t.Context())
		if rec, _ := must(h.Job(t.Context()))(t).LastError(); !slices.Equal(rec.Log, []string{"step 3"}) {
			t.Errorf("the record's log: %q", rec.Log)
		}
	})
}

func TestDependentsRunAfterTheirParents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		var mu sync.Mutex
		var order []string
		task := errand.DefineFunc("step", func(_ context.Context, name string) error {
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
			return nil
		})
		q, other := errand.NewQueue(st, "q"), errand.NewQueue(st, "other")
		work(t, st, errand.WorkerConfig{Queues: []string{"q", "other"}}, task)
		a := must(task.Enqueue(t.Context(), q, "a"))(t)
		b := must(task.Enqueue(t.Context(), other, "b", errand.DependsOn(a.ID)))(t)
		c := must(task.Enqueue(t.Context(), q, "c", errand.DependsOn(a.ID, b.ID)))(t)
		if err := c.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(order, []string{"a", "b", "c"}) {
			t.Errorf("order %v", order)
		}
	})
}

func TestBurstEndsWhenTheQueuesAreEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		var ran atomic.Int32
		task := errand.DefineFunc("step", func(context.Context, int) error { ran.Add(1); time.Sleep(time.Second); return nil })
		q := errand.NewQueue(st, "q")
		hs := must(task.EnqueueMany(t.Context(), q, make([]int, 100)))(t)
		must(task.Enqueue(t.Context(), q, 1, errand.DependsOn(hs[99].ID)))(t)
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"q"}, Burst: true, Logger: quiet})
		w.Register(task)
		if err := w.Run(t.Context()); err != nil || ran.Load() != 101 {
			t.Errorf("%d ran, want 101; %v", ran.Load(), err)
		}
	})
}

func TestWorkerCanRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		var ran atomic.Int32
		task := errand.DefineFunc("step", func(context.Context, int) error { ran.Add(1); return nil })
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"q"}, Burst: true, Logger: quiet})
		w.Register(task)
		for round := range 3 {
			must(task.EnqueueMany(t.Context(), errand.NewQueue(st, "q"), make([]int, 5)))(t)
			if err := w.Run(t.Context()); err != nil || ran.Load() != int32(5*(round+1)) {
				t.Errorf("round %d: %d ran; %v", round, ran.Load(), err)
			}
		}
	})
}

func TestStrategies(t *testing.T) {
	count := func(t *testing.T, s errand.Strategy, weights map[string]int) (firsts map[string]int) {
		st := memory.New()
		firsts = map[string]int{}
		var total int
		task := errand.DefineFunc("step", func(ctx context.Context, _ int) error {
			info, _ := errand.JobFromContext(ctx)
			if total++; total <= 200 {
				firsts[info.Queue]++
			}
			time.Sleep(time.Second)
			return nil
		})
		for _, name := range []string{"a", "b"} {
			must(task.EnqueueMany(t.Context(), errand.NewQueue(st, name), make([]int, 200)))(t)
		}
		w := errand.NewWorker(st, errand.WorkerConfig{
			Queues: []string{"a", "b"}, Strategy: s, Weights: weights, Concurrency: 1, Burst: true, Logger: quiet,
		})
		w.Register(task)
		if err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return firsts
	}
	synctest.Test(t, func(t *testing.T) {
		if n := count(t, errand.StrictOrder, nil); n["a"] != 200 {
			t.Errorf("strict: %v", n)
		}
		if n := count(t, errand.RoundRobin, nil); n["a"] < 95 || n["a"] > 105 {
			t.Errorf("round robin: %v", n)
		}
		if n := count(t, errand.Random, nil); n["a"] < 60 || n["a"] > 140 {
			t.Errorf("random: %v", n)
		}
		if n := count(t, errand.Weighted, map[string]int{"a": 9}); n["a"] < 150 || n["a"] > 198 {
			t.Errorf("weighted 9 to 1: %v", n)
		}
	})
}

func TestJobsClaimedAheadAreGivenBackWhenRunnersAreBusyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		release := make(chan struct{})
		var waiting atomic.Int32
		task := errand.DefineFunc("mixed", func(_ context.Context, slow bool) error {
			if slow {
				waiting.Add(1)
				<-release
			} else {
				time.Sleep(100 * time.Microsecond)
			}
			return nil
		})
		q := errand.NewQueue(st, "q")
		ins := make([]bool, 2000)
		ins[1500], ins[1501] = true, true // after a flood that makes the worker claim ahead
		must(task.EnqueueMany(t.Context(), q, ins))(t)
		work(t, st, errand.WorkerConfig{Concurrency: 2}, task)
		time.Sleep(5 * time.Second)
		queues := must(st.Queues(t.Context(), time.Now()))(t)
		if waiting.Load() != 2 || queues[0].Counts[errand.StateStarted] != 2 {
			t.Errorf("%d slow jobs run; the worker holds %d jobs, want 2", waiting.Load(), queues[0].Counts[errand.StateStarted])
		}
		close(release)
	})
}

func TestBadWorkersAreRefused(t *testing.T) {
	st := memory.New()
	task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
	for name, c := range map[string]struct {
		cfg  errand.WorkerConfig
		task errand.AnyTask
		want string
	}{
		"no queue":     {errand.WorkerConfig{}, task, "Queues is empty"},
		"bad queue":    {errand.WorkerConfig{Queues: []string{"with space"}}, task, `"with space"`},
		"twice":        {errand.WorkerConfig{Queues: []string{"a", "a"}}, task, "twice"},
		"weight":       {errand.WorkerConfig{Queues: []string{"a"}, Weights: map[string]int{"b": 1}}, task, `Weights["b"]`},
		"concurrency":  {errand.WorkerConfig{Queues: []string{"a"}, Concurrency: -1}, task, "Concurrency -1"},
		"lease":        {errand.WorkerConfig{Queues: []string{"a"}, Lease: 1}, task, "Lease 1ns"},
		"no task":      {errand.WorkerConfig{Queues: []string{"a"}}, nil, "no task is registered"},
		"bad task":     {errand.WorkerConfig{Queues: []string{"a"}}, errand.DefineFunc[int]("nil", nil), `"nil": the function is nil`},
		"bad defaults": {errand.WorkerConfig{Queues: []string{"a"}}, errand.DefineFunc("p", func(context.Context, int) error { return nil }, errand.Priority(10)), "Priority(10)"},
	} {
		t.Run(name, func(t *testing.T) {
			w := errand.NewWorker(st, c.cfg)
			if c.task != nil {
				w.Register(c.task)
			}
			if err := w.Run(t.Context()); !errors.Is(err, errand.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Run: %v, want ErrInvalid with %q", err, c.want)
			}
		})
	}
	if err := errand.NewWorker(nil, errand.WorkerConfig{Queues: []string{"a"}}).Run(t.Context()); !errors.Is(err, errand.ErrInvalid) {
		t.Errorf("nil store: %v", err)
	}
}
