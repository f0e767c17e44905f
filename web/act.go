package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// action is something that people do to jobs.
type action struct {
	name   string
	button string // sentences of the catalogue
	ask    [2]string
	done   [2]string
	warn   string
	call   func(errand.Store, context.Context, errand.Command) (errand.CommandReply, error)
	states []errand.State // in which it can be done
	danger bool
}

var actions = []action{
	{
		name: "requeue", button: lang.Mark("Requeue"), call: errand.Store.Requeue,
		ask:    [2]string{"Requeue one job?", lang.Mark("Requeue %s jobs?")},
		done:   [2]string{"One job requeued.", lang.Mark("%s jobs requeued.")},
		warn:   lang.Mark("They run again at once, with their payloads unchanged."),
		states: []errand.State{errand.StateFailed, errand.StateCanceled, errand.StateFinished, errand.StateScheduled},
	},
	{
		name: "cancel", button: lang.Mark("Cancel"), call: errand.Store.Cancel, danger: true,
		ask:    [2]string{"Cancel one job?", lang.Mark("Cancel %s jobs?")},
		done:   [2]string{"One job canceled.", lang.Mark("%s jobs canceled.")},
		warn:   lang.Mark("Jobs that wait for them fail. Started ones are asked to stop. Canceled jobs can be requeued."),
		states: []errand.State{errand.StateQueued, errand.StateStarted, errand.StateScheduled, errand.StateDeferred},
	},
	{
		name: "delete", button: lang.Mark("Delete"), call: errand.Store.Delete, danger: true,
		ask:  [2]string{"Delete one job?", lang.Mark("Delete %s jobs?")},
		done: [2]string{"One job deleted.", lang.Mark("%s jobs deleted.")},
		warn: lang.Mark("This cannot be undone. Jobs that wait for unfinished ones fail."),
		states: []errand.State{
			errand.StateQueued, errand.StateScheduled, errand.StateDeferred,
			errand.StateFailed, errand.StateFinished, errand.StateCanceled,
		},
	},
}

func actionNamed(name string) (action, bool) {
	i := slices.IndexFunc(actions, func(a action) bool { return a.name == name })
	if i < 0 {
		return action{}, false
	}
	return actions[i], true
}

// actionsFor lists the names of what can be done to jobs of a state; of any, for none.
func actionsFor(state errand.State) []string {
	var names []string
	for _, a := range actions {
		if state == 0 || slices.Contains(a.states, state) {
			names = append(names, a.name)
		}
	}
	return names
}

// confirmView asks before something is done.
type confirmView struct {
	Question string
	Warning  string
	Button   string
	Danger   bool
	Action   string // where the form goes
	Fields   []field
	Back     string
}

// field is a hidden value of a form.
type field struct{ Name, Value string }

// The bounds of what is done in one request.
const (
	maxSelected = 500
	actTime     = 20 * time.Second
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
	if all && act.name == "delete" && !req.may(Admin) {
		return &problem{status: http.StatusForbidden, text: lang.Mark("Your role (%s) may not do this; it takes %s."), args: []any{req.who.Role, Admin}}
	}
	if form.Get("confirmed") == "" && (all || len(ids) > 1 || act.danger) {
		return h.confirm(w, req, act, s, ids, all)
	}
	var sum errand.CommandReply
	target := "selected"
	if all {
		target = "all of " + s.values().Encode()
		sum, err = h.actOnAll(req.Context(), act, s)
	} else {
		sum, err = h.actOnIDs(req.Context(), act, ids)
	}
	if len(ids) == 1 {
		target = "job " + clip(40, ids[0])
	}
	h.log(req, act.name, target, sum.Done)
	if err != nil {
		return err
	}
	note := req.lang.N(int64(sum.Done), act.done[0], act.done[1])
	if left := sum.Skipped + sum.Missing; left > 0 {
		note += " " + req.lang.N(int64(left), "One was in another state or gone.", "%s were in another state or gone.")
	}
	if sum.More {
		note += " " + req.lang.T("More are left: do it again.")
	}
	h.leaveNote(w, req, note)
	h.redirect(w, req, form.Get("back"))
	return nil
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

func (h *Handler) actOnIDs(ctx context.Context, act action, ids []string) (errand.CommandReply, error) {
	now, err := h.st.Now(ctx)
	if err != nil {
		return errand.CommandReply{}, err
	}
	for i := range ids {
		ids[i] = strings.TrimSpace(ids[i])
	}
	return act.call(h.st, ctx, errand.Command{Now: now, IDs: ids})
}

// actOnAll acts on all that the search finds, as far as it gets in its time; the reply says whether more is left.
func (h *Handler) actOnAll(ctx context.Context, act action, s search) (errand.CommandReply, error) {
	ctx, cancel := context.WithTimeout(ctx, actTime)
	defer cancel()
	var sum errand.CommandReply
	add := func(r errand.CommandReply) {
		sum.Done += r.Done
		sum.Skipped += r.Skipped
		sum.Missing += r.Missing
	}
	for _, state := range act.states {
		if s.State != 0 && s.State != state {
			continue
		}
		own := s
		own.State, own.Limit, own.Cursor = state, scanPage, ""
		for {
			reply, next, err := h.actOnPage(ctx, act, own)
			add(reply)
			if ctx.Err() != nil {
				sum.More = true
				return sum, nil
			}
			if err != nil {
				return sum, err
			}
			if next == "" {
				break
			}
			own.Cursor = next
		}
	}
	return sum, nil
}

// actOnPage acts on the next jobs of a search and returns where it goes on.
func (h *Handler) actOnPage(ctx context.Context, act action, s search) (errand.CommandReply, string, error) {
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
