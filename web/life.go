package web

import (
	"time"

	"github.com/errandhq/errand"
)

// life is what is known of a job's states, one after another, each with a bar on one scale of time.
type life struct {
	Steps []step
	Cut   int // steps in the middle that are left out
	Whole time.Duration
}

// step is a part of a job's life.
type step struct {
	State   errand.State
	Attempt int // that began with it; 0: none did
	At      time.Time
	For     time.Duration // until the next one; 0 for a last that is final
	Last    bool
	X, W    float64 // of its bar, of 100
	Gap     bool    // steps before it are left out
}

// maxSteps is how many steps of a life are shown.
const maxSteps = 24

// lifeOf is the life of a job as far as it is known.
func lifeOf(job *errand.Job, now time.Time) life {
	steps := stepsOf(job, now)
	l := life{Steps: steps}
	if len(steps) == 0 {
		return l
	}
	start, last := steps[0].At, steps[len(steps)-1]
	l.Whole = last.At.Add(last.For).Sub(start)
	for i := range steps {
		s := &steps[i]
		if l.Whole > 0 {
			s.X = 100 * float64(s.At.Sub(start)) / float64(l.Whole)
			s.W = 100 * float64(s.For) / float64(l.Whole)
		}
		s.W = max(s.W, 0.6) // so that the shortest can be seen
		s.X = min(s.X, 100-s.W)
	}
	if len(steps) > maxSteps {
		l.Cut = len(steps) - maxSteps
		half := maxSteps / 2
		l.Steps = append(steps[:half:half], steps[half+l.Cut:]...)
		l.Steps[half].Gap = true
	}
	return l
}

// stepsOf lists the states that a job has been in.
func stepsOf(job *errand.Job, now time.Time) []step {
	var steps []step
	add := func(state errand.State, attempt int, at time.Time) {
		if n := len(steps); at.IsZero() || n > 0 && (at.Before(steps[n-1].At) || state.Final() && state == steps[n-1].State) {
			return
		}
		steps = append(steps, step{State: state, Attempt: attempt, At: at})
	}
	first := errand.StateQueued
	if job.RunAt.After(job.CreatedAt) {
		first = errand.StateScheduled
	}
	if len(job.DependsOn) > 0 {
		first = errand.StateDeferred
	}
	add(first, 0, job.CreatedAt)
	for _, rec := range job.Attempts {
		add(errand.StateStarted, rec.Attempt, rec.StartedAt)
		switch rec.Outcome {
		case errand.EventRetried, errand.EventSnoozed:
			add(errand.StateScheduled, 0, rec.EndedAt)
		case errand.EventLost, errand.EventReleased:
			add(errand.StateQueued, 0, rec.EndedAt)
		case errand.EventFailed, errand.EventPoisoned: // and put back since, where more attempts follow
			add(errand.StateFailed, 0, rec.EndedAt)
		default: // what follows says the rest
		}
	}
	if job.State != first || len(job.Attempts) > 0 {
		switch {
		case job.State == errand.StateStarted:
			add(job.State, job.Attempt, job.StartedAt)
		case job.State.Final():
			add(job.State, 0, job.EndedAt)
		case job.State == errand.StateQueued && len(steps) > 0 && steps[len(steps)-1].State != job.State:
			add(job.State, 0, job.ReadyAt)
		}
	}
	for i := range steps {
		if i+1 < len(steps) {
			steps[i].For = steps[i+1].At.Sub(steps[i].At)
			continue
		}
		steps[i].Last = true
		if !steps[i].State.Final() {
			steps[i].For = max(0, now.Sub(steps[i].At))
		}
	}
	return steps
}
