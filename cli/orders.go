package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/spf13/cobra"
)

// orderCommand is one of the commands that ask something of workers.
type orderCommand struct {
	order errand.Order
	ask   string // the question; %s is "2 workers"; empty: nobody is asked
	did   string // the answer; %s is the worker
}

var (
	quietOrder  = orderCommand{order: errand.OrderQuiet, did: lang.Mark("Worker %s is to claim no more jobs.")}
	resumeOrder = orderCommand{order: errand.OrderResume, did: lang.Mark("Worker %s is to claim jobs again.")}
	stopOrder   = orderCommand{order: errand.OrderStop, ask: lang.Mark("Stop %s?"), did: lang.Mark("Worker %s is to stop.")}
)

func (s *session) quietCommand() *cobra.Command {
	return s.ordering(quietOrder, &cobra.Command{
		Use:   "quiet WORKER... | --all",
		Short: s.t("Let workers claim no more jobs"),
		Long: s.t("Let workers claim no more jobs, until resume. What runs goes on, what was not begun goes back to its queue, and the process " +
			"stays up: so a deploy can wait until a worker has nothing to do."),
		Example: s.example("workers quiet web1:4711:a1b2c3", "workers quiet --all"),
	})
}

func (s *session) resumeWorkersCommand() *cobra.Command {
	return s.ordering(resumeOrder, &cobra.Command{
		Use:     "resume WORKER... | --all",
		Short:   s.t("Let quiet workers claim jobs again"),
		Long:    s.t("Let workers that were made quiet claim jobs again."),
		Example: s.example("workers resume web1:4711:a1b2c3", "workers resume --all"),
	})
}

func (s *session) stopCommand() *cobra.Command {
	return s.ordering(stopOrder, &cobra.Command{
		Use:   "stop WORKER... | --all",
		Short: s.t("Stop workers, as their first signal does"),
		Long: s.t("Stop workers as the first SIGTERM does: running jobs may finish, then the process ends. It asks before. " +
			"Starting them again is the matter of what started them."),
		Example: s.example("workers stop web1:4711:a1b2c3", "workers stop --all --yes"),
	})
}

func (s *session) ordering(c orderCommand, cmd *cobra.Command) *cobra.Command {
	var all, yes bool
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().BoolVarP(&all, "all", "a", false, s.t("every worker that is not lost"))
	if c.ask != "" {
		cmd.Flags().BoolVarP(&yes, "yes", "y", false, s.t("do not ask"))
	}
	cmd.ValidArgsFunction = s.workerIDs()
	cmd.RunE = s.does(func(ctx context.Context, ids []string) error {
		switch {
		case all && len(ids) > 0:
			return misuse("use names of workers or --all, not both")
		case !all && len(ids) == 0:
			return misuse("name workers as 'workers' lists them, or say --all")
		}
		return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
			if all {
				workers, err := st.Workers(ctx)
				if err != nil {
					return err
				}
				for i := range workers {
					if !workers[i].Lost(now) {
						ids = append(ids, workers[i].ID)
					}
				}
			}
			return s.giveOrders(ctx, st, now, c, ids, yes)
		})
	})
	return cmd
}

// orderedJSON is what the commands quiet, resume and stop of workers print.
type orderedJSON struct {
	Order   string   `json:"order"`
	Workers []string `json:"workers"` // those that were told
	Missing []string `json:"missing"` // those of which the store has no record
}

func (s *session) giveOrders(ctx context.Context, st errand.Store, now time.Time, c orderCommand, ids []string, yes bool) error {
	if c.ask != "" && len(ids) > 0 {
		if err := s.confirm(ctx, yes, s.t(c.ask, s.n(int64(len(ids)), "1 worker", "%s workers"))); err != nil {
			return err
		}
	}
	done := orderedJSON{Order: c.order.String(), Workers: []string{}, Missing: []string{}}
	for _, id := range ids {
		err := st.Order(ctx, now, id, c.order)
		switch {
		case errors.Is(err, errand.ErrWorkerNotFound):
			done.Missing = append(done.Missing, id)
			continue
		case err != nil:
			return fmt.Errorf("%s %s: %w", c.order, id, err)
		}
		done.Workers = append(done.Workers, id)
		s.record(ctx, st, c.order.String(), "worker "+id, 1)
		if !s.json {
			s.out.printf("%s\n", s.t(c.did, cleanLine(id)))
		}
	}
	switch {
	case s.json:
		if err := s.out.printJSON(done); err != nil {
			return err
		}
	case len(ids) == 0:
		s.out.printf("%s\n", s.t("No workers."))
	}
	if len(done.Missing) > 0 {
		return failure("there is no worker %q: 'workers' lists them", done.Missing[0])
	}
	return nil
}

// workerIDs offers the workers that are not lost.
func (s *session) workerIDs() completer {
	return s.completing(func(ctx context.Context, st errand.Store, now time.Time, _ *cobra.Command) ([]cobra.Completion, error) {
		workers, err := st.Workers(ctx)
		if err != nil {
			return nil, err
		}
		workers = slices.DeleteFunc(workers, func(w errand.WorkerRecord) bool { return w.Lost(now) })
		var ids []cobra.Completion
		for i := range workers {
			w := &workers[i]
			ids = append(ids, cobra.CompletionWithDesc(cleanLine(w.ID), s.t("runs %s", fmt.Sprintf("%d/%d", len(w.Running), w.Concurrency))))
		}
		return ids, nil
	})
}
