package storetest

import (
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// RunTurns proves that the claims of a flood wait for a process that has the turns of queue "flood", and go on without where it
// keeps them. hold takes those of the first lane until end is called, and waiting counts those who wait.
func RunTurns(t *testing.T, st errand.Store, hold func() (end func()), waiting func() int) {
	const large, tries = 600, 20
	group := make([]errand.JobSpec, (tries+3)*large)
	for i := range group {
		group[i] = errand.JobSpec{ID: errand.NewID(), Queue: "flood", Task: "t"}
	}
	now, number := time.Now(), int64(0)
	if errs, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{group}}); err != nil || errs[0] != nil {
		t.Fatal(errs, err)
	}
	claim := func(limit int) {
		number++
		reply, err := st.Claim(t.Context(), errand.ClaimRequest{
			Now: now, Worker: "w", Queues: []string{"flood"}, Limit: limit, Lease: time.Minute, MaxRecoveries: 3, Number: number,
		})
		if err != nil || len(reply.Jobs) != limit {
			t.Errorf("%d jobs claimed, want %d; %v", len(reply.Jobs), limit, err)
		}
	}
	end := hold()
	claim(large) // it does not know of the flood
	claim(10)
	seen := false
	for range tries { // a wait may be over before somebody looks
		done := make(chan struct{})
		go func() {
			defer close(done)
			claim(large)
		}()
		for under := true; under; {
			seen = seen || waiting() > 0
			select {
			case <-done:
				under = false
			default:
			}
		}
		if seen {
			break
		}
	}
	if !seen {
		t.Errorf("none of %d claims was seen to wait for its turn", tries)
	}
	end()
	claim(large)
}
