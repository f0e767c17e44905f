package hotqueue_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/memory"
)

// quiet keeps a test's output free of the failures that it causes.
var quiet = hotqueue.Logger(slog.New(slog.DiscardHandler))

// start runs a worker until the returned function is called, which returns Run's error.
func start(t *testing.T, w hotqueue.Runner) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

// TestWorker proves that a worker calls its function with every parameter, in order, that it waits when there is none,
// and that it ends with ctx.
func TestWorker(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		numbers := hotqueue.New[int](st, "numbers")
		squares := make(chan int)
		square := hotqueue.Worker(numbers, func(_ context.Context, n int) error {
			squares <- n * n
			return nil
		}, quiet)
		if square.Name() != "numbers" {
			t.Errorf("Name = %q", square.Name())
		}
		stop := start(t, square)
		for n := range 20 { // one at a time, so that the worker finds the queue empty in between
			if err := numbers.Put(ctx, n); err != nil {
				t.Fatal(err)
			}
			if got := <-squares; got != n*n {
				t.Fatalf("got %d, want %d", got, n*n)
			}
		}
		if err := numbers.Put(ctx, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9); err != nil {
			t.Fatal(err)
		}
		for n := range 10 {
			if got := <-squares; got != n*n {
				t.Fatalf("got %d, want %d", got, n*n)
			}
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := numbers.Put(ctx, 99); err != nil {
			t.Fatal(err)
		}
		if n, err := numbers.Get(ctx, hotqueue.NoWait); err != nil || n != 99 {
			t.Errorf("after the worker's end Get = %d, %v; want 99", n, err)
		}
	})
}

// TestWorkerWait proves that a worker with Wait ends when no parameter has come for that long, running calls included.
func TestWorkerWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		numbers := hotqueue.New[int](memory.New(), "numbers")
		if err := numbers.Put(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		var calls []int
		countdown := hotqueue.Worker(numbers, func(ctx context.Context, n int) error {
			calls = append(calls, n)
			if n == 0 {
				return nil
			}
			<-time.After(time.Minute)
			return numbers.Put(ctx, n-1)
		}, hotqueue.Wait(7*time.Second), hotqueue.Concurrency(2), quiet)
		begin := time.Now()
		if err := countdown.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); !slices.Equal(calls, []int{5, 4, 3, 2, 1, 0}) || took != 5*time.Minute+7*time.Second {
			t.Errorf("calls %v in %v", calls, took)
		}
		begin = time.Now()
		if err := hotqueue.Worker(numbers, func(context.Context, int) error { return nil }, hotqueue.NoWait, quiet).
			Run(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("Run with NoWait: %v after %v", err, time.Since(begin))
		}
	})
}

// TestWorkerConcurrency proves that as many calls run at a time as Concurrency says, and no more is taken than that.
func TestWorkerConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		numbers := hotqueue.New[int](memory.New(), "numbers")
		if err := numbers.Put(t.Context(), make([]int, 20)...); err != nil {
			t.Fatal(err)
		}
		calls, finish := atomic.Int64{}, make(chan struct{})
		stop := start(t, hotqueue.Worker(numbers, func(context.Context, int) error {
			calls.Add(1)
			<-finish
			return nil
		}, hotqueue.Concurrency(5), quiet))
		for done := range 10 {
			synctest.Wait()
			n, err := numbers.Len(t.Context())
			if err != nil || int(calls.Load()) != done+5 || int(n) != 20-done-5 {
				t.Errorf("%d calls began and %d wait, %v, after %d returned", calls.Load(), n, err, done)
			}
			finish <- struct{}{}
		}
		close(finish)
		synctest.Wait()
		if err := stop(); err != nil || calls.Load() != 20 {
			t.Errorf("Run: %v after %d calls", err, calls.Load())
		}
	})
}

// TestWorkerStop proves what becomes of a running call when the worker stops: it may finish; after StopTimeout, or when
// Abort is called, its context is canceled, and the parameter of a call that then fails is kept; a call that ignores
// that is named by Run's error.
func TestWorkerStop(t *testing.T) {
	const never = 24 * time.Hour
	tests := []struct {
		name     string
		takes    time.Duration // by itself, once the worker stops
		heeds    bool          // its context
		abortAt  time.Duration
		took     time.Duration // Run, from the end of ctx
		canceled bool
		stuck    bool
		buried   int
	}{
		{"finishes in time", 10 * time.Second, true, never, 10 * time.Second, false, false, 0},
		{"is canceled", never, true, never, 30 * time.Second, true, false, 1},
		{"is aborted", never, true, 3 * time.Second, 3 * time.Second, true, false, 1},
		{"is late, but in the grace", 35 * time.Second, false, never, 35 * time.Second, true, false, 0},
		{"is stuck", time.Hour, false, never, 40 * time.Second, true, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := memory.New()
				numbers := hotqueue.New[int](st, "numbers")
				if err := numbers.Put(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				cause := make(chan error, 1)
				worker := hotqueue.Worker(numbers, func(ctx context.Context, _ int) error {
					select {
					case <-time.After(time.Minute + tt.takes):
						return nil
					case <-ctx.Done():
						cause <- context.Cause(ctx)
					}
					if !tt.heeds {
						<-time.After(tt.takes - 30*time.Second)
						return nil
					}
					return ctx.Err()
				}, quiet)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				time.AfterFunc(time.Minute+tt.abortAt, worker.Abort)
				err := worker.Run(ctx)
				deadline, _ := ctx.Deadline()
				if took := time.Since(deadline); took != tt.took || errors.Is(err, errand.ErrStopping) != tt.stuck {
					t.Errorf("Run = %v, %v after ctx ended; want %v, stuck %v", err, took, tt.took, tt.stuck)
				}
				if len(cause) > 0 != tt.canceled || tt.canceled && !errors.Is(<-cause, errand.ErrStopping) {
					t.Errorf("the call's context was not canceled with ErrStopping, or was canceled")
				}
				jobs := jobsOf(t, st, "numbers", errand.StateFailed)
				if len(jobs) != tt.buried {
					t.Errorf("%d failed jobs, want %d", len(jobs), tt.buried)
				}
				for _, job := range jobs {
					if rec, _ := job.LastError(); !strings.Contains(rec.Error, errand.ErrStopping.Error()) {
						t.Errorf("record %+v does not say why", rec)
					}
				}
				<-time.After(2 * time.Hour) // let a stuck call end, with the test's bubble
			})
		})
	}
}

// TestWorkerUnreached proves that a worker which is stopped before its store could be reached just ends.
func TestWorkerUnreached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, st := newFaulty()
		tries := 0
		f.now = func() error { tries++; return errand.ErrUnavailable }
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		worker := hotqueue.Worker(hotqueue.New[int](st, "numbers"), func(context.Context, int) error { return nil }, quiet)
		if err := worker.Run(ctx); err != nil || ctx.Err() == nil || tries < 10 || tries > 50 {
			t.Errorf("Run = %v after %d tries", err, tries)
		}
	})
}

// TestWorkerPolls proves that a worker finds parameters, and requeued ones, also where the store wakes nobody, and that
// its StopTimeout can be none.
func TestWorkerPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFaulty()
		numbers := hotqueue.New[int](f, "numbers")
		calls := make(chan int)
		stop := start(t, hotqueue.Worker(numbers, func(ctx context.Context, n int) error {
			calls <- n
			<-ctx.Done()
			return errors.New("canceled")
		}, hotqueue.StopTimeout(0), quiet))
		<-time.After(time.Hour)
		put := time.Now()
		if err := numbers.Put(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		if n := <-calls; n != 7 || time.Since(put) > time.Second {
			t.Errorf("call with %d after %v", n, time.Since(put))
		}
		stopped := time.Now()
		if err := stop(); err != nil || time.Since(stopped) > time.Second {
			t.Errorf("Run ended with %v after %v", err, time.Since(stopped))
		}
		if _, err := f.Requeue(t.Context(), errand.Command{Now: time.Now(), Filter: errand.JobFilter{Queue: "numbers"}}); err != nil {
			t.Fatal(err)
		}
		stop = start(t, hotqueue.Worker(numbers, func(_ context.Context, n int) error {
			calls <- n
			return nil
		}, quiet))
		if n := <-calls; n != 7 {
			t.Errorf("call again with %d", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestWorkerRecord proves that a parameter worker is seen as one worker, with its counts, and no more after its end.
func TestWorkerRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		numbers := hotqueue.New[int](st, "numbers")
		if err := numbers.Put(t.Context(), 1, 0, 1, 2); err != nil {
			t.Fatal(err)
		}
		finish := make(chan struct{})
		stop := start(t, hotqueue.Worker(numbers, func(_ context.Context, n int) error {
			if n == 2 {
				<-finish
			}
			_ = 1 / n
			return nil
		}, quiet))
		<-time.After(25 * time.Second)
		recs, err := st.Workers(t.Context())
		if err != nil || len(recs) != 1 {
			t.Fatalf("workers %+v, %v; want one", recs, err)
		}
		rec := recs[0]
		if rec.Kind != "hotqueue" || !slices.Equal(rec.Queues, []string{"numbers"}) || rec.Every != 10*time.Second ||
			!slices.Equal(rec.Tasks, []string{"hotqueue.numbers"}) || rec.Concurrency != 1 || rec.Lost(time.Now()) ||
			rec.Finished != 2 || rec.Failed != 1 || rec.Held != 1 || len(rec.Running) != 1 || rec.Stopping {
			t.Errorf("record %+v", rec)
		}
		job := jobsOf(t, st, "numbers", errand.StateFailed)[0]
		if last, _ := job.LastError(); last.Worker != rec.ID {
			t.Errorf("the failed job names worker %q, the record is of %q", last.Worker, rec.ID)
		}
		close(finish)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if recs, err := st.Workers(t.Context()); err != nil || len(recs) != 0 {
			t.Errorf("workers after the end: %+v, %v", recs, err)
		}
	})
}

// TestWorkerBadSettings proves that Run reports what cannot be.
func TestWorkerBadSettings(t *testing.T) {
	st := memory.New()
	numbers := hotqueue.New[int](st, "numbers")
	call := func(context.Context, int) error { return nil }
	var none context.Context
	run := func(opts ...hotqueue.WorkerOption) error {
		return hotqueue.Worker(numbers, call, opts...).Run(t.Context())
	}
	tests := []struct {
		name string
		err  error
		says string
	}{
		{"nil context", hotqueue.Worker(numbers, call).Run(none), "context is nil"},
		{"nil queue", hotqueue.Worker(nil, call).Run(t.Context()), "queue is nil"},
		{"nil function", hotqueue.Worker(numbers, nil).Run(t.Context()), "function is nil"},
		{"bad queue", hotqueue.Worker(hotqueue.New[int](st, "a b"), call).Run(t.Context()), `"a b"`},
		{"no calls", run(hotqueue.Concurrency(0)), "Concurrency(0)"},
		{"too many calls", run(hotqueue.Concurrency(10_001)), "Concurrency(10001)"},
		{"nil logger", run(hotqueue.Logger(nil)), "Logger(nil)"},
		{"nil option", run(nil), "option is nil"},
		{"negative wait", run(hotqueue.Wait(-1)), "Wait(-1ns)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !errors.Is(tt.err, errand.ErrInvalid) || !strings.Contains(tt.err.Error(), tt.says) {
				t.Errorf("error %v; want ErrInvalid that says %q", tt.err, tt.says)
			}
		})
	}
}

// TestWorkerTwice proves that a worker does not run twice at a time, but may run again.
func TestWorkerTwice(t *testing.T) {
	ctx := soon(t)
	numbers := hotqueue.New[int](memory.New(), "numbers")
	called := make(chan int, 1)
	worker := hotqueue.Worker(numbers, func(_ context.Context, n int) error { called <- n; return nil }, quiet)
	for n := range 2 {
		stop := start(t, worker)
		if err := numbers.Put(ctx, n); err != nil {
			t.Fatal(err)
		}
		<-called
		if err := worker.Run(ctx); !errors.Is(err, errand.ErrInvalid) {
			t.Errorf("Run while it runs: %v", err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTaskName proves that every queue's failed parameters have a task name that is one, and their own.
func TestTaskName(t *testing.T) {
	long := strings.Repeat("q", errand.MaxNameBytes-1)
	names := map[string]bool{}
	for _, queue := range []string{"mail", long[:118], long[:119], long[:120], long + "a", long + "b"} {
		name := hotqueue.TaskName(queue)
		if err := errand.CheckName("task", name); err != nil || names[name] {
			t.Errorf("TaskName(%q) = %q, %v", queue, name, err)
		}
		names[name] = true
	}
	if !names["hotqueue.mail"] {
		t.Errorf("names %v", names)
	}
}
