package web

import (
	"context"
	"slices"

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
	to     string // the queue that jobs are moved to
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

// moveAction puts jobs in another queue, which [moveTo] names.
var moveAction = action{
	name: "move", button: lang.Mark("Move"),
	ask:    [2]string{"Move one job to another queue?", lang.Mark("Move %s jobs to another queue?")},
	done:   [2]string{"One job moved.", lang.Mark("%s jobs moved.")},
	warn:   lang.Mark("They keep their place by priority and time. Only workers that serve that queue run them."),
	states: []errand.State{errand.StateQueued, errand.StateScheduled, errand.StateFailed, errand.StateCanceled},
}

// moveTo is the action that moves jobs to a queue.
func moveTo(queue string) (action, error) {
	act := moveAction
	act.to = queue
	act.call = func(st errand.Store, ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
		return st.Move(ctx, cmd, queue)
	}
	return act, errand.CheckName("queue", queue)
}

// which says, as a URL's query, which jobs are acted on, and to where they go.
func (a action) which(s search) string {
	values := s.values()
	if a.to != "" {
		values.Set("to", a.to)
	}
	return values.Encode()
}

// personActions are what people can do to jobs, in the order in which pages offer it.
func personActions() []action {
	return append(slices.Clone(actions[:1]), append([]action{moveAction}, actions[1:]...)...)
}

func actionNamed(name string) (action, bool) {
	if name == moveAction.name {
		return moveAction, true
	}
	i := slices.IndexFunc(actions, func(a action) bool { return a.name == name })
	if i < 0 {
		return action{}, false
	}
	return actions[i], true
}

// actionsFor lists the names of what can be done to jobs of a state; of any, for none.
func actionsFor(state errand.State) []string {
	var names []string
	for _, a := range personActions() {
		if state == 0 || slices.Contains(a.states, state) {
			names = append(names, a.name)
		}
	}
	return names
}
