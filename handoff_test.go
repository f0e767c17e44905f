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
		var q *handoff
		var wg sync.WaitGroup
		var busy, started atomic.Int64
		var mu sync.Mutex
		var order []int64
		let := make(chan struct{})
		q = newHandoff(runners, func() {
			started.Add(1)
			wg.Go(func() {
				q.arrive()
				for h := q.take(); h != nil; h = q.take() {
					mu.Lock()
					order = append(order, h.job.Token)
					mu.Unlock()
					busy.Add(1)
					<-let
					busy.Add(-1)
				}
			})
		})
		all := make([]*held, jobs)
		for i := range all {
			all[i] = &held{job: &Job{Token: int64(i)}}
		}
		q.put(all[:1])
		q.put(all[1:30])
		synctest.Wait()
		if busy, started := busy.Load(), started.Load(); busy != 30 || started != 30 {
			t.Errorf("of %d runners %d are busy with 30 jobs", started, busy)
		}
		q.put(all[30:])
		synctest.Wait()
		if busy, started := busy.Load(), started.Load(); busy != runners || started != runners {
			t.Errorf("of %d runners %d are busy, want %d", started, busy, runners)
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
