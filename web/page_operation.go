package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/internal/wire"
)

// operationsView is the page of all actions on many jobs that are remembered.
type operationsView struct {
	Operations []operationView
}

// operationView is an action on many jobs, under way or ended.
type operationView struct {
	wire.Operation
	Title   string  // what is done
	Seen    int64   // jobs that it has come to
	Share   float64 // of the total that it has come to, of 100; below 0: unknown
	Which   []field // the search that selected the jobs, in the words of its parameters
	Search  string  // the link to that search; empty: there is none
	Back    string  // where it was begun
	Running bool
}

// operationViewOf makes the view of an operation.
func (h *Handler) operationViewOf(l *lang.Lang, op wire.Operation) operationView {
	v := operationView{Operation: op, Share: -1, Running: op.State == wire.OperationRunning, Back: h.config.Path + "jobs"}
	v.Seen = op.Done + op.Skipped + op.Missing
	switch {
	case op.State == wire.OperationDone:
		v.Share = 100
	case op.Total > 0 && op.TotalExact:
		v.Share = min(100, 100*float64(v.Seen)/float64(op.Total))
	}
	if act, ok := actionNamed(op.Action); ok {
		v.Title = l.T(act.button)
	}
	if text, ok := strings.CutPrefix(op.Target, "all of "); ok {
		if values, err := url.ParseQuery(text); err == nil {
			for _, name := range []string{"state", "queue", "task", "id", "text", "group", "attempt", "since", "until", "to"} {
				if value := values.Get(name); value != "" {
					v.Which = append(v.Which, field{name, value})
				}
			}
			values.Del("to")
			v.Search = h.config.Path + "jobs?" + values.Encode()
		}
	}
	return v
}

func (h *Handler) operationsPage(w http.ResponseWriter, req *request) error {
	var view operationsView
	for _, op := range h.operations.all() {
		view.Operations = append(view.Operations, h.operationViewOf(req.lang, op))
	}
	return h.render(w, req, http.StatusOK, "operations",
		page{Title: req.lang.T("In the background"), Nav: "jobs", Live: true, View: view})
}

func (h *Handler) operationPage(w http.ResponseWriter, req *request) error {
	op, ok := h.operations.get(req.PathValue("id"))
	if !ok {
		return errNoOperation
	}
	view := h.operationViewOf(req.lang, op.snapshot())
	if back := req.URL.Query().Get("back"); h.ours(back) {
		view.Back = back
	}
	return h.render(w, req, http.StatusOK, "operation",
		page{Title: view.Title, Nav: "jobs", Live: view.Running, Reload: view.Running, View: view})
}

var errNoOperation = &problem{status: http.StatusNotFound, fix: "look at the jobs themselves, or begin it again: that does nothing twice",
	text: lang.Mark("There is no such action. Those that have ended are forgotten after a while, and when the dashboard is restarted.")}

// steerOperation ends an action that is under way.
func (h *Handler) steerOperation(w http.ResponseWriter, req *request) error {
	op, ok := h.operations.get(req.PathValue("id"))
	if !ok {
		return errNoOperation
	}
	if err := req.ParseForm(); err != nil {
		return err
	}
	if req.PostForm.Get("action") != "cancel" {
		return misuse(lang.Mark("There is no such action."))
	}
	h.cancelOperation(req, op)
	h.redirect(w, req, h.config.Path+"operations/"+req.PathValue("id"))
	return nil
}
