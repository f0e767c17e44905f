package hotqueue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
)

type sentinelError struct{ code int }

func (e *sentinelError) Error() string { return fmt.Sprintf("code %d", e.code) }

// failing fails in the way that its parameter names.
func failing(_ context.Context, how string) error {
	switch how {
	case "error":
		return fmt.Errorf("call: %w", &sentinelError{42})
	case "panic":
		panic("at the disco")
	case "goexit":
		runtime.Goexit()
	}
	return nil
}

// TestWorkerFailures proves that a parameter whose call fails becomes a failed job with everything that is known, and
// that the loop goes on.
func TestWorkerFailures(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		raw := hotqueue.New[string](st, "ways", hotqueue.WithCodec(hotqueue.Raw))
		if err := raw.Put(ctx, `"error"`, `"fine"`, `"panic"`, `"goexit"`, `garbage`, `"fine"`); err != nil {
			t.Fatal(err)
		}
		ways := hotqueue.New[string](st, "ways")
		begin := time.Now().Add(-time.Minute)
		if err := hotqueue.Worker(ways, failing, hotqueue.NoWait, quiet).Run(ctx); err != nil {
			t.Fatal(err)
		}
		failed := map[string]*errand.Job{}
		for _, job := range jobsOf(t, st, "ways", errand.StateFailed) {
			failed[string(job.Payload)] = job
		}
		if len(failed) != 4 {
			t.Errorf("%d failed jobs, want 4", len(failed))
		}
		tests := []struct{ payload, says, chain, stack string }{
			{`"error"`, "call: code 42", "sentinelError: code 42", ""},
			{`"panic"`, "panic: at the disco", "PanicError", "hotqueue_test.failing"},
			{`"goexit"`, "runtime.Goexit", "PanicError", "hotqueue_test.failing"},
			{`garbage`, "cannot be decoded", "SyntaxError", ""},
		}
		for _, tt := range tests {
			job := failed[tt.payload]
			if job == nil {
				t.Errorf("%s: no failed job", tt.payload)
				continue
			}
			rec, ok := job.LastError()
			if !ok || !strings.Contains(rec.Error, tt.says) || !strings.Contains(strings.Join(rec.Chain, "\n"), tt.chain) ||
				!strings.Contains(rec.Stack, tt.stack) || rec.Panic != (tt.stack != "") {
				t.Errorf("%s: record %+v", tt.payload, rec)
			}
			if job.Task != hotqueue.TaskName("ways") || job.Attempt != 1 || rec.Attempt != 1 || rec.Worker == "" ||
				rec.Outcome != errand.EventFailed || rec.StartedAt.Before(begin) || rec.EndedAt.Before(rec.StartedAt) {
				t.Errorf("%s: job %+v", tt.payload, job)
			}
		}
	})
}

// TestWorkerRequeue proves that a failed parameter which is requeued is called again with the same payload, and never
// beside another call where the worker's concurrency is 1.
func TestWorkerRequeue(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		numbers := hotqueue.New[int](st, "numbers")
		var broken atomic.Bool
		var at atomic.Int64
		calls := make(chan int, 1)
		worker := hotqueue.Worker(numbers, func(_ context.Context, n int) error {
			if at.Add(1) > 1 {
				t.Error("two calls at a time")
			}
			runtime.Gosched()
			at.Add(-1)
			if broken.Load() {
				return errors.New("broken")
			}
			calls <- n
			return nil
		}, quiet)
		broken.Store(true)
		if err := numbers.Put(ctx, 1, 2, 3); err != nil {
			t.Fatal(err)
		}
		if err := hotqueue.Worker(numbers, func(context.Context, int) error { return errors.New("broken") },
			hotqueue.NoWait, quiet).Run(ctx); err != nil {
			t.Fatal(err)
		}
		broken.Store(false)
		stop := start(t, worker)
		for range 20 {
			if err := numbers.Put(ctx, 0); err != nil {
				t.Fatal(err)
			}
		}
		now, err := st.Now(ctx)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := st.Requeue(ctx, errand.Command{
			Now: now, Filter: errand.JobFilter{Queue: "numbers", State: errand.StateFailed, Task: hotqueue.TaskName("numbers")},
		})
		if err != nil || reply.Done != 3 {
			t.Fatalf("requeue: %+v, %v", reply, err)
		}
		var got []int
		for range 23 {
			got = append(got, <-calls)
		}
		if slices.Sort(got); !slices.Equal(got, append(make([]int, 20), 1, 2, 3)) {
			t.Errorf("calls %v; want twenty 0, and 1 2 3 again", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if jobs := jobsOf(t, st, "numbers", 0); len(jobs) > 0 {
			t.Errorf("%d jobs are left; finished ones should be deleted", len(jobs))
		}
	})
}

// TestWorkerTrouble proves that a store which is away ends neither the loop nor loses a failed parameter, while it comes
// back in time; and what is logged where it does not, which is not the parameter.
func TestWorkerTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, st := newFaulty()
		var log bytes.Buffer
		logger := hotqueue.Logger(slog.New(slog.NewTextHandler(&log, nil)))
		words := hotqueue.New[string](st, "words")
		if err := words.Put(t.Context(), "secret1"); err != nil {
			t.Fatal(err)
		}
		f.pop = func(_ context.Context, limit int) ([][]byte, error) {
			if f.pops.Load() <= 5 {
				return nil, errand.ErrUnavailable
			}
			return f.Store.Pop(context.Background(), time.Now(), "words", limit)
		}
		f.bury = func(_ context.Context, spec errand.JobSpec, rec errand.AttemptRecord) error {
			if f.buries.Load() <= 5 {
				return errand.ErrUnavailable
			}
			return f.Store.Bury(context.Background(), time.Now(), spec, rec)
		}
		fail := func(context.Context, string) error { return errors.New("broken") }
		worker := hotqueue.Worker(words, fail, hotqueue.NoWait, logger)
		if err := worker.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if jobs := jobsOf(t, st, "words", errand.StateFailed); len(jobs) != 1 || string(jobs[0].Payload) != `"secret1"` {
			t.Errorf("failed jobs %v; want the parameter", jobs)
		}
		if strings.Contains(log.String(), "lost") || !strings.Contains(log.String(), "trouble") {
			t.Errorf("log of a trouble that passes:\n%s", log.String())
		}

		f.bury = func(context.Context, errand.JobSpec, errand.AttemptRecord) error { return errand.ErrUnavailable }
		if err := words.Put(t.Context(), "secret2"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := worker.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 30*time.Second || took > 41*time.Second {
			t.Errorf("gave up on the store after %v, want about 30 s", took)
		}
		if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "a parameter is lost") {
			t.Errorf("log of a loss:\n%s", log.String())
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log holds the parameter:\n%s", log.String())
		}
	})
}
