package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// The JSON API is under api/v1 of the dashboard's path, behind the same guard, with the same roles, searches and actions
// as the pages. What it says is in openapi.json, which a test holds against it.

// apiHandler answers a call of the API with what is to be written as JSON: a value, or a reply for another status than 200.
type apiHandler func(*request) (any, error)

// reply is an answer with a status and, where it made something, where that is.
type reply struct {
	status   int
	location string // below api/v1
	body     any    // nil: none
}

// api adds the API's routes.
func (h *Handler) api(mux *http.ServeMux) {
	base := h.config.Path + "api/v1/"
	methods := map[string][]string{}
	route := func(method, path string, role Role, fn apiHandler) {
		methods[path] = append(methods[path], method)
		h.apiRoutes = append(h.apiRoutes, method+" /api/v1/"+path)
		run := timed(func(w http.ResponseWriter, req *request) error { return h.call(w, req, fn) })
		if method != http.MethodGet {
			run = h.unlessReadOnly(run)
		}
		mux.HandleFunc(method+" "+base+path, h.run(role, run))
	}
	get := func(path string, role Role, fn apiHandler) { route(http.MethodGet, path, role, fn) }
	post := func(path string, role Role, fn apiHandler) { route(http.MethodPost, path, role, fn) }

	get("openapi.json", Viewer, h.apiDocument)
	get("overview", Viewer, h.apiOverview)

	get("queues", Viewer, h.apiQueues)
	get("queues/{queue}", Viewer, h.apiQueue)
	route(http.MethodPatch, "queues/{queue}", Operator, h.apiSteerQueue)
	post("queues/{queue}/empty", Admin, h.apiEmptyQueue)
	post("queues/{queue}/jobs", Operator, h.apiEnqueue)
	post("queues/{queue}/jobs/batch", Operator, h.apiEnqueueBatch)

	get("jobs", Viewer, h.apiJobs)
	get("jobs/count", Viewer, h.apiCountJobs)
	get("jobs/{id}", Viewer, h.apiJob)
	get("jobs/{id}/attempts", Viewer, h.apiAttempts)
	for _, act := range personActions() {
		post("jobs/"+act.name, Operator, h.apiAct(act))
	}
	get("operations", Operator, h.apiOperations)
	get("operations/{id}", Operator, h.apiOperation)
	route(http.MethodDelete, "operations/{id}", Operator, h.apiCancelOperation)
	get("failures", Viewer, h.apiFailures)

	get("hotqueues", Viewer, h.apiHotqueues)
	route(http.MethodDelete, "hotqueues/{queue}/messages", Admin, h.apiClearHotqueue)
	get("workers", Viewer, h.apiWorkers)
	post("workers/{id}/quiet", Operator, h.apiOrder(errand.OrderQuiet))
	post("workers/{id}/resume", Operator, h.apiOrder(errand.OrderResume))
	post("workers/{id}/stop", Admin, h.apiOrder(errand.OrderStop))
	get("tasks", Viewer, h.apiTasks)
	get("series", Viewer, h.apiSeries)
	get("audit", Operator, h.apiAudit)

	mux.HandleFunc(h.config.Path+"api/", h.run(Viewer, noCall(base, methods)))
}

// noCall answers what is no call: 405 where the path takes other methods, else 404.
func noCall(base string, methods map[string][]string) handler {
	paths := http.NewServeMux()
	for path := range methods {
		paths.HandleFunc(base+path, http.NotFound)
	}
	return func(w http.ResponseWriter, req *request) error {
		_, pattern := paths.Handler(req.Request)
		allowed := strings.Join(methods[strings.TrimPrefix(pattern, base)], ", ")
		if allowed == "" {
			return &problem{status: http.StatusNotFound, text: "There is no such call.", fix: "api/v1/openapi.json lists those that there are"}
		}
		w.Header().Set("Allow", allowed)
		return &problem{status: http.StatusMethodNotAllowed, text: "This path does not take that method.", fix: "use " + allowed}
	}
}

// call runs a handler and writes its answer.
func (h *Handler) call(w http.ResponseWriter, req *request, fn apiHandler) error {
	answer, err := fn(req)
	if err != nil {
		return err
	}
	out, ok := answer.(reply)
	if !ok {
		out = reply{status: http.StatusOK, body: answer}
	}
	if out.location != "" {
		w.Header().Set("Location", h.config.Path+"api/v1/"+out.location)
	}
	if out.body == nil {
		w.WriteHeader(out.status)
		return nil
	}
	body, err := json.Marshal(out.body)
	if err != nil {
		return err
	}
	writeJSON(w, out.status, "application/json", body)
	return nil
}

func writeJSON(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone: nobody to tell
}

// problemPage explains the types of problems.
const problemPage = "https://github.com/errandhq/errand/blob/main/docs/api.md#"

// problemJSON is an error as RFC 9457 has it.
type problemJSON struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	Parameter string `json:"parameter,omitempty"` // what of the request is wrong
	Fix       string `json:"fix,omitempty"`       // how to mend it
	JobID     string `json:"job_id,omitempty"`    // of the job that another is a duplicate of
}

// problemCodes are the codes of problems whose status says enough.
var problemCodes = map[int]string{
	http.StatusBadRequest: "invalid-request", http.StatusUnauthorized: "unauthenticated", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "not-found", http.StatusMethodNotAllowed: "method-not-allowed", http.StatusConflict: "conflict",
	http.StatusRequestEntityTooLarge: "too-large", http.StatusRequestURITooLong: "too-large",
	http.StatusUnsupportedMediaType: "unsupported-media-type", http.StatusUnprocessableEntity: "invalid-payload",
	http.StatusTooManyRequests: "too-many", http.StatusServiceUnavailable: "unavailable", http.StatusGatewayTimeout: "timeout",
}

// writeProblem answers with an error, in English.
func writeProblem(w http.ResponseWriter, p *problem) {
	out := problemJSON{
		Title: http.StatusText(p.status), Status: p.status, Detail: lang.English.T(p.text, p.args...),
		Code: p.code, Parameter: p.param, Fix: p.fix,
	}
	if out.Code == "" {
		out.Code = problemCodes[p.status]
	}
	out.Type = problemPage + out.Code
	if dup, ok := errors.AsType[*errand.DuplicateError](p.err); ok {
		out.JobID = dup.ID
	}
	body, _ := json.Marshal(out) // texts and numbers: it cannot fail
	writeJSON(w, p.status, "application/problem+json", body)
}

// wrong says which parameter of a call is wrong, and how to mend it.
func wrong(param, fix string) error {
	return &problem{status: http.StatusBadRequest, text: "The value of %s is wrong.", args: []any{param}, param: param, fix: fix}
}

// query returns a call's parameters; one that is not among the names, or given twice, is an error.
func (r *request) query(names ...string) (url.Values, error) {
	q := r.URL.Query()
	for name, values := range q {
		switch {
		case !slices.Contains(names, name) && len(names) == 0:
			return nil, wrong(clip(40, name), "leave it out: there are no parameters here")
		case !slices.Contains(names, name):
			return nil, wrong(clip(40, name), "leave it out: the parameters are "+strings.Join(names, ", "))
		case len(values) > 1:
			return nil, wrong(name, "give it once")
		}
	}
	return q, nil
}

// read decodes a call's body, which must be one JSON value of the fields that v has.
func (r *request) read(v any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &problem{status: http.StatusUnsupportedMediaType, param: "Content-Type",
			text: "The body is not said to be JSON.", fix: "send it with the header Content-Type: application/json"}
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("there is something after it")
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	bad := &problem{status: http.StatusBadRequest, code: "invalid-body", err: err, text: "The body is not as it must be: %s.",
		args: []any{strings.TrimPrefix(err.Error(), "json: ")}, fix: "see the schema of this call in api/v1/openapi.json"}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		bad.param = kind.Field
		bad.args = []any{kind.Field + " is a " + kind.Value}
	}
	return bad
}
