package web

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
)

// workersJSON lists workers by id.
type workersJSON struct {
	Now     time.Time     `json:"now"`
	Workers []wire.Worker `json:"workers"`
}

func (h *Handler) apiWorkers(req *request) (any, error) {
	if _, err := req.query(); err != nil {
		return nil, err
	}
	now, err := h.st.Now(req.Context())
	if err != nil {
		return nil, err
	}
	records, err := h.st.Workers(req.Context())
	if err != nil {
		return nil, err
	}
	list := workersJSON{Now: now.UTC(), Workers: make([]wire.Worker, 0, len(records))}
	for i := range records {
		list.Workers = append(list.Workers, wire.NewWorker(&records[i], now))
	}
	return list, nil
}

// orderedJSON says what was asked of a worker, which does so at its next heartbeat or sooner.
type orderedJSON struct {
	Worker string `json:"worker"`
	Order  string `json:"order"`
}

// apiOrder asks something of a worker.
func (h *Handler) apiOrder(order errand.Order) apiHandler {
	return func(req *request) (any, error) {
		if _, err := req.query(); err != nil {
			return nil, err
		}
		id := req.PathValue("id")
		if err := h.order(req, id, order); err != nil {
			return nil, err
		}
		return reply{status: http.StatusAccepted, body: orderedJSON{id, order.String()}}, nil
	}
}

// order asks something of a worker, and writes that down.
func (h *Handler) order(req *request, worker string, order errand.Order) error {
	if len(worker) > maxParameter {
		return wrong("id", "use the id of a worker that GET workers lists")
	}
	now, err := h.st.Now(req.Context())
	if err != nil {
		return err
	}
	if err := h.st.Order(req.Context(), now, worker, order); err != nil {
		return err
	}
	h.log(req, order.String(), "worker "+clip(100, worker), 1)
	return nil
}

// tasksJSON lists the tasks that workers know.
type tasksJSON struct {
	Tasks []taskJSON `json:"tasks"`
}

// taskJSON is a task. Its schema, where a worker has published one, is a JSON Schema of its payloads.
type taskJSON struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema,omitempty"`
}

func (h *Handler) apiTasks(req *request) (any, error) {
	if _, err := req.query(); err != nil {
		return nil, err
	}
	names, err := h.taskNames(req)
	if err != nil {
		return nil, err
	}
	found, err := h.schemas.look(req.Context(), h.st)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, name := range names {
		all[name] = true
	}
	for name := range found {
		all[name] = true
	}
	list := tasksJSON{Tasks: []taskJSON{}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		line := taskJSON{name, found[name]}
		if !json.Valid(line.Schema) { // a worker's mistake
			line.Schema = nil
		}
		list.Tasks = append(list.Tasks, line)
	}
	return list, nil
}

// auditJSON is a page of who did what, the newest first.
type auditJSON struct {
	Entries    []errand.AuditEntry `json:"entries"`
	NextCursor string              `json:"next_cursor,omitempty"`
}

func (h *Handler) apiAudit(req *request) (any, error) {
	v, err := req.query("who", "action", "limit", "cursor")
	if err != nil {
		return nil, err
	}
	filter := errand.AuditFilter{Who: v.Get("who"), Action: v.Get("action"), Cursor: v.Get("cursor"), Limit: 50}
	for _, name := range []string{"who", "action", "cursor"} {
		if len(v.Get(name)) > maxParameter {
			return nil, wrong(name, "it is too long")
		}
	}
	if text := v.Get("limit"); text != "" {
		if filter.Limit, err = strconv.Atoi(text); err != nil || filter.Limit < 1 || filter.Limit > 200 {
			return nil, wrong("limit", "use a number from 1 to 200")
		}
	}
	page, err := h.auditLog(req.Context(), filter)
	if errors.Is(err, errand.ErrInvalid) {
		return nil, about("cursor", err)
	}
	if err != nil {
		return nil, err
	}
	return auditJSON{append([]errand.AuditEntry{}, page.Entries...), page.Next}, nil
}

// seriesJSON is how things went over time.
type seriesJSON struct {
	StepSeconds float64      `json:"step_seconds"`
	From        time.Time    `json:"from,omitzero"` // there were too many slots, and those before this are left out
	Samples     []sampleJSON `json:"samples"`
	Depths      []depthJSON  `json:"depths"`
}

// sampleJSON is how the attempts of a queue and task that ended in one slot went.
type sampleJSON struct {
	At       time.Time `json:"at"`
	Queue    string    `json:"queue"`
	Task     string    `json:"task"` // empty: all the tasks for which there was no place
	Finished int64     `json:"finished"`
	Failed   int64     `json:"failed"`
	Retried  int64     `json:"retried"`
	Wait     spreadOut `json:"wait"`
	Run      spreadOut `json:"run"`
}

// spreadOut says how durations lie.
type spreadOut struct {
	Count       int64   `json:"count"`
	MeanSeconds float64 `json:"mean_seconds"`
	P50Seconds  float64 `json:"p50_seconds"`
	P95Seconds  float64 `json:"p95_seconds"`
	P99Seconds  float64 `json:"p99_seconds"`
}

func spreadOf(h *errand.Histogram) spreadOut {
	return spreadOut{h.Count(), h.Mean().Seconds(), h.Quantile(0.5).Seconds(), h.Quantile(0.95).Seconds(), h.Quantile(0.99).Seconds()}
}

// depthJSON is how full a queue was in one slot.
type depthJSON struct {
	At            time.Time        `json:"at"`
	Queue         string           `json:"queue"`
	Messages      bool             `json:"messages,omitempty"` // it is a hotqueue
	Jobs          map[string]int64 `json:"jobs"`
	OldestSeconds float64          `json:"oldest_seconds,omitempty"`
}

// seriesSlots is how many slots a call gets that does not say from when.
const seriesSlots = 60

func (h *Handler) apiSeries(req *request) (any, error) {
	query, err := seriesQuery(req)
	if err != nil {
		return nil, err
	}
	if query.From.IsZero() {
		now, err := h.st.Now(req.Context())
		if err != nil {
			return nil, err
		}
		query.From = now.Add(-seriesSlots * query.Step)
	}
	got, err := h.st.Series(req.Context(), query)
	if err != nil {
		return nil, err
	}
	out := seriesJSON{StepSeconds: query.Step.Seconds(), From: got.From.UTC(),
		Samples: make([]sampleJSON, 0, len(got.Samples)), Depths: make([]depthJSON, 0, len(got.Depths))}
	for i := range got.Samples {
		s := &got.Samples[i]
		out.Samples = append(out.Samples, sampleJSON{s.At.UTC(), s.Queue, s.Task, s.Finished, s.Failed, s.Retried, spreadOf(&s.Wait), spreadOf(&s.Run)})
	}
	for _, d := range got.Depths {
		line := depthJSON{At: d.At.UTC(), Queue: d.Queue, Messages: d.Messages, Jobs: map[string]int64{}, OldestSeconds: d.Oldest.Seconds()}
		for state, n := range d.Counts {
			line.Jobs[state.String()] = n
		}
		out.Depths = append(out.Depths, line)
	}
	return out, nil
}

// seriesQuery reads which slots a call asks for.
func seriesQuery(req *request) (errand.SeriesQuery, error) {
	v, err := req.query("step_seconds", "from", "to", "queue", "task")
	if err != nil {
		return errand.SeriesQuery{}, err
	}
	query := errand.SeriesQuery{Step: errand.FineStep, Queue: v.Get("queue"), Task: v.Get("task")}
	if text := v.Get("step_seconds"); text != "" {
		n, err := strconv.Atoi(text)
		if query.Step = time.Duration(n) * time.Second; err != nil || n < 0 || n > maxSeconds {
			return query, wrong("step_seconds", "use 10, 300 or 3600")
		}
		if _, err := errand.SeriesStepOf(query.Step); err != nil {
			return query, about("step_seconds", err)
		}
	}
	for name, to := range map[string]*time.Time{"from": &query.From, "to": &query.To} {
		if text := v.Get(name); text != "" {
			if *to, err = time.Parse(time.RFC3339, text); err != nil {
				return query, wrong(name, "use a time such as 2026-01-02T15:04:05Z")
			}
		}
	}
	for kind, name := range map[string]string{"queue": query.Queue, "task": query.Task} {
		if name != "" {
			if err := errand.CheckName(kind, name); err != nil {
				return query, about(kind, err)
			}
		}
	}
	return query, nil
}
