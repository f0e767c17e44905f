package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/internal/wire"
)

// maxListed is how long a payload may be that a list shows.
const maxListed = 16 << 10

// jobForm is the form of a job, with what the one who asks may see of it.
func (h *Handler) jobForm(req *request, job *errand.Job) wire.Job {
	seen := *job
	if !req.may(Operator) {
		seen.Payload, seen.Result, seen.Progress, seen.Attempts = nil, nil, nil, nil
		if job.Progress != nil {
			p := *job.Progress
			p.Log = nil
			seen.Progress = &p
		}
		for _, rec := range job.Attempts {
			rec.Log = nil
			seen.Attempts = append(seen.Attempts, rec)
		}
	} else {
		seen.Payload, seen.Result = h.redacted(job.Task, job.Payload), h.redacted(job.Task, job.Result)
	}
	form := wire.NewJob(&seen)
	form.Hidden = !req.may(Operator)
	return form
}

// listForm is the form of a job in a list: without its attempts, and without what is long.
func (h *Handler) listForm(req *request, job *errand.Job) wire.Job {
	short := *job
	var omitted []string
	omit := func(name string) { omitted = append(omitted, name) }
	if len(short.Payload) > maxListed {
		short.Payload = nil
		omit("payload")
	}
	if len(short.Result) > maxListed {
		short.Result = nil
		omit("result")
	}
	form := h.jobForm(req, &short)
	form.Attempts = nil
	form.Omitted = append(omitted, "attempts")
	return form
}

// apiSearch reads a search from a call's parameters, more strictly than a page does.
func (h *Handler) apiSearch(req *request, v url.Values) (search, error) {
	if order := v.Get("order"); order != "" && order != "oldest" && order != "newest" {
		return search{}, wrong("order", "use newest or oldest")
	}
	s, err := h.search(req, v)
	if err != nil {
		return s, err
	}
	if text := v.Get("limit"); text != "" {
		if s.Limit, err = strconv.Atoi(text); err != nil || s.Limit < 1 || s.Limit > 200 {
			return s, wrong("limit", "use a number from 1 to 200")
		}
	}
	if s.ID != "" {
		if err := errand.CheckID(s.ID); err != nil {
			return s, about("id", err)
		}
	}
	return s, nil
}

func (h *Handler) apiJobs(req *request) (any, error) {
	v, err := req.query(searchParameters...)
	if err != nil {
		return nil, err
	}
	s, err := h.apiSearch(req, v)
	if err != nil {
		return nil, err
	}
	result, err := h.find(req.Context(), s)
	if err != nil {
		return nil, err
	}
	list := wire.Jobs{Jobs: make([]wire.Job, 0, len(result.Jobs)), NextCursor: result.Next, Scanned: result.Scanned}
	for _, job := range result.Jobs {
		list.Jobs = append(list.Jobs, h.listForm(req, job))
	}
	return list, nil
}

// countJSON says how many jobs a search finds.
type countJSON struct {
	Count int64 `json:"count"`
	Exact bool  `json:"exact"` // false: there are at least so many
}

func (h *Handler) apiCountJobs(req *request) (any, error) {
	v, err := req.query(searchParameters...)
	if err != nil {
		return nil, err
	}
	s, err := h.apiSearch(req, v)
	if err != nil {
		return nil, err
	}
	n, exact, err := h.count(req.Context(), s)
	return countJSON{n, exact}, err
}

// apiLookUp finds the job that a call's path names.
func (h *Handler) apiLookUp(req *request) (*errand.Job, error) {
	v, err := req.query("queue")
	if err != nil {
		return nil, err
	}
	id, queue := req.PathValue("id"), v.Get("queue")
	if err := errand.CheckID(id); err != nil {
		return nil, about("id", err)
	}
	if queue != "" {
		if err := errand.CheckName("queue", queue); err != nil {
			return nil, about("queue", err)
		}
	}
	return h.st.Job(req.Context(), queue, strings.ToLower(id))
}

func (h *Handler) apiJob(req *request) (any, error) {
	job, err := h.apiLookUp(req)
	if err != nil {
		return nil, err
	}
	return h.jobForm(req, job), nil
}

// attemptsJSON lists the attempts of a job that ended, the oldest first.
type attemptsJSON struct {
	Attempts []wire.Attempt `json:"attempts"`
}

func (h *Handler) apiAttempts(req *request) (any, error) {
	job, err := h.apiLookUp(req)
	if err != nil {
		return nil, err
	}
	return attemptsJSON{h.jobForm(req, job).Attempts}, nil
}

// actJSON says which jobs a call acts on: those with the ids, or those that the filter finds.
type actJSON struct {
	IDs    []string    `json:"ids"`
	Filter *filterJSON `json:"filter"`
	To     string      `json:"to"` // the queue to move them to
}

// filterJSON is a search, as the parameters of the list of jobs have it.
type filterJSON struct {
	Queue   string `json:"queue"`
	Task    string `json:"task"`
	State   string `json:"state"`
	Text    string `json:"text"`
	Group   string `json:"group"`
	Attempt int    `json:"attempt"`
	Since   string `json:"since"`
	Until   string `json:"until"`
}

func (f *filterJSON) values() url.Values {
	v := url.Values{"queue": {f.Queue}, "task": {f.Task}, "state": {f.State}, "text": {f.Text}, "group": {f.Group}, "since": {f.Since}, "until": {f.Until}}
	if f.Attempt != 0 {
		v.Set("attempt", strconv.Itoa(f.Attempt))
	}
	return v
}

// apiAct acts on jobs: at once on those that are named, in the background on all that a filter finds.
func (h *Handler) apiAct(act action) apiHandler {
	return func(req *request) (any, error) {
		var body actJSON
		if err := req.read(&body); err != nil {
			return nil, err
		}
		act := act
		if act.name == moveAction.name {
			var err error
			if act, err = moveTo(body.To); err != nil {
				return nil, about("to", err)
			}
		} else if body.To != "" {
			return nil, wrong("to", "leave it out: it belongs to move")
		}
		switch {
		case (len(body.IDs) == 0) == (body.Filter == nil):
			return nil, wrong("ids", "give either ids or a filter")
		case len(body.IDs) > maxSelected:
			return nil, wrong("ids", "give at most "+strconv.Itoa(maxSelected)+" at once, or a filter")
		case body.Filter != nil:
			return h.apiActOnAll(req, act, body.Filter)
		}
		for _, id := range body.IDs {
			if err := errand.CheckID(id); err != nil {
				return nil, about("ids", err)
			}
		}
		return h.actOnIDs(req, act, body.IDs)
	}
}

func (h *Handler) apiActOnAll(req *request, act action, filter *filterJSON) (any, error) {
	if *filter == (filterJSON{}) {
		return nil, wrong("filter", "give it at least one condition; to act on everything, do so queue by queue")
	}
	if err := mayActOnAll(req, act); err != nil {
		return nil, err
	}
	s, err := h.search(req, filter.values())
	if err != nil {
		return nil, err
	}
	return h.apiBegin(req, act, s)
}

// mayActOnAll reports that the sender's role is too low to do this to all that a search finds.
func mayActOnAll(req *request, act action) error {
	if act.name == "delete" && !req.may(Admin) {
		return &problem{status: http.StatusForbidden, text: lang.Mark("Your role (%s) may not do this; it takes %s."), args: []any{req.who.Role, Admin}}
	}
	return nil
}

// apiBegin begins an operation and answers with it.
func (h *Handler) apiBegin(req *request, act action, s search) (any, error) {
	op, err := h.operations.begin(req, act, s)
	if err != nil {
		return nil, err
	}
	state := op.snapshot()
	return reply{http.StatusAccepted, "operations/" + state.ID, state}, nil
}

// operationsJSON lists operations, the newest first.
type operationsJSON struct {
	Operations []wire.Operation `json:"operations"`
}

func (h *Handler) apiOperations(req *request) (any, error) {
	_, err := req.query()
	return operationsJSON{h.operations.all()}, err
}

func (h *Handler) apiOperation(req *request) (any, error) {
	if op, ok := h.operations.get(req.PathValue("id")); ok {
		return op.snapshot(), nil
	}
	return nil, errNoOperation
}

// apiCancelOperation ends an operation after its current step. What it has done stays done.
func (h *Handler) apiCancelOperation(req *request) (any, error) {
	op, ok := h.operations.get(req.PathValue("id"))
	if !ok {
		return nil, errNoOperation
	}
	return h.cancelOperation(req, op), nil
}
