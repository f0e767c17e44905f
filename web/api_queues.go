package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
)

// overviewJSON is the state of everything at a glance.
type overviewJSON struct {
	Now               time.Time        `json:"now"`
	Jobs              map[string]int64 `json:"jobs"` // by state
	Queues            int              `json:"queues"`
	Paused            []string         `json:"paused"`
	EnqueuedPerMinute float64          `json:"enqueued_per_minute"`
	FinishedPerMinute float64          `json:"finished_per_minute"`
	FailedPerMinute   float64          `json:"failed_per_minute"`
	Oldest            time.Time        `json:"oldest,omitzero"` // since when the job that waits longest is ready
	OldestQueue       string           `json:"oldest_queue,omitempty"`
	Workers           int              `json:"workers"` // alive
	LostWorkers       int              `json:"lost_workers"`
	Runners           int              `json:"runners"`
	BusyRunners       int              `json:"busy_runners"`
	StuckRunners      int              `json:"stuck_runners"`
	StoreSeconds      float64          `json:"store_seconds"` // that a look at the store took
}

func (h *Handler) apiOverview(req *request) (any, error) {
	if _, err := req.query(); err != nil {
		return nil, err
	}
	view, seen, err := h.lookOver(req)
	if err != nil {
		return nil, err
	}
	out := overviewJSON{
		Now: seen.now.UTC(), Jobs: map[string]int64{}, Queues: len(view.Queues) + view.More, Paused: append([]string{}, view.Paused...),
		EnqueuedPerMinute: view.In, FinishedPerMinute: view.Done, FailedPerMinute: view.Failed,
		Oldest: view.Oldest.UTC(), OldestQueue: view.OldestIn, Workers: view.Workers, LostWorkers: len(view.Lost),
		Runners: view.Slots, BusyRunners: view.Busy, StuckRunners: len(view.Stuck), StoreSeconds: view.Latency.Seconds(),
	}
	for _, tab := range view.Counts {
		out.Jobs[tab.State.String()] = tab.Count
	}
	return out, nil
}

// queuesJSON lists queues by name.
type queuesJSON struct {
	Now    time.Time    `json:"now"`
	Queues []wire.Queue `json:"queues"`
}

func (h *Handler) apiQueues(req *request) (any, error) {
	if _, err := req.query(); err != nil {
		return nil, err
	}
	now, queues, err := h.lookAtQueues(req)
	if err != nil {
		return nil, err
	}
	list := queuesJSON{Now: now.UTC(), Queues: make([]wire.Queue, 0, len(queues))}
	for _, q := range queues {
		list.Queues = append(list.Queues, wire.NewQueue(q))
	}
	return list, nil
}

// apiQueueName is the queue that a call's path names.
func apiQueueName(req *request) (string, error) {
	name := req.PathValue("queue")
	if err := errand.CheckName("queue", name); err != nil {
		return "", about("queue", err)
	}
	_, err := req.query()
	return name, err
}

// errNoQueue is the answer to a question about a queue that has never had a job.
var errNoQueue = &problem{status: http.StatusNotFound, param: "queue", text: "There is no such queue.", fix: "GET queues lists those that there are"}

func (h *Handler) apiQueue(req *request) (any, error) {
	name, err := apiQueueName(req)
	if err != nil {
		return nil, err
	}
	_, queues, err := h.lookAtQueues(req)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(queues, func(q errand.QueueInfo) bool { return q.Name == name })
	if i < 0 {
		return nil, errNoQueue
	}
	return wire.NewQueue(queues[i]), nil
}

// steerJSON says whether a queue is to be paused.
type steerJSON struct {
	Paused *bool `json:"paused"`
}

func (h *Handler) apiSteerQueue(req *request) (any, error) {
	name, err := apiQueueName(req)
	if err != nil {
		return nil, err
	}
	var body steerJSON
	if err := req.read(&body); err != nil {
		return nil, err
	}
	if body.Paused == nil {
		return nil, wrong("paused", "give true or false")
	}
	if err := h.setPaused(req, name, *body.Paused); err != nil {
		return nil, err
	}
	return wire.Paused{Queue: name, Paused: *body.Paused}, nil
}

// setPaused pauses or resumes a queue, and writes that down.
func (h *Handler) setPaused(req *request, queue string, paused bool) error {
	now, err := h.st.Now(req.Context())
	if err != nil {
		return err
	}
	call, action := h.st.Resume, "resume"
	if paused {
		call, action = h.st.Pause, "pause"
	}
	if err := call(req.Context(), now, queue); err != nil {
		return err
	}
	h.log(req, action, "queue "+queue, 1)
	return nil
}

// waiting are the states of jobs that emptying a queue deletes.
var waiting = []errand.State{errand.StateQueued, errand.StateScheduled, errand.StateDeferred}

// apiEmptyQueue deletes every job that waits in a queue, in the background.
func (h *Handler) apiEmptyQueue(req *request) (any, error) {
	name, err := apiQueueName(req)
	if err != nil {
		return nil, err
	}
	act, _ := actionNamed("delete")
	act.name, act.states = "empty", waiting
	return h.apiBegin(req, act, search{Queue: name})
}

// hotqueuesJSON lists hotqueues by name.
type hotqueuesJSON struct {
	Now       time.Time           `json:"now"`
	Hotqueues []wire.MessageQueue `json:"hotqueues"`
}

func (h *Handler) apiHotqueues(req *request) (any, error) {
	if _, err := req.query(); err != nil {
		return nil, err
	}
	now, err := h.st.Now(req.Context())
	if err != nil {
		return nil, err
	}
	queues, err := h.st.MessageQueues(req.Context(), now)
	if err != nil {
		return nil, err
	}
	list := hotqueuesJSON{Now: now.UTC(), Hotqueues: make([]wire.MessageQueue, 0, len(queues))}
	for _, q := range queues {
		list.Hotqueues = append(list.Hotqueues, wire.NewMessageQueue(q))
	}
	return list, nil
}

func (h *Handler) apiClearHotqueue(req *request) (any, error) {
	name, err := apiQueueName(req)
	if err != nil {
		return nil, err
	}
	removed, err := h.clearMessages(req, name)
	return wire.Changed{Done: removed}, err
}

// clearMessages removes every message that waits in a hotqueue, and writes that down.
func (h *Handler) clearMessages(req *request, queue string) (int64, error) {
	now, err := h.st.Now(req.Context())
	if err != nil {
		return 0, err
	}
	removed, err := h.st.Clear(req.Context(), now, queue)
	if err != nil {
		return 0, err
	}
	h.log(req, "clear", "hotqueue "+queue, int(removed))
	return removed, nil
}

// failuresJSON is failed jobs by what went wrong, the largest group first.
type failuresJSON struct {
	Groups    []groupJSON `json:"groups"`
	Scanned   int         `json:"scanned"`             // failed jobs that were looked into, the newest
	More      bool        `json:"more"`                // there are others
	CountedAt time.Time   `json:"counted_at,omitzero"` // all were counted in the background, then
}

// groupJSON is the failed jobs of a task with one kind of error. With state failed, its task and group find them.
type groupJSON struct {
	Task        string    `json:"task"`
	Group       string    `json:"group"`
	Error       string    `json:"error"` // of the newest
	Panic       bool      `json:"panic,omitempty"`
	Count       int       `json:"count"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	NewestID    string    `json:"newest_id"`
	NewestQueue string    `json:"newest_queue"`
}

func (h *Handler) apiFailures(req *request) (any, error) {
	v, err := req.query("queue", "task")
	if err != nil {
		return nil, err
	}
	s, err := searchOf(v)
	if err != nil {
		return nil, err
	}
	var found failures
	if s.Queue == "" && s.Task == "" {
		now, err := h.st.Now(req.Context())
		if err != nil {
			return nil, err
		}
		found, err = h.allFailures(req.Context(), now)
		if err != nil {
			return nil, err
		}
	} else if found, err = h.findFailures(req.Context(), errand.JobFilter{Queue: s.Queue, Task: s.Task}); err != nil {
		return nil, err
	}
	out := failuresJSON{Groups: make([]groupJSON, 0, len(found.Groups)), Scanned: found.Scanned, More: found.More, CountedAt: found.CountedAt.UTC()}
	for _, g := range found.Groups {
		out.Groups = append(out.Groups, groupJSON{
			Task: g.Task, Group: g.Group, Error: g.Error, Panic: g.Panic, Count: g.Count,
			First: g.First.UTC(), Last: g.Last.UTC(), NewestID: g.Newest.ID, NewestQueue: g.Newest.Queue,
		})
	}
	return out, nil
}
