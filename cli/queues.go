package cli

import (
	"context"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/spf13/cobra"
)

func (s *session) queuesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "queues",
		Short: s.t("List the queues and hotqueues"),
		Long: s.t("List the queues with the number of their jobs in each state and their rates per minute, " +
			"and the hotqueues with the number of messages that wait."),
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
		s.out.printf("%s\n", s.t("No queues yet."))
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
	g := newGrid(column{title: s.t("QUEUE"), flex: true})
	for _, state := range errand.States() {
		g.columns = append(g.columns, column{title: s.t(stateTitles[state]), right: true})
	}
	g.columns = append(g.columns, column{title: s.t("IN/MIN"), right: true, spare: 2},
		column{title: s.t("DONE/MIN"), right: true, spare: 2}, column{title: s.t("FAIL/MIN"), right: true, spare: 2}, column{title: s.t("OLDEST"), right: true, spare: 2}, column{title: s.t("NOTE")})
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
			oldest = s.age(r.now, q.Oldest)
		}
		if q.Paused {
			mark = cell{s.t("paused"), warn}
		}
		row = append(row, rate(q.Enqueued.PerMinute), rate(q.Finished.PerMinute), rate(q.Failed.PerMinute), oldest, mark)
		g.add(row...)
	}
	s.out.print(g)
}

func (s *session) printMessageQueues(r *report) {
	g := newGrid(column{title: s.t("HOTQUEUE"), flex: true}, column{title: s.t("MESSAGES"), right: true},
		column{title: s.t("PUT/MIN"), right: true}, column{title: s.t("GOT/MIN"), right: true})
	for _, q := range r.messages {
		g.add(cell{q.Name, bold}, number(q.Len), rate(q.Put.PerMinute), rate(q.Got.PerMinute))
	}
	s.out.print(g)
}

var stateTitles = map[errand.State]string{
	errand.StateQueued: lang.Mark("QUEUED"), errand.StateStarted: lang.Mark("STARTED"), errand.StateScheduled: lang.Mark("SCHEDULED"),
	errand.StateDeferred: lang.Mark("DEFERRED"), errand.StateFailed: lang.Mark("FAILED"), errand.StateFinished: lang.Mark("FINISHED"),
	errand.StateCanceled: lang.Mark("CANCELED"),
}
