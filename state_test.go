package errand_test

import (
	"encoding/json"
	"testing"

	"github.com/errandhq/errand"
)

// TestStateTable holds the promises that the table makes: a final state is left by a requeue only, every state can be
// reached and, but for the final ones, left by itself.
func TestStateTable(t *testing.T) {
	reached := map[errand.State]bool{errand.StateScheduled: true, errand.StateDeferred: true, errand.StateQueued: true}
	for _, from := range errand.States() {
		var leaves int
		for e := errand.EventDue; e <= errand.EventRedeferred; e++ {
			to, ok := errand.Next(from, e)
			if !ok {
				continue
			}
			leaves++
			reached[to] = true
			byPerson := e == errand.EventRequeued || e == errand.EventRedeferred
			if from.Final() && !byPerson {
				t.Errorf("%v leaves the final state %v", e, from)
			}
			if from == errand.StateQueued && to == errand.StateStarted && e != errand.EventClaimed {
				t.Errorf("%v starts a job without a claim", e)
			}
		}
		if leaves == 0 {
			t.Errorf("nothing leaves %v", from)
		}
	}
	for _, s := range errand.States() {
		if !reached[s] {
			t.Errorf("nothing leads to %v", s)
		}
	}
}

func TestStateNamesRoundTrip(t *testing.T) {
	for _, s := range errand.States() {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back errand.State
		if err := json.Unmarshal(text, &back); err != nil || back != s {
			t.Errorf("%s came back as %v, %v", text, back, err)
		}
	}
	for _, bad := range []string{"", "done", "State(0)"} {
		if _, err := errand.ParseState(bad); err == nil {
			t.Errorf("%q was taken for a state", bad)
		}
	}
}
