package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// request is a request with what the guard found out.
type request struct {
	*http.Request
	who    Principal
	lang   *lang.Lang
	theme  string
	secure bool // came over TLS, as far as is known
	came   time.Time
	api    bool // asks the API: it gets JSON, also for an error
}

type requestKey struct{}

func withRequest(ctx context.Context, req *request) context.Context {
	return context.WithValue(ctx, requestKey{}, req)
}

// may reports whether the sender has the role.
func (r *request) may(role Role) bool { return r.who.Role >= role }

// routes is everything that can be asked for, and by whom.
func (h *Handler) routes() *http.ServeMux {
	mux := http.NewServeMux()
	base := h.config.Path
	get := func(path string, role Role, fn handler) {
		mux.HandleFunc("GET "+base+path, h.run(role, timed(fn)))
	}
	post := func(path string, role Role, fn handler) {
		mux.HandleFunc("POST "+base+path, h.run(role, h.unlessReadOnly(timed(fn))))
	}
	get("{$}", Viewer, h.overview)
	get("queues", Viewer, h.queues)
	get("queues/{queue}", Viewer, h.jobs)
	post("queues/{queue}", Operator, h.steerQueue)
	get("jobs", Viewer, h.jobs)
	post("jobs", Operator, h.actOnJobs)
	get("jobs/{id}", Viewer, h.job)
	get("operations", Operator, h.operationsPage)
	get("operations/{id}", Operator, h.operationPage)
	post("operations/{id}", Operator, h.steerOperation)
	get("failures", Viewer, h.failures)
	get("hotqueues", Viewer, h.hotqueues)
	post("hotqueues/{queue}", Admin, h.clearHotqueue)
	get("workers", Viewer, h.workers)
	post("workers", Operator, h.orderWorker)
	get("audit", Operator, h.auditPage)
	get("enqueue", Operator, h.enqueueForm)
	post("enqueue", Operator, h.enqueue)
	h.api(mux)
	if h.config.Metrics != nil {
		get("metrics", Viewer, func(w http.ResponseWriter, req *request) error {
			h.config.Metrics.ServeHTTP(w, req.Request)
			return nil
		})
	}
	get("settings", Viewer, h.settings)
	mux.HandleFunc("POST "+base+"settings", h.run(Viewer, h.saveSettings))
	mux.HandleFunc("GET "+base+"events", h.run(Viewer, h.events)) // it has its own time
	get("assets/{name}", Viewer, h.asset)
	mux.HandleFunc(base, h.run(Viewer, func(http.ResponseWriter, *request) error { return errNoPage }))
	if base != "/" {
		mux.HandleFunc(base[:len(base)-1]+"/{$}", h.run(Viewer, h.overview))
	}
	return mux
}

// handler answers one kind of request, or returns why it does not.
type handler func(http.ResponseWriter, *request) error

// run holds a handler to its role and its time, and shows its error.
func (h *Handler) run(role Role, fn handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		req, _ := r.Context().Value(requestKey{}).(*request)
		req.Request = r
		if !req.may(role) {
			h.fail(w, req, &problem{status: http.StatusForbidden,
				text: lang.Mark("Your role (%s) may not do this; it takes %s."), args: []any{req.who.Role, role}})
			return
		}
		if err := fn(w, req); err != nil {
			h.fail(w, req, err)
		}
	}
}

// timed bounds the time that a handler may take.
func timed(fn handler) handler {
	return func(w http.ResponseWriter, req *request) error {
		ctx, cancel := context.WithTimeout(req.Context(), queryTime)
		defer cancel()
		req.Request = req.WithContext(ctx)
		return fn(w, req)
	}
}

func (h *Handler) unlessReadOnly(fn handler) handler {
	return func(w http.ResponseWriter, req *request) error {
		if h.config.ReadOnly {
			return &problem{status: http.StatusForbidden, text: lang.Mark("This dashboard is read-only.")}
		}
		return fn(w, req)
	}
}

// problem is an error with what to say of it.
type problem struct {
	status int
	text   string // a sentence of the catalogue
	args   []any
	err    error  // for the log
	param  string // the parameter that is wrong, where it is one
	code   string // for the API, where the status does not say enough
	fix    string // for the API: how to mend it, in English
}

func (p *problem) Error() string {
	if p.err != nil {
		return p.err.Error()
	}
	return lang.English.T(p.text, p.args...)
}

func (p *problem) Unwrap() error { return p.err }

var errNoPage = &problem{status: http.StatusNotFound, text: lang.Mark("There is no such page.")}

// misuse says what is wrong with a parameter.
func misuse(text string, args ...any) error {
	return &problem{status: http.StatusBadRequest, text: text, args: args}
}

// about says which parameter an error is about.
func about(param string, err error) error {
	p := *problemOf(err)
	p.param = param
	return &p
}

// problemOf says what an error means to the one who looks on.
func problemOf(err error) *problem {
	var p *problem
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooLarge):
		return &problem{status: http.StatusRequestEntityTooLarge, err: err, text: lang.Mark("That is more than the dashboard takes in one request.")}
	case errors.Is(err, errand.ErrJobNotFound):
		return &problem{status: http.StatusNotFound, err: err, text: lang.Mark("There is no such job. A finished job is deleted unless its result is kept; other jobs are deleted when they are past their retention.")}
	case errors.Is(err, errand.ErrWorkerNotFound):
		return &problem{status: http.StatusNotFound, err: err, text: lang.Mark("There is no such worker. It may have stopped meanwhile.")}
	case errors.Is(err, errand.ErrPayloadTooLarge):
		return &problem{status: http.StatusRequestEntityTooLarge, err: err, text: lang.Mark("That cannot be: %s"), args: []any{err.Error()}}
	case errors.Is(err, errand.ErrDuplicate):
		return &problem{status: http.StatusConflict, code: "duplicate", err: err, text: lang.Mark("That cannot be: %s"), args: []any{err.Error()}}
	case errors.Is(err, errand.ErrInvalid):
		return &problem{status: http.StatusBadRequest, err: err, text: lang.Mark("That cannot be: %s"), args: []any{err.Error()}}
	case errors.Is(err, context.DeadlineExceeded):
		return &problem{status: http.StatusGatewayTimeout, err: err, text: lang.Mark("The store took too long to answer. Narrow the filter, or try again.")}
	default:
		return &problem{status: http.StatusServiceUnavailable, err: err, text: lang.Mark("The store does not answer. It may be down or busy; the server's log says more.")}
	}
}

// fail shows an error as a page.
func (h *Handler) fail(w http.ResponseWriter, req *request, err error) {
	p := problemOf(err)
	if p.status >= 500 && req.Context().Err() == nil { // else the client has gone, and that is why
		h.config.Logger.Error("errand dashboard: request failed", "path", req.URL.Path, "error", err)
	}
	if req.api {
		writeProblem(w, p)
		return
	}
	view := errorView{Status: p.status, Text: req.lang.T(p.text, p.args...)}
	_ = h.render(w, req, p.status, "error", page{Title: http.StatusText(p.status), View: view})
}

// errorView is the page of an error.
type errorView struct {
	Status int
	Text   string
}
