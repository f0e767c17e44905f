package cli

import (
	"context"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

func (s *session) emptyCommand() *cobra.Command {
	var yes, failed, messages bool
	cmd := &cobra.Command{
		Use:   "empty QUEUE",
		Short: s.t("Remove everything that waits in a queue"),
		Long: s.t("Remove the jobs of a queue that wait: queued, scheduled and deferred ones. It asks before. Running jobs are left alone.\n\n" +
			"--failed removes the queue's failed jobs in their place, --messages the messages of a hotqueue."),
		Example:           s.example("empty mail", "empty mail --failed --yes", "empty numbers --messages"),
		Args:              argsNamed(1, 1, s.t("the name of a queue")),
		ValidArgsFunction: first(s.queueNames(true)),
		RunE: s.does(func(ctx context.Context, args []string) error {
			queue := args[0]
			if err := errand.CheckName("queue", queue); err != nil {
				return err
			}
			switch {
			case failed && messages:
				return misuse("use one of --failed and --messages")
			case messages:
				return s.emptyMessages(ctx, queue, yes)
			}
			states := []errand.State{errand.StateDeferred, errand.StateScheduled, errand.StateQueued} // children first
			if failed {
				states = []errand.State{errand.StateFailed}
			}
			return s.emptyJobs(ctx, queue, states, yes)
		}),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, s.t("do not ask"))
	cmd.Flags().BoolVar(&failed, "failed", false, s.t("remove the failed jobs, not those that wait"))
	cmd.Flags().BoolVar(&messages, "messages", false, s.t("remove the messages of the hotqueue QUEUE"))
	return cmd
}

func (s *session) emptyJobs(ctx context.Context, queue string, states []errand.State, yes bool) error {
	return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
		counts, err := s.countJobs(ctx, st, now, queue)
		if err != nil {
			if info, look := messageQueue(ctx, st, now, queue); look == nil && info != nil {
				return misuse("%s is a hotqueue: --messages removes its messages (%s)", queue, number(info.Len))
			}
			return err
		}
		filter := errand.JobFilter{Queue: queue}
		if sumOf(counts, states) > 0 {
			if err := s.confirm(ctx, yes, s.question(deleteChange, filter, states, counts)); err != nil {
				return err
			}
		}
		sum, err := s.changeStates(ctx, st, now, deleteChange, filter, states, counts)
		if sum.Done > 0 {
			s.record(ctx, st, "delete", selection(filter, states), sum.Done)
		}
		if err != nil {
			return err
		}
		return s.printChanged(deleteChange, sum)
	})
}

// messageQueue returns nil where there is none of that name.
func messageQueue(ctx context.Context, st errand.Store, now time.Time, name string) (*errand.MessageQueueInfo, error) {
	queues, err := st.MessageQueues(ctx, now)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(queues, func(q errand.MessageQueueInfo) bool { return q.Name == name })
	if i < 0 {
		return nil, nil
	}
	return &queues[i], nil
}

func (s *session) emptyMessages(ctx context.Context, queue string, yes bool) error {
	return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
		info, err := messageQueue(ctx, st, now, queue)
		if err != nil {
			return err
		}
		if info == nil {
			return failure("there is no hotqueue %q: 'queues' lists them", queue)
		}
		if info.Len > 0 {
			question := s.t("Delete %s of hotqueue %s?", s.n(info.Len, "1 message", "%s messages"), queue)
			if err := s.confirm(ctx, yes, question); err != nil {
				return err
			}
		}
		n, err := st.Clear(ctx, now, queue)
		if err != nil {
			return err
		}
		s.record(ctx, st, "clear", "hotqueue "+queue, n)
		if s.json {
			return s.out.printJSON(wire.Changed{Done: n})
		}
		s.out.printf("%s\n", s.t("%s deleted.", s.n(n, "1 message", "%s messages")))
		return nil
	})
}
