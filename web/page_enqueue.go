package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// enqueueView is the form that makes a job.
type enqueueView struct {
	Queue, Task, Payload string
	Priority             int
	Delay                string
	Replaces             string // the id of a failed job that the new one takes the place of
	Queues, Tasks        []string
	Priorities           []int
	Problem              string
	Faults               []fault // what does not fit the task's schema
	Schema               string  // of the task; empty: it is not known
}

// schemaOf returns the schema that workers have published for a task, and its text; nil where there is none that can be read.
func (h *Handler) schemaOf(req *request, task string) (*schema, string, error) {
	s, raw, err := h.schemas.of(req.Context(), h.st, task)
	if s == nil || err != nil {
		return nil, "", err
	}
	return s, indented(raw), nil
}

// indented lays out JSON; what is none stays as it is.
func indented(raw []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return string(raw)
	}
	return out.String()
}

// enqueueForm shows the form: empty, or with what another job has ("from"), to clone it or, with "edit", to replace it.
func (h *Handler) enqueueForm(w http.ResponseWriter, req *request) error {
	view := enqueueView{Queue: "default", Payload: "{}"}
	if id := req.URL.Query().Get("from"); id != "" {
		job, err := h.st.Job(req.Context(), req.URL.Query().Get("queue"), id)
		if err != nil {
			return err
		}
		view.Queue, view.Task, view.Priority, view.Payload = job.Queue, job.Task, job.Priority, indented(job.Payload)
		if string(job.Payload) != string(h.redacted(job.Task, job.Payload)) {
			return &problem{status: http.StatusForbidden, text: lang.Mark("Its payload is not shown here in full, so that it cannot be cloned or edited.")}
		}
		if req.URL.Query().Get("edit") != "" {
			view.Replaces = job.ID
		}
		return h.showEnqueue(w, req, http.StatusOK, view)
	}
	if queue := req.URL.Query().Get("queue"); queue != "" {
		view.Queue = clip(errand.MaxNameBytes, queue)
	}
	if view.Task = clip(errand.MaxNameBytes, req.URL.Query().Get("task")); view.Task != "" {
		s, _, err := h.schemaOf(req, view.Task)
		if err != nil {
			return err
		}
		if s != nil {
			view.Payload = example(s)
		}
	}
	return h.showEnqueue(w, req, http.StatusOK, view)
}

func (h *Handler) showEnqueue(w http.ResponseWriter, req *request, status int, view enqueueView) error {
	_, queues, err := h.lookAtQueues(req)
	if err != nil {
		return err
	}
	for _, q := range queues {
		view.Queues = append(view.Queues, q.Name)
	}
	if view.Tasks, err = h.taskNames(req); err != nil {
		return err
	}
	if view.Task != "" {
		if _, view.Schema, err = h.schemaOf(req, view.Task); err != nil {
			return err
		}
	}
	for p := range errand.MaxPriority + 1 {
		view.Priorities = append(view.Priorities, p)
	}
	title := req.lang.T("Enqueue a job")
	if view.Replaces != "" {
		title = req.lang.T("Edit and requeue")
	}
	return h.render(w, req, status, "enqueue", page{Title: title, Nav: "enqueue", View: view})
}

func (h *Handler) enqueue(w http.ResponseWriter, req *request) error {
	if err := req.ParseForm(); err != nil {
		return err
	}
	form := req.PostForm
	view := enqueueView{Queue: form.Get("queue"), Task: form.Get("task"), Payload: form.Get("payload"),
		Delay: form.Get("delay"), Replaces: form.Get("replaces")}
	view.Priority, _ = strconv.Atoi(form.Get("priority"))
	known, _, err := h.schemaOf(req, view.Task)
	if err != nil {
		return err
	}
	if form.Get("action") == "example" {
		if known == nil {
			view.Problem = req.lang.T("No worker has said what this task takes.")
		} else {
			view.Payload = example(known)
		}
		return h.showEnqueue(w, req, http.StatusOK, view)
	}
	spec, err := view.spec()
	if err == nil && known != nil && form.Get("anyway") == "" {
		if view.Faults = checkPayload(req.lang, known, spec.Payload); len(view.Faults) > 0 {
			return h.showEnqueue(w, req, http.StatusUnprocessableEntity, view)
		}
	}
	if err != nil {
		view.Problem = req.lang.T(problemOf(err).text, problemOf(err).args...)
		return h.showEnqueue(w, req, http.StatusUnprocessableEntity, view)
	}
	now, err := h.st.Now(req.Context())
	if err != nil {
		return err
	}
	if view.Delay != "" {
		delay, _ := time.ParseDuration(view.Delay) // spec has checked it
		spec.RunAt = now.Add(delay)
	}
	if view.Replaces != "" {
		old, err := h.st.Job(req.Context(), spec.Queue, view.Replaces)
		if err != nil {
			return err
		}
		spec.Retry, spec.Timeout, spec.KeepResult = old.Retry, old.Timeout, old.KeepResult
	}
	errs, err := h.st.Enqueue(req.Context(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{spec}}})
	if err == nil && len(errs) > 0 {
		err = errs[0]
	}
	if err != nil {
		return err
	}
	h.log(req, "enqueue", "job "+spec.ID, 1)
	note := req.lang.T("The job is in.")
	if view.Replaces != "" {
		reply, err := h.st.Delete(req.Context(), errand.Command{Now: now, IDs: []string{view.Replaces}})
		if err != nil {
			return err
		}
		h.log(req, "replace", "job "+clip(40, view.Replaces), reply.Done)
		note = req.lang.T("The job is in, with its new payload, and the old one is deleted.")
	}
	h.leaveNote(w, req, note)
	h.redirect(w, req, h.config.Path+"jobs/"+spec.ID+query("queue", spec.Queue))
	return nil
}

// spec is the job that the form asks for.
func (v enqueueView) spec() (errand.JobSpec, error) {
	spec := errand.JobSpec{ID: errand.NewID(), Queue: v.Queue, Task: v.Task, Payload: []byte(v.Payload), Priority: v.Priority}
	if err := errand.CheckName("queue", v.Queue); err != nil {
		return spec, err
	}
	if err := errand.CheckName("task", v.Task); err != nil {
		return spec, err
	}
	if v.Priority < 0 || v.Priority > errand.MaxPriority {
		return spec, misuse(lang.Mark("The priority is 0 to %d."), errand.MaxPriority)
	}
	if len(v.Payload) > errand.MaxPayloadBytes {
		return spec, misuse(lang.Mark("The payload is too long."))
	}
	var syntax any
	if err := json.Unmarshal(spec.Payload, &syntax); err != nil {
		return spec, misuse(lang.Mark("The payload is not JSON: %s."), err.Error())
	}
	if v.Delay != "" {
		if d, err := time.ParseDuration(v.Delay); err != nil || d < 0 || d > 10*365*24*time.Hour {
			return spec, misuse(lang.Mark("The delay %q is not a duration: write it as 90s, 10m or 24h."), v.Delay)
		}
	}
	return spec, nil
}
