package cli

import (
	"context"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

func (s *session) pauseCommand() *cobra.Command {
	return s.pausingCommand(true, &cobra.Command{
		Use:     "pause QUEUE...",
		Short:   s.t("Stop workers from taking jobs of a queue"),
		Long:    s.t("Stop workers from taking jobs of the queues, until resume. Jobs that run go on, and jobs can be added."),
		Example: s.example("pause mail"),
	})
}

func (s *session) resumeCommand() *cobra.Command {
	return s.pausingCommand(false, &cobra.Command{
		Use:     "resume QUEUE...",
		Short:   s.t("Let workers take jobs of a paused queue again"),
		Long:    s.t("Let workers take jobs of the queues again."),
		Example: s.example("resume mail"),
	})
}

func (s *session) pausingCommand(paused bool, cmd *cobra.Command) *cobra.Command {
	cmd.Args = argsNamed(1, -1, s.t("the name of a queue"))
	cmd.ValidArgsFunction = s.queueNames(false)
	cmd.RunE = s.does(func(ctx context.Context, queues []string) error {
		for _, queue := range queues {
			if err := errand.CheckName("queue", queue); err != nil {
				return err
			}
		}
		call, action, sentence := errand.Store.Resume, "resume", lang.Mark("Queue %s resumed.")
		if paused {
			call, action, sentence = errand.Store.Pause, "pause", lang.Mark("Queue %s paused.")
		}
		return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
			known, err := st.Queues(ctx, now)
			if err != nil {
				return err
			}
			var done []wire.Paused
			for _, queue := range queues {
				if !slices.ContainsFunc(known, func(q errand.QueueInfo) bool { return q.Name == queue }) {
					s.note("Note: queue %s has never had a job.", queue)
				}
				if err := call(st, ctx, now, queue); err != nil {
					return err
				}
				s.record(ctx, st, action, "queue "+queue, 1)
				done = append(done, wire.Paused{Queue: queue, Paused: paused})
				if !s.json {
					s.out.printf("%s\n", s.t(sentence, queue))
				}
			}
			if s.json {
				return s.out.printJSON(map[string]any{"queues": done})
			}
			return nil
		})
	})
	return cmd
}
