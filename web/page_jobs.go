package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// jobsView is the page that lists jobs.
type jobsView struct {
	Search   search
	States   []stateTab
	Limits   []choice
	Jobs     []jobRow
	Scanned  int
	Next     string // the link to the next page; empty: none
	Total    int64  // jobs that match, where the counters say so
	Known    bool   // Total is exact
	Queue    *queueView
	Queues   []string
	Tasks    []string
	Actions  []string
	WhenText string
	UnderWay int       // actions on many jobs that go on in the background
	Hidden   []field   // the search, for the forms that act on it
	Reached  time.Time // where a look into jobs ended; zero: at the end, or there was none
}

// Filtered reports whether there is a filter beside the state.
func (v jobsView) Filtered() bool {
	s := v.Search
	return s.Queue != "" || s.Task != "" || s.ID != "" || s.scans()
}

// ByQueue reports whether the list goes from one queue to the next, which is not what "newest first" seems to say.
func (v jobsView) ByQueue() bool {
	return v.Search.Queue == "" && v.Search.ID == "" && len(v.Queues) > 1 && len(v.Jobs) > 0
}

// Further reports whether a filter that is not always shown is in use.
func (v jobsView) Further() bool {
	s := v.Search
	return s.ID != "" || s.Attempt > 0 || s.Since.text != "" || s.Until.text != "" || s.Oldest || strconv.Itoa(s.Limit) != limits[0]
}

// StateName is the state that is looked for; empty: all.
func (v jobsView) StateName() string {
	if v.Search.State == 0 {
		return ""
	}
	return v.Search.State.String()
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

// When is the time by which the job is listed.
func (r jobRow) When() time.Time { return timeOf(r.Job) }

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
	if view.Queue != nil {
		past, err := h.history(req.Context(), now, periods[0], "", "")
		if err != nil {
			return err
		}
		view.Queue.addPast(req.lang, past)
	}
	view.WhenText = whenText(req.lang, s.State)
	view.UnderWay = h.operations.underWay()
	for _, job := range result.Jobs {
		view.Jobs = append(view.Jobs, h.rowOf(req, job))
	}
	for name, values := range s.values() {
		view.Hidden = append(view.Hidden, field{name, values[0]})
	}
	slices.SortFunc(view.Hidden, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
	if result.Next != "" {
		view.Reached = result.Reached
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

// whenText says which time jobs of a state are listed by.
func whenText(l *lang.Lang, state errand.State) string {
	switch state {
	case errand.StateFailed:
		return l.T("Failed at")
	case errand.StateFinished, errand.StateCanceled:
		return l.T("Ended")
	case errand.StateStarted:
		return l.T("Started")
	case errand.StateQueued:
		return l.T("Waits since")
	case errand.StateScheduled:
		return l.T("Due")
	default:
		return l.T("When")
	}
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
