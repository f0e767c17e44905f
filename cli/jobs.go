package cli

import (
	"context"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

// maxPage is how many jobs a store gives at a time.
const maxPage = 1000

// filterFlags are the flags that select jobs.
type filterFlags struct {
	queue, state, task string
}

func (s *session) addFilter(cmd *cobra.Command, f *filterFlags) {
	cmd.Flags().StringVarP(&f.queue, "queue", "q", "", s.t("only jobs of this `QUEUE`"))
	cmd.Flags().StringVarP(&f.state, "state", "s", "", s.t("only jobs in this `STATE`: %s", stateList()))
	cmd.Flags().StringVarP(&f.task, "task", "t", "", s.t("only jobs of this `TASK`"))
	complete(cmd, "queue", s.queueNames(false))
	complete(cmd, "state", s.stateNames)
	complete(cmd, "task", s.taskNames())
}

func stateList() string {
	var names []string
	for _, state := range errand.States() {
		names = append(names, state.String())
	}
	return strings.Join(names, ", ")
}

func (f *filterFlags) set() bool { return f.queue != "" || f.state != "" || f.task != "" }

// filter checks the flags, so that a name that cannot be is an error and not an empty list.
func (f *filterFlags) filter() (errand.JobFilter, error) {
	filter := errand.JobFilter{Queue: f.queue, Task: f.task}
	if f.queue != "" {
		if err := errand.CheckName("queue", f.queue); err != nil {
			return filter, err
		}
	}
	if f.task != "" {
		if err := errand.CheckName("task", f.task); err != nil {
			return filter, err
		}
	}
	if f.state != "" {
		state, err := errand.ParseState(f.state)
		if err != nil {
			return filter, err
		}
		filter.State = state
	}
	return filter, nil
}

func (s *session) jobsCommand() *cobra.Command {
	var flags filterFlags
	var limit int
	var newest, ids bool
	var cursor string
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: s.t("List jobs"),
		Long: s.t("List jobs, of one state in the order in which they are next, or of all states. " +
			"Where there are more than --limit, the last line says how to go on."),
		Example: s.example("jobs --state failed --newest", "jobs --queue mail --task send --limit 200",
			"jobs --state failed --ids | xargs "+s.name+" requeue"),
		Args: noArgs,
		RunE: s.does(func(ctx context.Context, _ []string) error {
			filter, err := flags.filter()
			if err != nil {
				return err
			}
			if limit < 1 {
				return misuse("--limit %d: use 1 or more", limit)
			}
			filter.Newest, filter.Cursor = newest, cursor
			return s.showJobs(ctx, filter, limit, ids)
		}),
	}
	s.addFilter(cmd, &flags)
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, s.t("how many `JOBS` at most"))
	cmd.Flags().BoolVar(&newest, "newest", false, s.t("the newest first"))
	cmd.Flags().BoolVar(&ids, "ids", false, s.t("print ids only, one a line"))
	cmd.Flags().StringVar(&cursor, "cursor", "", s.t("go on where the list with this `CURSOR` ended"))
	return cmd
}

func (s *session) showJobs(ctx context.Context, filter errand.JobFilter, limit int, ids bool) error {
	return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
		jobs, next, err := listJobs(ctx, st, filter, limit)
		if err != nil {
			return err
		}
		switch {
		case s.json:
			list := wire.Jobs{Jobs: make([]wire.Job, 0, len(jobs)), NextCursor: next}
			for _, job := range jobs {
				list.Jobs = append(list.Jobs, wire.NewJob(job))
			}
			return s.out.printJSON(list)
		case ids:
			for _, job := range jobs {
				s.out.printf("%s\n", cleanLine(job.ID))
			}
		case len(jobs) == 0:
			s.out.printf("%s\n", s.t("No such jobs."))
		default:
			s.printJobs(jobs, now, filter.State == 0)
		}
		if next != "" {
			s.note("There are more. A larger --limit lists more at once; to go on, add --cursor %s", next)
		}
		return nil
	})
}

// listJobs reads up to limit jobs, in pages, and returns where to go on.
func listJobs(ctx context.Context, st errand.Store, filter errand.JobFilter, limit int) ([]*errand.Job, string, error) {
	var jobs []*errand.Job
	for {
		filter.Limit = min(limit-len(jobs), maxPage)
		page, err := st.Jobs(ctx, filter)
		if err != nil {
			return nil, "", err
		}
		jobs = append(jobs, page.Jobs...)
		if page.Next == "" || len(jobs) >= limit {
			return jobs, page.Next, nil
		}
		filter.Cursor = page.Next
	}
}

func (s *session) printJobs(jobs []*errand.Job, now time.Time, states bool) {
	spare := 2 // every job is in the state that was asked for
	if states {
		spare = 0
	}
	g := newGrid(column{title: s.t("ID")}, column{title: s.t("QUEUE"), flex: true}, column{title: s.t("TASK"), flex: true},
		column{title: s.t("STATE"), spare: spare}, column{title: s.t("ATTEMPT"), right: true, spare: 3}, column{title: s.t("WHEN")},
		column{title: s.t("ABOUT"), flex: true, spare: 1})
	for _, job := range jobs {
		style := plain
		if states {
			style = stateStyles[job.State]
		}
		g.add(job.ID, job.Queue, job.Task, cell{s.state(job.State), style}, number(job.Attempt), s.when(job, now), s.about(job, now))
	}
	s.out.print(g)
}

// when says what matters of a job's times in its state.
func (s *session) when(job *errand.Job, now time.Time) string {
	switch job.State {
	case errand.StateQueued, errand.StateDeferred:
		return s.t("waits %s", s.age(now, job.ReadyAt))
	case errand.StateScheduled:
		return s.ahead(now, job.ReadyAt)
	case errand.StateStarted:
		return s.t("runs %s", s.age(now, job.StartedAt))
	default:
		return s.ago(now, job.EndedAt)
	}
}

// maxAbout bounds what a list tells of one job.
const maxAbout = 200

// about says in one line what is most worth knowing of a job: why it failed, what it waits for, or what it works on.
func (s *session) about(job *errand.Job, now time.Time) cell {
	if !job.UnknownSince.IsZero() && !job.State.Final() {
		return cell{s.t("no worker has known this task for %s", s.age(now, job.UnknownSince)), warn}
	}
	if rec, ok := job.LastError(); ok && job.State != errand.StateFinished {
		line, _, _ := strings.Cut(rec.Error, "\n")
		return cell{clip(line, maxAbout), bad}
	}
	if p := job.Progress; p != nil && job.State == errand.StateStarted {
		return cell{s.progressText(p), plain}
	}
	return cell{clip(string(job.Payload), maxAbout), faint}
}

// clip cuts text that is too long for a line.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xc0 == 0x80 {
		limit--
	}
	return s[:limit] + "…"
}

func (s *session) progressText(p *errand.Progress) string {
	if p.Total <= 0 {
		return s.t("%s done", number(p.Done))
	}
	return s.t("%s of %s (%d %%)", number(p.Done), number(p.Total), p.Done*100/p.Total)
}
