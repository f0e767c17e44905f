package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/carry"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

// moveFlags are those of a move to another store.
type moveFlags struct {
	from, to string
	queues   []string
	wait     bool
	yes      bool
}

func (s *session) moveCommand() *cobra.Command {
	var flags moveFlags
	cmd := &cobra.Command{
		Use:   "move --to URL [--from URL]",
		Short: s.t("Move all jobs and messages to another store"),
		Long: s.t("Move jobs and messages from one store to another, of any kind: ids, payloads, attempts, histories, unique keys, " +
			"dependencies, order and paused queues are kept. Both stores may be in use meanwhile; let programs enqueue to the " +
			"new store before, and stop the old workers, or the old store fills again.\n\n" +
			"A move that was interrupted, even killed, goes on when it is run again: nothing is lost, and nothing comes twice. " +
			"Jobs that are being run cannot be moved: it does not begin while there are any, unless --wait has it wait for them.\n\n" +
			"'move jobs' moves jobs to another queue of the same store."),
		Example: s.example("move --from sqlite:errand.db --to redis://localhost:6379/0",
			"move --from redis://localhost:6379/0 --to postgres://app@db/app --queue mail --wait --yes"),
		Args: noArgs,
		RunE: s.does(func(ctx context.Context, _ []string) error { return s.move(ctx, flags) }),
	}
	f := cmd.Flags()
	f.StringVar(&flags.from, "from", "", s.t("`URL` of the store that is emptied (default: that of --store)"))
	f.StringVar(&flags.to, "to", "", s.t("`URL` of the store that gets the jobs"))
	f.StringSliceVarP(&flags.queues, "queue", "q", nil, s.t("only this `QUEUE`, of jobs or of messages; may be repeated"))
	f.BoolVar(&flags.wait, "wait", false, s.t("wait for jobs that are being run"))
	f.BoolVarP(&flags.yes, "yes", "y", false, s.t("do not ask"))
	complete(cmd, "from", storeURLs)
	complete(cmd, "to", storeURLs)
	complete(cmd, "queue", s.queueNames(false))
	jobs := s.moveJobsCommand()
	jobs.DisableFlagsInUseLine = true
	cmd.AddCommand(jobs)
	return cmd
}

func (s *session) move(ctx context.Context, flags moveFlags) error {
	if flags.from == "" {
		flags.from = s.storeURL()
	}
	if flags.to == "" {
		return misuse("say with --to URL where to move the jobs")
	}
	for _, queue := range flags.queues {
		if err := errand.CheckName("queue", queue); err != nil {
			return err
		}
	}
	s.storeFlag = flags.from
	return s.lookInto(ctx, func(from errand.Store, now time.Time) error {
		return s.withStoreAt(ctx, flags.to, func(to errand.Store, _ time.Time) error {
			jobs, messages, err := countMovable(ctx, from, now, flags.queues)
			if err != nil {
				return err
			}
			if err := s.confirm(ctx, flags.yes, s.t("Move %s and %s from %s to %s?", s.n(jobs, "1 job", "%s jobs"),
				s.n(messages, "1 message", "%s messages"), maskURL(flags.from), maskURL(flags.to))); err != nil {
				return err
			}
			return s.carry(ctx, from, to, flags)
		})
	})
}

// countMovable counts what a move will find.
func countMovable(ctx context.Context, st errand.Store, now time.Time, only []string) (jobs, messages int64, err error) {
	queues, err := st.Queues(ctx, now)
	if err != nil {
		return 0, 0, err
	}
	for _, q := range queues {
		if len(only) == 0 || slices.Contains(only, q.Name) {
			for state, n := range q.Counts {
				if state != errand.StateStarted {
					jobs += n
				}
			}
		}
	}
	lists, err := st.MessageQueues(ctx, now)
	for _, q := range lists {
		if len(only) == 0 || slices.Contains(only, q.Name) {
			messages += q.Len
		}
	}
	return jobs, messages, err
}

// carry moves, with a bar, and says what was moved.
func (s *session) carry(ctx context.Context, from, to errand.Store, flags moveFlags) error {
	var bar *progress
	m := carry.Mover{From: from, To: to, Queues: flags.queues, Wait: flags.wait, Progress: func(done, total int64) {
		if bar == nil {
			bar = s.newProgress(s.t("Move"), total)
		}
		bar.set(min(done, total))
	}}
	began := time.Now()
	report, err := m.Run(ctx)
	took := time.Since(began)
	if bar != nil {
		bar.end()
	}
	if n := report.Jobs + report.Messages; n > 0 {
		s.record(ctx, from, "move", "everything"+ofQueues(flags.queues)+" to "+maskURL(flags.to), n)
		s.record(ctx, to, "move", "everything"+ofQueues(flags.queues)+" from "+maskURL(flags.from), n)
	}
	switch {
	case errors.Is(err, carry.ErrRunning):
		return failure("workers run jobs of this store (%v): stop them, or wait for them with --wait", err)
	case errors.Is(err, errand.ErrMoveUnderWay):
		return failure("%v: jobs are on their way from this store to another one than %s: end that move first, "+
			"by running it again", err, maskURL(flags.to))
	case err != nil:
		if report.Jobs+report.Messages > 0 {
			s.note("Moved %s and %s before the error; run it again to go on.",
				s.n(report.Jobs, "1 job", "%s jobs"), s.n(report.Messages, "1 message", "%s messages"))
		}
		return err
	}
	return s.printMoved(flags, report, took)
}

// ofQueues says in the audit log what a move was limited to.
func ofQueues(queues []string) string {
	if len(queues) == 0 {
		return ""
	}
	return " of " + strings.Join(queues, ", ")
}

func (s *session) printMoved(flags moveFlags, report carry.Report, took time.Duration) error {
	rate := float64(report.Jobs+report.Messages) / max(took.Seconds(), 0.001)
	if s.json {
		moved := wire.Moved{
			From: maskURL(flags.from), To: maskURL(flags.to), Jobs: report.Jobs, Messages: report.Messages,
			Conflicts: report.Conflicts, Left: report.Left, Started: report.Started, Paused: append([]string{}, report.Paused...),
			Seconds: took.Seconds(), PerSecond: rate,
		}
		if err := s.out.printJSON(moved); err != nil {
			return err
		}
	} else {
		s.out.printf("%s\n", s.t("Moved %s and %s from %s to %s in %s (%s a second).", s.n(report.Jobs, "1 job", "%s jobs"),
			s.n(report.Messages, "1 message", "%s messages"), maskURL(flags.from), maskURL(flags.to), s.lang.Duration(took), number(int64(rate))))
		for _, queue := range report.Paused {
			s.out.printf("%s\n", s.t("Queue %s is paused there, as it was here.", queue))
		}
	}
	switch {
	case report.Started > 0:
		return failure("%s being run meanwhile and left: run it again with --wait", s.n(report.Started, "1 job was", "%s jobs were"))
	case report.Left > 0:
		return failure("%s left: they wait for jobs that were not moved, or cannot be read", s.n(report.Left, "1 job was", "%s jobs were"))
	case report.Conflicts > 0:
		return failure("%s failed: a living job in %s has the same unique key", s.n(report.Conflicts, "1 job was", "%s jobs were"), maskURL(flags.to))
	}
	return nil
}

// moveJobsCommand moves jobs inside one store.
func (s *session) moveJobsCommand() *cobra.Command {
	var to string
	c := change{
		action: "move", also: func() string { return " to queue " + to },
		verb: lang.Mark("Move"),
		ask:  lang.Mark("Move %s?"), did: lang.Mark("%s moved"), none: lang.Mark("no job was moved: %s"), asks: true,
		states: []errand.State{errand.StateQueued, errand.StateScheduled, errand.StateFailed, errand.StateCanceled},
		call: func(st errand.Store, ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
			return st.Move(ctx, cmd, to)
		},
	}
	cmd := s.changeCommand(c, &cobra.Command{
		Use:   "jobs ID... | --all --to QUEUE",
		Short: s.t("Move jobs to another queue of the same store"),
		Long: s.t("Put queued, scheduled, failed and canceled jobs in another queue. They stay as they are, and jobs that depend on " +
			"them find them; jobs in other states are skipped, and those whose unique key a living job of that queue has.\n\n" +
			"--all takes every such job, or those that --queue, --state and --task select, and asks before."),
		Example: s.example("move jobs 01a2b3c4-d5e6-7f00-8000-112233445566 --to slow", "move jobs --all --queue mail --to slow --yes"),
	})
	cmd.Flags().StringVar(&to, "to", "", s.t("the `QUEUE` that gets the jobs"))
	complete(cmd, "to", s.queueNames(false))
	act := cmd.RunE
	cmd.RunE = s.does(func(ctx context.Context, ids []string) error {
		if to == "" {
			return misuse("say with --to QUEUE where to move the jobs")
		}
		if err := errand.CheckName("queue", to); err != nil {
			return err
		}
		cmd.SetContext(ctx)
		return act(cmd, ids)
	})
	return cmd
}
