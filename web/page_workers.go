package web

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// workersView is the page of workers.
type workersView struct {
	Workers []workerView
	Lost    int
	Slots   int
	Busy    int
}

// workerView is a worker and what its runners do.
type workerView struct {
	errand.WorkerRecord
	Lost bool
	Up   time.Duration
	Bar  []segment // how many of its runners are busy
	Runs []runView
}

// runView is a job that a runner is busy with.
type runView struct {
	errand.RunningJob
	For time.Duration
}

func workerViewOf(now time.Time, rec errand.WorkerRecord) workerView {
	v := workerView{WorkerRecord: rec, Lost: rec.Lost(now), Up: rec.SeenAt.Sub(rec.StartedAt)}
	if rec.Concurrency > 0 {
		v.Bar = []segment{{State: errand.StateStarted, Count: int64(len(rec.Running)), W: min(100, 100*float64(len(rec.Running))/float64(rec.Concurrency))}}
	}
	for _, run := range rec.Running {
		v.Runs = append(v.Runs, runView{run, max(0, now.Sub(run.StartedAt))})
	}
	slices.SortFunc(v.Runs, func(a, b runView) int { return a.StartedAt.Compare(b.StartedAt) })
	return v
}

func (h *Handler) workers(w http.ResponseWriter, req *request) error {
	now, err := h.st.Now(req.Context())
	if err != nil {
		return err
	}
	records, err := h.st.Workers(req.Context())
	if err != nil {
		return err
	}
	view := workersView{}
	for _, rec := range records {
		v := workerViewOf(now, rec)
		view.Workers = append(view.Workers, v)
		if v.Lost {
			view.Lost++
			continue
		}
		view.Slots += rec.Concurrency
		view.Busy += len(rec.Running)
	}
	return h.render(w, req, http.StatusOK, "workers",
		page{Title: req.lang.T("Workers"), Nav: "workers", Live: true, Now: now, View: view})
}

// orderSaid is what is said when an order is given.
var orderSaid = map[errand.Order]string{
	errand.OrderQuiet:  lang.Mark("Worker %s will claim no more jobs."),
	errand.OrderResume: lang.Mark("Worker %s will claim jobs again."),
	errand.OrderStop:   lang.Mark("Worker %s will finish what it runs and stop."),
}

// orderWorker asks something of a worker; before it stops one, it asks whether it should.
func (h *Handler) orderWorker(w http.ResponseWriter, req *request) error {
	if err := req.ParseForm(); err != nil {
		return err
	}
	form := req.PostForm
	id := form.Get("worker")
	order, err := errand.ParseOrder(form.Get("action"))
	if err != nil {
		return err
	}
	if order == errand.OrderStop {
		if !req.may(Admin) {
			return &problem{status: http.StatusForbidden, text: lang.Mark("Your role (%s) may not do this; it takes %s."), args: []any{req.who.Role, Admin}}
		}
		if form.Get("confirmed") == "" {
			return h.confirmStop(w, req, id)
		}
	}
	if err := h.order(req, id, order); err != nil {
		return err
	}
	h.leaveNote(w, req, req.lang.T(orderSaid[order], clip(60, id)))
	h.redirect(w, req, form.Get("back"))
	return nil
}

func (h *Handler) confirmStop(w http.ResponseWriter, req *request, id string) error {
	back := req.PostForm.Get("back")
	if !h.ours(back) {
		back = h.config.Path + "workers"
	}
	return h.render(w, req, http.StatusOK, "confirm", page{Title: req.lang.T("Are you sure?"), Nav: "workers", View: confirmView{
		Question: req.lang.T("Stop worker %s?", clip(60, id)),
		Warning:  req.lang.T("It claims no more, finishes what runs and ends, as at its first signal. This cannot be undone from here: whatever runs it has to start it again."),
		Button:   req.lang.T("Stop"), Danger: true, Action: h.config.Path + "workers", Back: back,
		Fields: []field{{"worker", id}, {"action", "stop"}, {"confirmed", "1"}, {"back", back}},
	}})
}

// tasksOf lists the tasks that workers know, by name.
func tasksOf(workers []errand.WorkerRecord) []string {
	names := map[string]bool{}
	for _, rec := range workers {
		for _, task := range rec.Tasks {
			names[task] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
