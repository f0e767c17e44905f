package errand_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

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
