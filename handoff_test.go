package errand

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestHandoff proves that every job is taken once and in order, and that each runner is called when handlers block.
func TestHandoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const runners, jobs = 50, 200
		q := newHandoff()
		var wg sync.WaitGroup
		var busy atomic.Int64
		var mu sync.Mutex
		var order []int64
		let := make(chan struct{})
		for range runners {
			wg.Go(func() {
				for h := q.take(); h != nil; h = q.take() {
					mu.Lock()
					order = append(order, h.job.Token)
					mu.Unlock()
					busy.Add(1)
					<-let
					busy.Add(-1)
				}
			})
		}
		synctest.Wait()
		all := make([]*held, jobs)
		for i := range all {
			all[i] = &held{job: &Job{Token: int64(i)}}
		}
		q.put(all[:1])
		q.put(all[1:30])
		synctest.Wait()
		if got := busy.Load(); got != 30 {
			t.Errorf("%d runners are busy with 30 jobs", got)
		}
		q.put(all[30:])
		synctest.Wait()
		if got := busy.Load(); got != runners {
			t.Errorf("%d runners are busy, want all %d", got, runners)
		}
		q.close()
		close(let)
		wg.Wait()
		seen := make(map[int64]bool)
		for _, n := range order {
			seen[n] = true
		}
		if len(order) != jobs || len(seen) != jobs {
			t.Errorf("%d jobs were taken, %d different ones, want %d", len(order), len(seen), jobs)
		}
		if q.take() != nil || q.takeNow() != nil {
			t.Error("a job after the last")
		}
	})
}
