package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// overviewView is the first page.
type overviewView struct {
	Queues   []queueView // the busiest
	More     int         // queues that are not among them
	Counts   []stateTab
	In       float64 // jobs a minute
	Done     float64
	Failed   float64
	Oldest   time.Time
	OldestIn string
	Workers  int
	Busy     int
	Slots    int
	Latency  time.Duration // of the store
	Lost     []workerView
	Stuck    []runView
	Failures []failureGroup // of the newest failed jobs
	Paused   []string
	Charts   chartsView
}

// Calm reports whether nothing needs attention.
func (v overviewView) Calm() bool {
	return len(v.Lost)+len(v.Stuck)+len(v.Failures)+len(v.Paused) == 0 && !v.Slow() && !v.NoWorker()
}

// NoWorker reports whether jobs wait and nobody is there to run them.
func (v overviewView) NoWorker() bool { return v.Workers == 0 && !v.Oldest.IsZero() }

// slowStore is a latency that deserves attention.
const slowStore = 250 * time.Millisecond

// Slow reports whether the store answers slowly.
func (v overviewView) Slow() bool { return v.Latency >= slowStore }

const overviewQueues = 8

func (h *Handler) overview(w http.ResponseWriter, req *request) error {
	view, seen, err := h.lookOver(req)
	if err != nil {
		return err
	}
	if view.Failures, err = h.newestFailures(req.Context(), seen.queues); err != nil {
		return err
	}
	now := seen.now
	if view.Charts, err = h.chartsOf(req, now, seen.queues, tasksOf(seen.workers)); err != nil {
		return err
	}
	return h.render(w, req, http.StatusOK, "overview",
		page{Title: req.lang.T("Overview"), Nav: "overview", Live: true, Now: now, View: view})
}

// sight is queues and workers as they were at a time.
type sight struct {
	now     time.Time
	queues  []errand.QueueInfo
	workers []errand.WorkerRecord
}

// lookOver asks the store for what the overview shows of queues and workers.
func (h *Handler) lookOver(req *request) (view overviewView, seen sight, err error) {
	start := time.Now()
	if seen.now, seen.queues, err = h.lookAtQueues(req); err != nil {
		return view, seen, err
	}
	view.Latency = time.Since(start) / 2 // two calls
	view.addQueues(h, seen.queues)
	if seen.workers, err = h.st.Workers(req.Context()); err != nil {
		return view, seen, err
	}
	view.addWorkers(seen.now, seen.workers)
	return view, seen, nil
}

func (v *overviewView) addQueues(h *Handler, queues []errand.QueueInfo) {
	counts := map[errand.State]int64{}
	for _, q := range queues {
		v.In += q.Enqueued.PerMinute
		v.Done += q.Finished.PerMinute
		v.Failed += q.Failed.PerMinute
		if !q.Oldest.IsZero() && (v.Oldest.IsZero() || q.Oldest.Before(v.Oldest)) {
			v.Oldest, v.OldestIn = q.Oldest, q.Name
		}
		if q.Paused {
			v.Paused = append(v.Paused, q.Name)
		}
		for state, n := range q.Counts {
			counts[state] += n
		}
		v.Queues = append(v.Queues, queueViewOf(q))
	}
	for _, state := range errand.States() {
		v.Counts = append(v.Counts, stateTab{State: state, Count: counts[state], Link: h.config.Path + "jobs?state=" + state.String()})
	}
	slices.SortStableFunc(v.Queues, func(a, b queueView) int { return cmp.Compare(b.Total, a.Total) })
	if len(v.Queues) > overviewQueues {
		v.More = len(v.Queues) - overviewQueues
		v.Queues = v.Queues[:overviewQueues]
	}
}

func (v *overviewView) addWorkers(now time.Time, records []errand.WorkerRecord) {
	for _, rec := range records {
		worker := workerViewOf(now, rec)
		if worker.Lost {
			v.Lost = append(v.Lost, worker)
			continue
		}
		v.Workers++
		v.Slots += rec.Concurrency
		v.Busy += len(rec.Running)
		for _, run := range worker.Runs {
			if run.Stuck {
				v.Stuck = append(v.Stuck, run)
			}
		}
	}
}
