package cli

import (
	"context"

	"github.com/errandhq/errand"
	"github.com/spf13/cobra"
)

func (s *session) queuesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "queues",
		Short: "List the queues and hotqueues",
		Long: "List the queues with the number of their jobs in each state and their rates per minute, " +
			"and the hotqueues with the number of messages that wait.",
		Example: s.example("queues", "queues --json"),
		Args:    noArgs,
		RunE:    s.does(s.showQueues),
	}
}

func (s *session) showQueues(ctx context.Context, _ []string) error {
	r, err := s.report(ctx, partQueues)
	if err != nil {
		return err
	}
	if s.json {
		return s.out.printJSON(r.asJSON(partQueues))
	}
	if len(r.queues) == 0 && len(r.messages) == 0 {
		s.out.printf("%s\n", textf("No queues yet."))
		return nil
	}
	if len(r.queues) > 0 {
		s.printQueues(r)
	}
	if len(r.messages) > 0 {
		if len(r.queues) > 0 {
			s.out.printf("\n")
		}
		s.printMessageQueues(r)
	}
	return nil
}

func (s *session) printQueues(r *report) {
	g := newGrid(column{title: "QUEUE", flex: true})
	for _, state := range errand.States() {
		g.columns = append(g.columns, column{title: stateTitles[state], right: true})
	}
	g.columns = append(g.columns, column{title: "IN/MIN", right: true, spare: 2},
		column{title: "DONE/MIN", right: true, spare: 2}, column{title: "FAIL/MIN", right: true, spare: 2}, column{title: "OLDEST", right: true, spare: 2}, column{title: "NOTE"})
	for _, q := range r.queues {
		row := []any{cell{q.Name, bold}}
		for _, state := range errand.States() {
			n := q.Counts[state]
			style := stateStyles[state]
			if n == 0 {
				style = faint
			}
			row = append(row, cell{number(n), style})
		}
		oldest, mark := "", cell{}
		if !q.Oldest.IsZero() {
			oldest = age(r.now, q.Oldest)
		}
		if q.Paused {
			mark = cell{textf("paused"), warn}
		}
		row = append(row, rate(q.Enqueued.PerMinute), rate(q.Finished.PerMinute), rate(q.Failed.PerMinute), oldest, mark)
		g.add(row...)
	}
	s.out.print(g)
}

func (s *session) printMessageQueues(r *report) {
	g := newGrid(column{title: "HOTQUEUE", flex: true}, column{title: "MESSAGES", right: true},
		column{title: "PUT/MIN", right: true}, column{title: "GOT/MIN", right: true})
	for _, q := range r.messages {
		g.add(cell{q.Name, bold}, number(q.Len), rate(q.Put.PerMinute), rate(q.Got.PerMinute))
	}
	s.out.print(g)
}

var stateTitles = map[errand.State]string{
	errand.StateQueued: "QUEUED", errand.StateStarted: "STARTED", errand.StateScheduled: "SCHEDULED",
	errand.StateDeferred: "DEFERRED", errand.StateFailed: "FAILED", errand.StateFinished: "FINISHED",
	errand.StateCanceled: "CANCELED",
}
