package errand_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// farStore is a store that takes a while to answer a claim, and remembers how many were under way at once.
type farStore struct {
	*memory.Store
	delay time.Duration // each way
	mu    sync.Mutex
	lanes map[int]int64 // the last number of each lane that has a claim under way
	most  int
	wrong string
}

func (s *farStore) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	s.mu.Lock()
	if _, busy := s.lanes[req.Lane]; busy {
		s.wrong = "two claims of one lane are under way"
	}
	s.lanes[req.Lane] = req.Number
	s.most = max(s.most, len(s.lanes))
	if req.Lane > 0 && req.LastChance {
		s.wrong = "a claim beside another may take a job on its last chance"
	}
	s.mu.Unlock()
	time.Sleep(s.delay)
	reply, err := s.Store.Claim(ctx, req)
	time.Sleep(s.delay)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lanes, req.Lane)
	return reply, err
}

// TestFlood proves that in a flood two claims are under way at a time, that all jobs run once, that a burst ends when all
// have, and that a worker with one runner has one claim at a time and keeps the order.
func TestFlood(t *testing.T) {
	const jobs = 15_000
	for concurrency, claims := range map[int]int{1: 1, 100: 2} {
		synctest.Test(t, func(t *testing.T) {
			st := &farStore{Store: memory.New(), delay: time.Millisecond, lanes: map[int]int64{}}
			var mu sync.Mutex
			var order []int
			task := errand.DefineFunc("number", func(_ context.Context, n int) error {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, n)
				return nil
			})
			q := errand.NewQueue(st, "q")
			ins := make([]int, jobs)
			for i := range ins {
				ins[i] = i
			}
			must(task.EnqueueMany(t.Context(), q, ins))(t)
			w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"q"}, Concurrency: concurrency, Burst: true, Logger: quiet})
			w.Register(task)
			if err := w.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if st.most != claims || st.wrong != "" {
				t.Errorf("concurrency %d: at most %d claims at a time, want %d; %s", concurrency, st.most, claims, st.wrong)
			}
			seen := make([]bool, jobs)
			for i, n := range order {
				if seen[n] {
					t.Fatalf("job %d ran twice", n)
				}
				seen[n] = true
				if concurrency == 1 && n != i {
					t.Fatalf("job %d ran as number %d", n, i)
				}
			}
			if len(order) != jobs {
				t.Errorf("concurrency %d: %d jobs ran, want %d", concurrency, len(order), jobs)
			}
		})
	}
}

// TestQuietInFlood proves that a worker that is ordered to be quiet in a flood keeps nothing that it has not begun.
func TestQuietInFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &farStore{Store: memory.New(), delay: 5 * time.Millisecond, lanes: map[int]int64{}}
		var ran atomic.Int64
		task := errand.DefineFunc("task", func(context.Context, int) error {
			ran.Add(1)
			return nil
		})
		const jobs = 60_000
		must(task.EnqueueMany(t.Context(), errand.NewQueue(st, "q"), make([]int, jobs)))(t)
		w, stop := work(t, st, errand.WorkerConfig{Concurrency: 100}, task)
		time.Sleep(250 * time.Millisecond)
		order(t, st, w, errand.OrderQuiet)
		time.Sleep(time.Minute)
		counts := must(st.Queues(t.Context(), time.Now()))(t)[0].Counts
		if n := ran.Load(); n == 0 || n == jobs || counts[errand.StateStarted] != 0 || counts[errand.StateQueued] != jobs-n {
			t.Errorf("after %d of %d jobs: %v; want none started", n, jobs, counts)
		}
		if st.most != 2 || st.wrong != "" {
			t.Errorf("at most %d claims at a time, want 2; %s", st.most, st.wrong)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
