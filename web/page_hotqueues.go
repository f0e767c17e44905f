package web

import (
	"net/http"
	"time"

	"github.com/errandhq/errand"
)

// hotqueuesView is the page of hotqueues and their parameter workers.
type hotqueuesView struct {
	Queues  []hotqueueView
	Workers []workerView
}

// hotqueueView is a hotqueue and the failed calls with its parameters.
type hotqueueView struct {
	errand.MessageQueueInfo
	Failed  int64
	Spark   spark         // how full it was in the last hour
	Run     time.Duration // half of the calls of the last hour took no longer
	RunMost time.Duration // and 95 of 100
	Known   bool          // there were such calls
}

func (h *Handler) hotqueues(w http.ResponseWriter, req *request) error {
	now, queues, err := h.lookAtQueues(req)
	if err != nil {
		return err
	}
	failed := map[string]int64{}
	for _, q := range queues {
		failed[q.Name] = q.Counts[errand.StateFailed]
	}
	lists, err := h.st.MessageQueues(req.Context(), now)
	if err != nil {
		return err
	}
	view := hotqueuesView{}
	past, err := h.history(req.Context(), now, periods[0], "", "")
	if err != nil {
		return err
	}
	for _, info := range lists {
		line := hotqueueView{MessageQueueInfo: info, Failed: failed[info.Name]}
		line.Spark = sparkOf(depthOf(past.lists[info.Name], errand.StateQueued), req.lang.T("Messages that waited in the last hour"))
		if runs := past.runs[info.Name]; runs != nil && runs.Count() > 0 {
			line.Known, line.Run, line.RunMost = true, runs.Quantile(0.5), runs.Quantile(0.95)
		}
		view.Queues = append(view.Queues, line)
	}
	workers, err := h.st.Workers(req.Context())
	if err != nil {
		return err
	}
	for _, rec := range workers {
		if rec.Kind == "hotqueue" {
			view.Workers = append(view.Workers, workerViewOf(now, rec))
		}
	}
	return h.render(w, req, http.StatusOK, "hotqueues",
		page{Title: req.lang.T("Hotqueues"), Nav: "hotqueues", Live: true, Now: now, View: view})
}

// clearHotqueue removes every message that waits; it asks first.
func (h *Handler) clearHotqueue(w http.ResponseWriter, req *request) error {
	queue := req.PathValue("queue")
	if err := errand.CheckName("queue", queue); err != nil {
		return err
	}
	if err := req.ParseForm(); err != nil {
		return err
	}
	if req.PostForm.Get("confirmed") == "" {
		waiting, err := h.st.Len(req.Context(), queue)
		if err != nil {
			return err
		}
		return h.render(w, req, http.StatusOK, "confirm", page{Title: req.lang.T("Are you sure?"), Nav: "hotqueues", View: confirmView{
			Question: req.lang.N(waiting, "Remove the message that waits in this hotqueue?", "Remove the %s messages that wait in this hotqueue?"),
			Warning:  req.lang.T("This cannot be undone."), Button: req.lang.T("Clear"), Danger: true,
			Action: req.URL.Path, Fields: []field{{"confirmed", "1"}}, Back: h.config.Path + "hotqueues",
		}})
	}
	removed, err := h.clearMessages(req, queue)
	if err != nil {
		return err
	}
	h.leaveNote(w, req, req.lang.N(removed, "One message removed.", "%s messages removed."))
	h.redirect(w, req, h.config.Path+"hotqueues")
	return nil
}
