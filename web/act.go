package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/internal/wire"
)

// confirmView asks before something is done.
type confirmView struct {
	Question string
	Warning  string
	Button   string
	Danger   bool
	Action   string // where the form goes
	Fields   []field
	Back     string
	Queues   []string // to choose one of; nil: no queue is asked for
}

// AsksQueue reports whether the form asks for a queue.
func (v confirmView) AsksQueue() bool { return v.Queues != nil }

// field is a hidden value of a form.
type field struct{ Name, Value string }

// The bounds of what is done at once.
const (
	maxSelected = 500              // jobs that can be named in one request
	pageTime    = 30 * time.Second // for one step of what goes on in the background
)

// actOnJobs does something to the jobs that were selected, or to all that a search finds. It asks first, unless told
// that it has asked, or one job is to be requeued.
func (h *Handler) actOnJobs(w http.ResponseWriter, req *request) error {
	if err := req.ParseForm(); err != nil {
		return err
	}
	form := req.PostForm
	act, ok := actionNamed(form.Get("action"))
	if !ok {
		return misuse(lang.Mark("There is no such action."))
	}
	ids, all := form["job"], form.Get("all") != ""
	s, err := h.search(req, form)
	if err != nil {
		return err
	}
	if len(ids) > maxSelected {
		return misuse(lang.Mark("That is more than the dashboard takes in one request."))
	}
	if !all && len(ids) == 0 {
		return misuse(lang.Mark("Select at least one job."))
	}
	if all {
		if err := mayActOnAll(req, act); err != nil {
			return err
		}
	}
	if form.Get("confirmed") == "" && (all || len(ids) > 1 || act.danger || act.call == nil) {
		return h.confirm(w, req, act, s, ids, all)
	}
	if act.name == moveAction.name {
		if act, err = moveTo(strings.TrimSpace(form.Get("to"))); err != nil {
			return err
		}
	}
	if all {
		return h.actInBackground(w, req, act, s)
	}
	sum, err := h.actOnIDs(req, act, ids)
	if err != nil {
		return err
	}
	h.leaveNote(w, req, changedNote(req, act, sum))
	h.redirect(w, req, form.Get("back"))
	return nil
}

// actInBackground acts on all that a search finds. Where that ends soon, the next page says so; else the next page is
// that of its progress.
func (h *Handler) actInBackground(w http.ResponseWriter, req *request, act action, s search) error {
	op, err := h.operations.begin(req, act, s)
	if err != nil {
		return err
	}
	back := req.PostForm.Get("back")
	state := op.wait(req.Context(), operationPause)
	switch state.State {
	case wire.OperationRunning:
		h.redirect(w, req, h.config.Path+"operations/"+state.ID+query("back", back))
		return nil
	case wire.OperationDone:
		h.leaveNote(w, req, changedNote(req, act, state.Changed))
	default:
		h.leaveNote(w, req, changedNote(req, act, state.Changed)+" "+req.lang.T("More are left: do it again."))
	}
	h.redirect(w, req, back)
	return nil
}

// changedNote says what was done.
func changedNote(req *request, act action, sum wire.Changed) string {
	note := req.lang.N(sum.Done, act.done[0], act.done[1])
	if left := sum.Skipped + sum.Missing; left > 0 {
		note += " " + req.lang.N(left, "One was in another state or gone.", "%s were in another state or gone.")
	}
	return note
}

// confirm asks whether to do it, and says to how many.
func (h *Handler) confirm(w http.ResponseWriter, req *request, act action, s search, ids []string, all bool) error {
	count, exact := int64(len(ids)), true
	if all {
		var err error
		if count, exact, err = h.count(req.Context(), s); err != nil {
			return err
		}
	}
	question := req.lang.N(count, act.ask[0], act.ask[1])
	if !exact {
		question += " " + req.lang.T("There may be more: as far as was looked, there are at least so many.")
	}
	view := confirmView{
		Question: question, Warning: req.lang.T(act.warn), Button: req.lang.T(act.button), Danger: act.danger,
		Action: h.config.Path + "jobs", Back: req.PostForm.Get("back"),
		Fields: []field{{"action", act.name}, {"confirmed", "1"}},
	}
	if !h.ours(view.Back) {
		view.Back = h.config.Path + "jobs"
	}
	view.Fields = append(view.Fields, field{"back", view.Back})
	if act.call == nil {
		_, queues, err := h.lookAtQueues(req)
		if err != nil {
			return err
		}
		view.Queues = []string{}
		for _, q := range queues {
			view.Queues = append(view.Queues, q.Name)
		}
	}
	if all {
		view.Fields = append(view.Fields, field{"all", "1"})
		for name, values := range s.values() {
			view.Fields = append(view.Fields, field{name, values[0]})
		}
	}
	for _, id := range ids {
		view.Fields = append(view.Fields, field{"job", id})
	}
	return h.render(w, req, http.StatusOK, "confirm", page{Title: req.lang.T("Are you sure?"), Nav: "jobs", View: view})
}

// actOnIDs acts on the jobs with these ids, and writes that down.
func (h *Handler) actOnIDs(req *request, act action, ids []string) (sum wire.Changed, err error) {
	now, err := h.st.Now(req.Context())
	if err != nil {
		return sum, err
	}
	for i := range ids {
		ids[i] = strings.TrimSpace(ids[i])
	}
	reply, err := act.call(h.st, req.Context(), errand.Command{Now: now, IDs: ids})
	sum.Add(reply)
	target := "selected"
	if len(ids) == 1 {
		target = "job " + clip(40, ids[0])
	}
	if act.to != "" {
		target += " to " + act.to
	}
	h.log(req, act.name, target, reply.Done)
	return sum, err
}

// actOnAll acts on all that the search finds, and tells what each step has done.
func (h *Handler) actOnAll(ctx context.Context, act action, s search, done func(errand.CommandReply)) error {
	for _, state := range act.states {
		if s.State != 0 && s.State != state {
			continue
		}
		own := s
		own.State, own.Limit, own.Cursor = state, scanPage, ""
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			reply, next, err := h.actOnPage(ctx, act, own)
			done(reply)
			if err != nil {
				return err
			}
			if next == "" {
				break
			}
			own.Cursor = next
		}
	}
	return nil
}

// actOnPage acts on the next jobs of a search and returns where it goes on.
func (h *Handler) actOnPage(ctx context.Context, act action, s search) (errand.CommandReply, string, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	now, err := h.st.Now(ctx)
	if err != nil {
		return errand.CommandReply{}, "", err
	}
	if s.ID == "" && !s.scans() {
		reply, err := act.call(h.st, ctx, errand.Command{Now: now, Filter: s.filter()})
		if !reply.More {
			return reply, "", err
		}
		return reply, reply.Cursor, err
	}
	result, err := h.find(ctx, s)
	if err != nil || len(result.Jobs) == 0 {
		return errand.CommandReply{}, result.Next, err
	}
	ids := make([]string, len(result.Jobs))
	for i, job := range result.Jobs {
		ids[i] = job.ID
	}
	reply, err := act.call(h.st, ctx, errand.Command{Now: now, IDs: ids})
	return reply, result.Next, err
}
