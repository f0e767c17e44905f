package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
)

// enqueueJSON is a job that is to be made. Its fields are those of a job, where both have them.
type enqueueJSON struct {
	ID                string          `json:"id"` // a UUIDv7 of the client's, so that a repeated call makes one job
	Task              string          `json:"task"`
	Payload           json.RawMessage `json:"payload"`        // any JSON, kept as it is written
	PayloadBase64     []byte          `json:"payload_base64"` // in place of payload: bytes for a task with a codec of its own
	Priority          int             `json:"priority"`
	RunAt             time.Time       `json:"run_at"`
	DelaySeconds      float64         `json:"delay_seconds"`
	Unique            bool            `json:"unique"`
	UniqueSeconds     float64         `json:"unique_seconds"`
	TimeoutSeconds    float64         `json:"timeout_seconds"`
	Retry             *wire.Retry     `json:"retry"`
	DependsOn         []string        `json:"depends_on"`
	KeepResultSeconds float64         `json:"keep_result_seconds"`
}

// batchJSON is jobs of one queue that go in together, or not at all.
type batchJSON struct {
	Jobs []enqueueJSON `json:"jobs"`
}

// enqueuedJSON lists the jobs of a batch that went in.
type enqueuedJSON struct {
	Jobs []wire.Enqueued `json:"jobs"`
}

func (h *Handler) apiEnqueue(req *request) (any, error) {
	queue, err := apiQueueName(req)
	if err != nil {
		return nil, err
	}
	var body enqueueJSON
	if err := req.read(&body); err != nil {
		return nil, err
	}
	made, err := h.enqueueAll(req, queue, []enqueueJSON{body}, "")
	if err != nil {
		return nil, err
	}
	return reply{http.StatusCreated, "jobs/" + made[0].ID + "?queue=" + url.QueryEscape(queue), made[0]}, nil
}

func (h *Handler) apiEnqueueBatch(req *request) (any, error) {
	queue, err := apiQueueName(req)
	if err != nil {
		return nil, err
	}
	var body batchJSON
	if err := req.read(&body); err != nil {
		return nil, err
	}
	if n := len(body.Jobs); n == 0 || n > errand.MaxBatch {
		return nil, wrong("jobs", fmt.Sprintf("give 1 to %d", errand.MaxBatch))
	}
	made, err := h.enqueueAll(req, queue, body.Jobs, "jobs")
	if err != nil {
		return nil, err
	}
	return reply{http.StatusCreated, "", enqueuedJSON{made}}, nil
}

// enqueueAll makes jobs of one queue, all or none. The list is the parameter that has them; empty: there is one, on its own.
func (h *Handler) enqueueAll(req *request, queue string, jobs []enqueueJSON, list string) ([]wire.Enqueued, error) {
	now, err := h.st.Now(req.Context())
	if err != nil {
		return nil, err
	}
	specs, made := make([]errand.JobSpec, len(jobs)), make([]wire.Enqueued, len(jobs))
	for i := range jobs {
		if specs[i], err = jobs[i].spec(now, queue); err != nil {
			return nil, inList(list, i, err)
		}
		made[i] = wire.Enqueued{ID: specs[i].ID, Queue: queue, Task: specs[i].Task}
	}
	if err := h.checkPayloads(req.Context(), specs, list); err != nil {
		return nil, err
	}
	errs, err := h.st.Enqueue(req.Context(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{specs}})
	if err == nil && len(errs) > 0 {
		err = errs[0]
	}
	if err != nil {
		return nil, err
	}
	h.tallies.add(req.Context(), req.author(), queue, len(specs))
	return made, nil
}

// inList says that an error is about an element of a list; there is no list where its name is empty.
func inList(list string, i int, err error) error {
	if list == "" {
		return err
	}
	p := problemOf(err)
	return about(strings.TrimSuffix(list+"["+strconv.Itoa(i)+"]."+p.param, "."), p)
}

// spec is the job that a call asks for. An error names the field that is wrong.
func (e *enqueueJSON) spec(now time.Time, queue string) (errand.JobSpec, error) {
	if err := errand.CheckName("task", e.Task); err != nil {
		return errand.JobSpec{}, about("task", err)
	}
	payload, err := e.payload()
	if err != nil {
		return errand.JobSpec{}, err
	}
	opts, err := e.options()
	if err != nil {
		return errand.JobSpec{}, err
	}
	spec, err := errand.NewJobSpec(now, queue, e.Task, payload, opts...)
	if err != nil {
		return spec, about("payload", err)
	}
	if e.ID != "" {
		if err := errand.CheckID(e.ID); err != nil {
			return spec, about("id", err)
		}
		spec.ID = strings.ToLower(e.ID)
	}
	return spec, nil
}

func (e *enqueueJSON) payload() ([]byte, error) {
	switch {
	case e.Payload != nil && e.PayloadBase64 != nil:
		return nil, wrong("payload_base64", "give either payload or payload_base64")
	case e.PayloadBase64 != nil:
		return e.PayloadBase64, nil
	case e.Payload == nil:
		return []byte("null"), nil
	default:
		return e.Payload, nil
	}
}

// options are the job's options; each is checked on its own, so that an error can name the field.
func (e *enqueueJSON) options() ([]errand.Option, error) {
	var opts []errand.Option
	var bad error
	add := func(field string, seconds float64, opt errand.Option) {
		if bad != nil {
			return
		}
		if seconds < -maxSeconds || seconds > maxSeconds {
			bad = wrong(field, "give seconds, at most ten years of them")
		} else if _, err := errand.NewJobSpec(time.Time{}, "q", "t", nil, opt); err != nil {
			bad = about(field, err)
		}
		opts = append(opts, opt)
	}
	add("priority", 0, errand.Priority(e.Priority))
	switch {
	case !e.RunAt.IsZero() && e.DelaySeconds != 0:
		return nil, wrong("delay_seconds", "give either run_at or delay_seconds")
	case !e.RunAt.IsZero():
		add("run_at", 0, errand.At(e.RunAt))
	case e.DelaySeconds != 0:
		add("delay_seconds", e.DelaySeconds, errand.In(seconds(e.DelaySeconds)))
	}
	if e.UniqueSeconds != 0 && !e.Unique {
		return nil, wrong("unique_seconds", "give unique too")
	}
	if e.Unique {
		add("unique_seconds", e.UniqueSeconds, errand.Unique(seconds(e.UniqueSeconds)))
	}
	if e.Retry != nil {
		policy, err := retryPolicy(e.Retry)
		if err != nil {
			return nil, err
		}
		add("retry", 0, errand.Retry(policy.Max, policy.Backoff))
	}
	add("timeout_seconds", e.TimeoutSeconds, errand.Timeout(seconds(e.TimeoutSeconds)))
	add("keep_result_seconds", e.KeepResultSeconds, errand.KeepResult(seconds(e.KeepResultSeconds)))
	add("depends_on", 0, errand.DependsOn(e.DependsOn...))
	return opts, bad
}

// maxSeconds bounds durations, ten years of them.
const maxSeconds = 10 * 365 * 24 * 3600

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// retryPolicy reads a retry policy.
func retryPolicy(r *wire.Retry) (errand.RetryPolicy, error) {
	policy, err := r.Policy()
	if err != nil {
		return policy, about("retry", err)
	}
	return policy, nil
}
