package errand_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

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
