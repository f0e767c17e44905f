package web

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
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
	Lately   latelyView
	Actions  []string
}

// Most is how many attempts the job may have.
func (v jobView) Most() int { return v.Retry.Max + 1 }

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
	if errors.Is(err, errand.ErrJobNotFound) && queue != "" { // it may have been moved
		job, err = h.st.Job(req.Context(), "", req.PathValue("id"))
	}
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
	past, err := h.history(req.Context(), now, periodNamed("24h"), job.Queue, job.Task)
	if err != nil {
		return err
	}
	view.Lately = latelyOf(req.lang, past)
	return h.render(w, req, http.StatusOK, "job",
		page{Title: job.Task, Nav: "jobs", Live: true, Now: now, View: view})
}

// latelyView is how the attempts of a job's task in its queue went in the last day.
type latelyView struct {
	Attempts int64
	Failed   int64 // attempts, whether another followed or not
	Share    string
	RunHalf  time.Duration
	RunMost  time.Duration
	WaitHalf time.Duration
	WaitMost time.Duration
	Good     spark
	Bad      spark
}

func latelyOf(l *lang.Lang, past *history) latelyView {
	sum := past.sum()
	v := latelyView{
		Attempts: sum.Finished + sum.Failed + sum.Retried, Failed: sum.Failed + sum.Retried,
		RunHalf: sum.Run.Quantile(0.5), RunMost: sum.Run.Quantile(0.95),
		WaitHalf: sum.Wait.Quantile(0.5), WaitMost: sum.Wait.Quantile(0.95),
		Good: sparkOf(past.series(func(t *tally) float64 { return float64(t.Finished) }), l.T("Finished in the last 24 hours")),
		Bad:  sparkOf(past.series(func(t *tally) float64 { return float64(t.Failed + t.Retried) }), l.T("Failed attempts in the last 24 hours")),
	}
	v.Bad.Bad = true
	if v.Attempts > 0 {
		v.Share = l.Percent(float64(v.Failed) / float64(v.Attempts))
	}
	return v
}
