package errand

import (
	"fmt"
	"slices"
)

// State says where a job is in its life. The names are RQ's.
type State uint8

// The states of a job. The zero State is not one of them; filters use it for "any".
const (
	StateScheduled State = iota + 1 // waits for its time; also a retry that waits
	StateDeferred                   // waits for the jobs that it depends on
	StateQueued                     // ready, waits for a worker
	StateStarted                    // a worker holds a lease on it
	StateFinished                   // succeeded; in the store only while its result is kept
	StateFailed                     // failed for good; kept for people to look at and requeue
	StateCanceled                   // called off by a person or a program
)

var stateNames = [...]string{
	StateScheduled: "scheduled",
	StateDeferred:  "deferred",
	StateQueued:    "queued",
	StateStarted:   "started",
	StateFinished:  "finished",
	StateFailed:    "failed",
	StateCanceled:  "canceled",
}

// States lists every state in the order in which reports show them.
func States() []State {
	return []State{
		StateQueued, StateStarted, StateScheduled, StateDeferred,
		StateFailed, StateFinished, StateCanceled,
	}
}

// String returns the state's name in lower case, or "State(n)" for a number that is none.
func (s State) String() string {
	if s == 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", uint8(s))
	}
	return stateNames[s]
}

// ParseState is the inverse of [State.String].
func ParseState(name string) (State, error) {
	if i := slices.Index(stateNames[:], name); i > 0 {
		return State(i), nil
	}
	return 0, fmt.Errorf("%w: state %q: use one of %v", ErrInvalid, name, stateNames[1:])
}

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a state's name.
func (s *State) UnmarshalText(text []byte) error {
	parsed, err := ParseState(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}

// Final reports whether the state is one that only a requeue leaves.
func (s State) Final() bool {
	return s == StateFinished || s == StateFailed || s == StateCanceled
}

// Event is something that moves a job from one state to another.
type Event uint8

// The events of a job's life. [Next] says what each leads to.
const (
	EventDue        Event = iota + 1 // its time has come
	EventFulfilled                   // the last job that it depends on has finished
	EventOrphaned                    // a job that it depends on failed, was canceled or deleted
	EventClaimed                     // a worker took it
	EventSucceeded                   // settled: the task returned without error
	EventRetried                     // settled: the attempt failed and another follows
	EventFailed                      // settled: the attempt failed for good
	EventSnoozed                     // settled: the task asked to run again later
	EventCanceled                    // called off
	EventReleased                    // settled: given back, not charged as an attempt
	EventLost                        // its worker's lease ran out; it is run again
	EventPoisoned                    // its worker was lost once too often
	EventRequeued                    // a person put it back
	EventRedeferred                  // a job that it depends on was put back
)

var eventNames = [...]string{
	EventDue: "due", EventFulfilled: "fulfilled", EventOrphaned: "orphaned",
	EventClaimed: "claimed", EventSucceeded: "succeeded", EventRetried: "retried",
	EventFailed: "failed", EventSnoozed: "snoozed", EventCanceled: "canceled",
	EventReleased: "released", EventLost: "lost", EventPoisoned: "poisoned",
	EventRequeued: "requeued", EventRedeferred: "redeferred",
}

// String returns the event's name in lower case.
func (e Event) String() string {
	if e == 0 || int(e) >= len(eventNames) {
		return fmt.Sprintf("Event(%d)", uint8(e))
	}
	return eventNames[e]
}

// transitions is the life of a job, whole. What is not in it cannot happen.
//
// Three things are conditional in a way that the table cannot say: what leads to StateScheduled leads to StateQueued
// instead when the time it names is not in the future, and what leads to StateQueued from StateDeferred or StateStarted
// leads to StateScheduled when the job's time is; a requeued job that still waits for living jobs is StateDeferred; and
// an attempt that ends neither finished nor failed while a cancel is pending ends StateCanceled.
var transitions = map[Event]map[State]State{
	EventDue:       {StateScheduled: StateQueued},
	EventFulfilled: {StateDeferred: StateQueued},
	EventOrphaned:  {StateDeferred: StateFailed},
	EventClaimed:   {StateQueued: StateStarted},
	EventSucceeded: {StateStarted: StateFinished},
	EventRetried:   {StateStarted: StateScheduled},
	EventFailed:    {StateStarted: StateFailed},
	EventSnoozed:   {StateStarted: StateScheduled},
	EventCanceled: {
		StateScheduled: StateCanceled, StateDeferred: StateCanceled,
		StateQueued: StateCanceled, StateStarted: StateCanceled,
	},
	EventReleased: {StateStarted: StateQueued},
	EventLost:     {StateStarted: StateQueued},
	EventPoisoned: {StateStarted: StateFailed},
	EventRequeued: {
		StateFailed: StateQueued, StateCanceled: StateQueued, StateFinished: StateQueued,
		StateScheduled: StateQueued, // run now what waits for its time
	},
	EventRedeferred: {StateFailed: StateDeferred},
}

// Next returns the state that an event leads to, and false where the event cannot happen in that state.
func Next(from State, e Event) (State, bool) {
	to, ok := transitions[e][from]
	return to, ok
}
