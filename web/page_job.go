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
	Life     life
	Attempts []attemptView // newest first
	Share    float64       // of its work that is done, of 100; below 0: unknown
	Kin      kin
	Actions  []string
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
	view := jobView{Job: job, Hidden: !req.may(Operator), Share: -1, Actions: actionsFor(job.State), Life: lifeOf(job, now)}
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
	if view.Kin, err = h.kinOf(req.Context(), job); err != nil {
		return err
	}
	return h.render(w, req, http.StatusOK, "job",
		page{Title: job.Task, Nav: "jobs", Live: true, Now: now, View: view})
}
