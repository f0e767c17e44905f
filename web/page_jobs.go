package web

import (
	"net/http"

	"github.com/errandhq/errand"
)

// jobsView is the page that lists jobs.
type jobsView struct {
	Search  search
	States  []stateTab
	Limits  []choice
	Jobs    []jobRow
	Scanned int
	Next    string // the link to the next page; empty: none
	Total   int64  // jobs that match, where the counters say so
	Known   bool   // Total is exact
	Queue   *queueView
	Queues  []string
	Tasks   []string
	Actions []string
}

// stateTab leads to the jobs of one state.
type stateTab struct {
	State  errand.State // zero: every state
	Count  int64
	Link   string
	Chosen bool
}

// jobRow is a job as a line of a table.
type jobRow struct {
	*errand.Job
	Error   string
	Preview string // of the payload, for those who may see it
}

func (h *Handler) jobs(w http.ResponseWriter, req *request) error {
	values := req.URL.Query()
	if queue := req.PathValue("queue"); queue != "" {
		values.Set("queue", queue)
	}
	s, err := h.search(req, values)
	if err != nil {
		return err
	}
	now, queues, err := h.lookAtQueues(req)
	if err != nil {
		return err
	}
	result, err := h.find(req.Context(), s)
	if err != nil {
		return err
	}
	view := jobsView{Search: s, Scanned: result.Scanned, Actions: actionsFor(s.State)}
	view.fill(h, s, queues)
	for _, job := range result.Jobs {
		view.Jobs = append(view.Jobs, h.rowOf(req, job))
	}
	if result.Next != "" {
		next := s.values()
		next.Set("cursor", result.Next)
		view.Next = h.config.Path + "jobs?" + next.Encode()
	}
	if view.Tasks, err = h.taskNames(req); err != nil {
		return err
	}
	title := req.lang.T("Jobs")
	nav := "jobs"
	if req.PathValue("queue") != "" {
		title, nav = req.lang.T("Queue %s", s.Queue), "queues"
	}
	return h.render(w, req, http.StatusOK, "jobs", page{Title: title, Nav: nav, Live: s.Cursor == "", Now: now, View: view})
}

// fill adds what the queues' counters say.
func (v *jobsView) fill(h *Handler, s search, queues []errand.QueueInfo) {
	counts := map[errand.State]int64{}
	all := int64(0)
	for _, q := range queues {
		v.Queues = append(v.Queues, q.Name)
		if s.Queue != "" && s.Queue != q.Name {
			continue
		}
		if s.Queue != "" {
			line := queueViewOf(q)
			v.Queue = &line
		}
		for state, n := range q.Counts {
			counts[state] += n
			all += n
		}
	}
	tab := func(state errand.State, n int64) {
		own := s
		own.State = state
		v.States = append(v.States, stateTab{State: state, Count: n, Link: h.config.Path + "jobs?" + own.values().Encode(), Chosen: s.State == state})
	}
	tab(0, all)
	for _, state := range errand.States() {
		tab(state, counts[state])
	}
	v.Known = s.Task == "" && s.ID == "" && !s.scans()
	v.Total = all
	if s.State != 0 {
		v.Total = counts[s.State]
	}
	for _, l := range limits {
		v.Limits = append(v.Limits, choice{l, l, search{Limit: s.Limit}.values().Get("limit") == l || (s.Limit == 50 && l == "50")})
	}
}

// rowOf makes the line of a job.
func (h *Handler) rowOf(req *request, job *errand.Job) jobRow {
	row := jobRow{Job: job}
	if last, ok := job.LastError(); ok {
		row.Error = last.Error
	}
	if req.may(Operator) {
		row.Preview = clip(120, string(h.redacted(job.Task, job.Payload)))
	}
	return row
}

// redacted is what may be shown of a payload or a result.
func (h *Handler) redacted(task string, payload []byte) []byte {
	if h.config.Redact == nil || len(payload) == 0 {
		return payload
	}
	return h.config.Redact(task, payload)
}

// taskNames lists the tasks that workers know.
func (h *Handler) taskNames(req *request) ([]string, error) {
	workers, err := h.st.Workers(req.Context())
	if err != nil {
		return nil, err
	}
	return tasksOf(workers), nil
}
