package web

import (
	"net/http"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// queuesView is the page of all queues.
type queuesView struct {
	Queues []queueView
}

// queueView is a queue as a line of a table.
type queueView struct {
	errand.QueueInfo
	Total int64
	Bar   []segment

	Spark    spark         // jobs finished in the last hour
	WaitHalf time.Duration // of the jobs started in the last hour, half waited no longer
	WaitMost time.Duration // and 95 of 100
	Known    bool          // there were such jobs
}

// addPast adds what the series of the last hour say.
func (q *queueView) addPast(l *lang.Lang, past *history) {
	q.Spark = sparkOf(past.perMinute(orNone(past.byQueue[q.Name], past.n)), l.T("Finished in the last hour"))
	if waits := past.waits[q.Name]; waits != nil && waits.Count() > 0 {
		q.Known, q.WaitHalf, q.WaitMost = true, waits.Quantile(0.5), waits.Quantile(0.95)
	}
}

func orNone(counts []int64, n int) []int64 {
	if counts == nil {
		return make([]int64, n)
	}
	return counts
}

// segment is a part of a bar; bars are 100 wide.
type segment struct {
	State errand.State
	Count int64
	X, W  float64
}

// queueViewOf makes the line of a queue.
func queueViewOf(q errand.QueueInfo) queueView {
	v := queueView{QueueInfo: q}
	for _, n := range q.Counts {
		v.Total += n
	}
	x := 0.0
	for _, state := range errand.States() {
		if n := q.Counts[state]; n > 0 {
			w := 100 * float64(n) / float64(v.Total)
			v.Bar = append(v.Bar, segment{State: state, Count: n, X: x, W: w})
			x += w
		}
	}
	return v
}

// InState is the number of jobs in a state with a name.
func (q queueView) InState(name string) int64 {
	state, _ := errand.ParseState(name)
	return q.Counts[state]
}

func (h *Handler) queues(w http.ResponseWriter, req *request) error {
	now, queues, err := h.lookAtQueues(req)
	if err != nil {
		return err
	}
	past, err := h.history(req.Context(), now, periods[0], "", "")
	if err != nil {
		return err
	}
	view := queuesView{}
	for _, q := range queues {
		line := queueViewOf(q)
		line.addPast(req.lang, past)
		view.Queues = append(view.Queues, line)
	}
	return h.render(w, req, http.StatusOK, "queues",
		page{Title: req.lang.T("Queues"), Nav: "queues", Live: true, Now: now, View: view})
}

func (h *Handler) lookAtQueues(req *request) (time.Time, []errand.QueueInfo, error) {
	now, err := h.st.Now(req.Context())
	if err != nil {
		return now, nil, err
	}
	queues, err := h.st.Queues(req.Context(), now)
	return now, queues, err
}

// steerQueue pauses or resumes a queue.
func (h *Handler) steerQueue(w http.ResponseWriter, req *request) error {
	queue := req.PathValue("queue")
	if err := errand.CheckName("queue", queue); err != nil {
		return err
	}
	if err := req.ParseForm(); err != nil {
		return err
	}
	action, said := req.PostForm.Get("action"), lang.Mark("Queue %s is paused: workers take no more of its jobs.")
	switch action {
	case "pause":
	case "resume":
		said = lang.Mark("Queue %s is resumed.")
	default:
		return misuse(lang.Mark("There is no such action."))
	}
	if err := h.setPaused(req, queue, action == "pause"); err != nil {
		return err
	}
	h.leaveNote(w, req, req.lang.T(said, queue))
	h.redirect(w, req, req.PostForm.Get("back"))
	return nil
}
