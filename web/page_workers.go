package web

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/errandhq/errand"
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
