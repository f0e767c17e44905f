package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// jobView is the page of one job.
type jobView struct {
	*errand.Job
	Hidden   bool // payload, result and logs are not for the one who looks on
	Payload  document
	Result   document
	Steps    []step
	Attempts []attemptView // newest first
	Share    float64       // of its work that is done, of 100; below 0: unknown
	Parents  []*errand.Job
	Missing  []string // parents that are gone
	Actions  []string
}

// step is a part of a job's life.
type step struct {
	State errand.State
	At    time.Time
	For   time.Duration // until the next one; 0 for a last that is final
	Last  bool
}

// attemptView is one attempt that ended.
type attemptView struct {
	errand.AttemptRecord
	Took   time.Duration
	Frames []frame
	Own    int // how many frames are the user's own
	Failed bool
	Open   bool
}

func (h *Handler) job(w http.ResponseWriter, req *request) error {
	queue := req.URL.Query().Get("queue")
	job, err := h.st.Job(req.Context(), queue, req.PathValue("id"))
	if err != nil {
		return err
	}
	now, err := h.st.Now(req.Context())
	if err != nil {
		return err
	}
	view := jobView{Job: job, Hidden: !req.may(Operator), Share: -1, Actions: actionsFor(job.State), Steps: stepsOf(job, now)}
	if !view.Hidden {
		view.Payload = pretty(h.redacted(job.Task, job.Payload))
		view.Result = pretty(h.redacted(job.Task, job.Result))
	}
	if p := job.Progress; p != nil && p.Total > 0 {
		view.Share = min(100, 100*float64(p.Done)/float64(p.Total))
	}
	for i, rec := range slices.Backward(job.Attempts) {
		a := attemptView{AttemptRecord: rec, Took: rec.EndedAt.Sub(rec.StartedAt), Frames: framesOf(rec.Stack),
			Failed: rec.Error != "", Open: i == len(job.Attempts)-1}
		for _, f := range a.Frames {
			if f.Own {
				a.Own++
			}
		}
		if view.Hidden {
			a.Log = nil
		}
		view.Attempts = append(view.Attempts, a)
	}
	for _, id := range job.DependsOn[:min(len(job.DependsOn), 20)] {
		parent, err := h.st.Job(req.Context(), "", id)
		if err != nil {
			view.Missing = append(view.Missing, id)
			continue
		}
		view.Parents = append(view.Parents, parent)
	}
	return h.render(w, req, http.StatusOK, "job",
		page{Title: job.Task, Nav: "jobs", Live: true, Now: now, View: view})
}

// stepsOf is the life of a job as far as it is known.
func stepsOf(job *errand.Job, now time.Time) []step {
	var steps []step
	add := func(state errand.State, at time.Time) {
		if !at.IsZero() && (len(steps) == 0 || !at.Before(steps[len(steps)-1].At)) {
			steps = append(steps, step{State: state, At: at})
		}
	}
	first := errand.StateQueued
	if job.RunAt.After(job.CreatedAt) {
		first = errand.StateScheduled
	}
	if len(job.DependsOn) > 0 {
		first = errand.StateDeferred
	}
	add(first, job.CreatedAt)
	for _, rec := range job.Attempts {
		add(errand.StateStarted, rec.StartedAt)
		if rec.Outcome == errand.EventRetried || rec.Outcome == errand.EventSnoozed {
			add(errand.StateScheduled, rec.EndedAt)
		}
	}
	if job.State != first || len(job.Attempts) > 0 {
		switch {
		case job.State == errand.StateStarted:
			add(job.State, job.StartedAt)
		case job.State.Final():
			add(job.State, job.EndedAt)
		case job.State == errand.StateQueued && len(steps) > 0 && steps[len(steps)-1].State != job.State:
			add(job.State, job.ReadyAt)
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
