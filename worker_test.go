package errand_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
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
