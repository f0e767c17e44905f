package redis_test

import (
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/redis"
)

// TestMoveInterrupted proves that maintenance ends a move between queues whose client has died on the way, and that a job
// which has run meanwhile does not come back.
func TestMoveInterrupted(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrived bool
	}{{"before the job arrived", false}, {"after it arrived", true}} {
		t.Run(c.name, func(t *testing.T) {
			st := openAt(t, place{testserver.Redis(t).URL, newPrefix()})
			ctx, now := t.Context(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			parent := errand.JobSpec{ID: errand.NewID(), Queue: "here", Task: "task", UniqueKey: "k"}
			child := errand.JobSpec{ID: errand.NewID(), Queue: "elsewhere", Task: "task", DependsOn: []string{parent.ID}}
			if _, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{parent}, {child}}}); err != nil {
				t.Fatal(err)
			}
			if err := redis.MoveHalf(ctx, st, now, "here", "there", parent.ID, c.arrived); err != nil {
				t.Fatal(err)
			}
			run := func(want int) {
				t.Helper()
				reply, err := st.Claim(ctx, errand.ClaimRequest{Now: now, Worker: "w", Queues: []string{"here", "there"}, Limit: 10, Lease: time.Minute, MaxRecoveries: 3})
				if err != nil || len(reply.Jobs) != want {
					t.Fatalf("claimed %d jobs, want %d: %v", len(reply.Jobs), want, err)
				}
				for _, job := range reply.Jobs {
					if _, err := st.Settle(ctx, errand.SettleRequest{Now: now, Worker: "w", Outcomes: []errand.Outcome{
						{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded},
					}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			maintain := func() {
				t.Helper()
				if _, err := st.Maintain(ctx, errand.MaintainRequest{Now: now, Limit: 100, MaxRecoveries: 3}); err != nil {
					t.Fatal(err)
				}
			}
			if c.arrived {
				run(1)
				maintain()
				run(0)
			} else {
				run(0)
				maintain()
				run(1)
			}
			maintain()
			run(0)
			if job, err := st.Job(ctx, "elsewhere", child.ID); err != nil || job.State != errand.StateQueued {
				t.Errorf("the child: %+v, %v", job, err)
			}
		})
	}
}
