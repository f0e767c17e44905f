package memory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
	"github.com/errandhq/errand/store/storetest"
)

func open(*testing.T) errand.Store { return memory.New() }

// The memory store means what every store means.
func TestStore(t *testing.T) { storetest.Run(t, open) }

// Random operations leave the model whole, and do the same twice: nothing in it depends on the order of a map.
func TestModel(t *testing.T) { storetest.RunModel(t, open) }

// The store alone, without the engine: claims of 100 jobs, each settled.
func BenchmarkStore_drain(b *testing.B) {
	ctx, st, now := context.Background(), memory.New(), time.Now()
	for i := range b.N {
		s := errand.JobSpec{ID: fmt.Sprintf("0190b5c4-0000-7000-8000-%012x", i), Queue: "q", Task: "t", Payload: []byte("{}")}
		if _, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{s}}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	done := 0
	for number := int64(1); done < b.N; number++ {
		reply, err := st.Claim(ctx, errand.ClaimRequest{
			Now: now, Worker: "w", Number: number, Queues: []string{"q"}, Limit: 100, Lease: time.Minute, MaxRecoveries: 3,
		})
		if err != nil {
			b.Fatal(err)
		}
		req := errand.SettleRequest{Now: now, Worker: "w"}
		for _, job := range reply.Jobs {
			req.Outcomes = append(req.Outcomes, errand.Outcome{
				ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded,
			})
		}
		errs, err := st.Settle(ctx, req)
		if err = errors.Join(append(errs, err)...); err != nil {
			b.Fatal(err)
		}
		done += len(reply.Jobs)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}
