package cli

import (
	"context"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

// change is one of the commands that act on many jobs: requeue, cancel, delete.
type change struct {
	action string         // in the audit log
	also   func() string  // what the audit log tells besides; nil: nothing
	verb   string         // "Delete"
	ask    string         // the question; %s is "3 jobs"
	did    string         // the answer; %s is "3 jobs"
	none   string         // the answer where nothing was done; %s is why
	states []errand.State // those that --all without --state means; children first, so that none fails for its parent
	asks   bool
	call   func(errand.Store, context.Context, errand.Command) (errand.CommandReply, error)
}

var (
	requeueChange = change{
		action: "requeue", verb: lang.Mark("Requeue"),
		ask: lang.Mark("Requeue %s?"), did: lang.Mark("%s requeued"), none: lang.Mark("no job was requeued: %s"),
		states: []errand.State{errand.StateFailed}, call: errand.Store.Requeue,
	}
	cancelChange = change{
		action: "cancel", verb: lang.Mark("Cancel"),
		ask: lang.Mark("Cancel %s?"), did: lang.Mark("%s canceled"), none: lang.Mark("no job was canceled: %s"),
		asks: true, call: errand.Store.Cancel,
		states: []errand.State{errand.StateDeferred, errand.StateScheduled, errand.StateQueued, errand.StateStarted},
	}
	deleteChange = change{
		action: "delete", verb: lang.Mark("Delete"),
		ask: lang.Mark("Delete %s?"), did: lang.Mark("%s deleted"), none: lang.Mark("no job was deleted: %s"),
		asks: true, call: errand.Store.Delete,
		states: []errand.State{
			errand.StateDeferred, errand.StateScheduled, errand.StateQueued,
			errand.StateFailed, errand.StateFinished, errand.StateCanceled,
		},
	}
)

func (c *change) besides() string {
	if c.also == nil {
		return ""
	}
	return c.also()
}

func (s *session) requeueCommand() *cobra.Command {
	return s.changeCommand(requeueChange, &cobra.Command{
		Use:   "requeue ID... | --all",
		Short: s.t("Put failed jobs back in their queues"),
		Long: s.t("Put failed, canceled, finished or scheduled jobs back in their queues, to be run at once. Payload and history stay; " +
			"attempts are counted anew.\n\n--all takes every failed job, or those that --queue, --state and --task select."),
		Example: s.example("requeue 01a2b3c4-d5e6-7f00-8000-112233445566", "requeue --all --queue mail",
			"requeue --all --state canceled --task send"),
	})
}

func (s *session) cancelCommand() *cobra.Command {
	return s.changeCommand(cancelChange, &cobra.Command{
		Use:   "cancel ID... | --all",
		Short: s.t("Call off jobs that wait or run"),
		Long: s.t("Call off jobs. One that waits becomes canceled; of one that runs the context ends. Jobs that depend on it fail.\n\n" +
			"--all takes every job that waits or runs, or those that --queue, --state and --task select, and asks before."),
		Example: s.example("cancel 01a2b3c4-d5e6-7f00-8000-112233445566", "cancel --all --queue mail --yes"),
	})
}

func (s *session) deleteCommand() *cobra.Command {
	return s.changeCommand(deleteChange, &cobra.Command{
		Use:   "delete ID... | --all",
		Short: s.t("Remove jobs for good"),
		Long: s.t("Remove jobs of any state but started, with their payloads and histories. It asks before. " +
			"Jobs that depend on one that was not finished fail.\n\n" +
			"--all takes every job but the started ones, or those that --queue, --state and --task select."),
		Example: s.example("delete 01a2b3c4-d5e6-7f00-8000-112233445566", "delete --all --queue mail --state failed --yes"),
	})
}

func (s *session) changeCommand(c change, cmd *cobra.Command) *cobra.Command {
	var flags filterFlags
	var all, yes bool
	s.addFilter(cmd, &flags)
	cmd.Flags().BoolVarP(&all, "all", "a", false, s.t("all jobs that the other flags select"))
	if c.asks {
		cmd.Flags().BoolVarP(&yes, "yes", "y", false, s.t("do not ask"))
	}
	cmd.ValidArgsFunction = s.jobIDs(c.states...)
	cmd.RunE = s.does(func(ctx context.Context, ids []string) error {
		switch {
		case all && len(ids) > 0:
			return misuse("use ids or --all, not both")
		case !all && flags.set():
			return misuse("--queue, --state and --task select among all jobs: say --all")
		case !all && len(ids) == 0:
			return misuse("name jobs by their ids, or say --all")
		case !all:
			return s.changeIDs(ctx, c, ids, yes)
		}
		filter, err := flags.filter()
		if err != nil {
			return err
		}
		return s.changeAll(ctx, c, filter, yes)
	})
	return cmd
}

// maxIDs is how many named jobs go in one request.
const maxIDs = 500

func (s *session) changeIDs(ctx context.Context, c change, ids []string, yes bool) error {
	if err := checkIDs(ids); err != nil {
		return err
	}
	return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
		if c.asks && (len(ids) > 1 || c.verb == deleteChange.verb) {
			if err := s.confirm(ctx, yes, s.t(c.ask, s.n(int64(len(ids)), "1 job", "%s jobs"))); err != nil {
				return err
			}
		}
		bar := s.newProgress(s.t(c.verb), int64(len(ids)))
		defer bar.end()
		var sum wire.Changed
		for from := 0; from < len(ids); from += maxIDs {
			reply, err := c.call(st, ctx, errand.Command{Now: now, IDs: ids[from:min(from+maxIDs, len(ids))]})
			if err != nil {
				return err
			}
			sum.Add(reply)
			bar.set(int64(min(from+maxIDs, len(ids))))
		}
		bar.end()
		if sum.Done > 0 {
			s.record(ctx, st, c.action, jobsNamed(ids)+c.besides(), sum.Done)
			return s.printChanged(c, sum)
		}
		if s.json {
			if err := s.out.printJSON(sum); err != nil {
				return err
			}
		}
		return failure(c.none, s.changedText(c, sum))
	})
}

func (s *session) changeAll(ctx context.Context, c change, filter errand.JobFilter, yes bool) error {
	states := c.states
	if filter.State != 0 {
		states = []errand.State{filter.State}
	}
	return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
		counts, err := s.countJobs(ctx, st, now, filter.Queue)
		if err != nil {
			return err
		}
		if c.asks && sumOf(counts, states) > 0 {
			if err := s.confirm(ctx, yes, s.question(c, filter, states, counts)); err != nil {
				return err
			}
		}
		sum, err := s.changeStates(ctx, st, now, c, filter, states, counts)
		if sum.Done > 0 {
			s.record(ctx, st, c.action, selection(filter, states)+c.besides(), sum.Done)
		}
		if err != nil {
			return err
		}
		return s.printChanged(c, sum)
	})
}

// changeStates acts on all jobs of some states, with a bar. It stops at the number of jobs that there were at the start,
// so that jobs which come to a state meanwhile, such as requeued ones that fail again, do not keep it going for ever.
func (s *session) changeStates(ctx context.Context, st errand.Store, now time.Time, c change, filter errand.JobFilter,
	states []errand.State, counts map[errand.State]int64,
) (wire.Changed, error) {
	var sum wire.Changed
	bar := &progress{}
	if n := sumOf(counts, states); n > maxPage { // fewer are done before there is anything to see
		bar = s.newProgress(s.t(c.verb), n)
	}
	defer bar.end()
	for _, state := range states {
		filter.State, filter.Cursor = state, ""
		for left := counts[state]; left > 0; {
			filter.Limit = int(min(left, maxPage))
			reply, err := c.call(st, ctx, errand.Command{Now: now, Filter: filter})
			if err != nil {
				return sum, err
			}
			sum.Add(reply)
			bar.set(sum.Done + sum.Skipped)
			left -= int64(reply.Done + reply.Skipped)
			if !reply.More || reply.Done+reply.Skipped == 0 && reply.Cursor == filter.Cursor {
				break
			}
			filter.Cursor = reply.Cursor
		}
	}
	return sum, nil
}

// countJobs counts jobs by state, of one queue or of all.
func (s *session) countJobs(ctx context.Context, st errand.Store, now time.Time, queue string) (map[errand.State]int64, error) {
	queues, err := st.Queues(ctx, now)
	if err != nil {
		return nil, err
	}
	counts := map[errand.State]int64{}
	found := queue == ""
	for _, q := range queues {
		if queue == "" || q.Name == queue {
			found = true
			for state, n := range q.Counts {
				counts[state] += n
			}
		}
	}
	if !found {
		return nil, failure("there is no queue %q: 'queues' lists them", queue)
	}
	return counts, nil
}

func sumOf(counts map[errand.State]int64, states []errand.State) int64 {
	var n int64
	for _, state := range states {
		n += counts[state]
	}
	return n
}

// question says what is about to happen.
func (s *session) question(c change, filter errand.JobFilter, states []errand.State, counts map[errand.State]int64) string {
	var parts []string
	for _, state := range states {
		if counts[state] > 0 {
			parts = append(parts, number(counts[state])+" "+s.state(state))
		}
	}
	where := s.t("of every queue")
	if filter.Queue != "" {
		where = s.t("of queue %s", filter.Queue)
	}
	if filter.Task != "" {
		return s.t(c.ask, s.t("the jobs of task %[2]s among %[1]s %[3]s", strings.Join(parts, s.t(", ")), filter.Task, where))
	}
	return s.t(c.ask, s.t("%s jobs %s", strings.Join(parts, s.t(", ")), where))
}

func (s *session) printChanged(c change, sum wire.Changed) error {
	if s.json {
		return s.out.printJSON(sum)
	}
	s.out.printf("%s\n", s.changedText(c, sum)+s.t("."))
	return nil
}

func (s *session) changedText(c change, sum wire.Changed) string {
	text := s.t(c.did, s.n(sum.Done, "1 job", "%s jobs"))
	if sum.Skipped > 0 {
		text += s.t(", ") + s.t("%s skipped: not in a state for it", number(sum.Skipped))
	}
	if sum.Missing > 0 {
		text += s.t(", ") + s.t("%s not found", number(sum.Missing))
	}
	return text
}
