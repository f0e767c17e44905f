package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (s *session) jobCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "job ID",
		Short: s.t("Show everything about one job"),
		Long: s.t("Show everything about one job: payload, result, times, what it waits for, and every attempt with its error, " +
			"the errors behind it, its stack trace and its log."),
		Example: s.example("job 01a2b3c4-d5e6-7f00-8000-112233445566"),
		Args:    argsNamed(1, 1, s.t("the id of a job")),
		ValidArgsFunction: first(s.jobIDs(errand.StateFailed, errand.StateStarted, errand.StateQueued, errand.StateScheduled,
			errand.StateDeferred, errand.StateFinished, errand.StateCanceled)),
		RunE: s.does(func(ctx context.Context, args []string) error {
			if err := checkIDs(args); err != nil {
				return err
			}
			return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
				job, err := st.Job(ctx, "", args[0])
				if err != nil {
					return err
				}
				if s.json {
					return s.out.printJSON(wire.NewJob(job))
				}
				parents, err := s.parentsOf(ctx, st, job)
				if err != nil {
					return err
				}
				s.printJob(job, parents, now)
				return nil
			})
		}),
	}
}

func checkIDs(ids []string) error {
	for _, id := range ids {
		if len(id) != 36 || uuid.Validate(id) != nil {
			return misuse("%.100q is not a job id: use the 36 characters that 'jobs' shows", id)
		}
	}
	return nil
}

// maxParents bounds how many jobs that a job depends on are looked up.
const maxParents = 50

type parent struct{ id, state string }

func (s *session) parentsOf(ctx context.Context, st errand.Store, job *errand.Job) ([]parent, error) {
	var parents []parent
	for _, id := range job.DependsOn[:min(len(job.DependsOn), maxParents)] {
		found, err := st.Job(ctx, "", id)
		switch {
		case errors.Is(err, errand.ErrJobNotFound):
			parents = append(parents, parent{id, s.t("no longer in the store: counts as finished")})
		case err != nil:
			return nil, err
		default:
			parents = append(parents, parent{id, s.t("%s (%s in %s)", s.state(found.State), found.Task, found.Queue)})
		}
	}
	return parents, nil
}

// fact prints one named line of a job; nothing where there is nothing to say.
func (s *session) fact(name, value string) {
	if value != "" {
		s.out.printf("  %s %s\n", faint.Render(name+strings.Repeat(" ", max(0, 11-lipgloss.Width(name)))), value)
	}
}

func (s *session) printJob(job *errand.Job, parents []parent, now time.Time) {
	s.out.printf("%s\n", bold.Render(s.t("Job %s", cleanLine(job.ID))))
	s.fact(s.t("task"), cleanLine(job.Task))
	s.fact(s.t("queue"), cleanLine(job.Queue))
	s.fact(s.t("state"), stateStyles[job.State].Render(s.state(job.State)))
	if !job.UnknownSince.IsZero() {
		s.fact("", warn.Render(s.t("no worker has known its task since %s", moment(job.UnknownSince))))
	}
	if job.Priority != 0 {
		s.fact(s.t("priority"), number(job.Priority))
	}
	s.printTimes(job, now)
	s.printRules(job)
	if len(parents) > 0 {
		s.heading(s.t("Depends on"))
		for _, p := range parents {
			s.out.printf("  %s  %s\n", cleanLine(p.id), cleanLine(p.state))
		}
		if more := len(job.DependsOn) - len(parents); more > 0 {
			s.out.printf("  %s\n", s.t("and %d more", more))
		}
	}
	s.printValue(s.t("Payload"), job.Payload)
	if job.State == errand.StateFinished && len(job.Result) > 0 {
		s.printValue(s.t("Result"), job.Result)
	}
	if p := job.Progress; p != nil && job.State == errand.StateStarted {
		s.heading(s.t("Progress"))
		if p.Done != 0 || p.Total != 0 {
			s.out.printf("  %s\n", s.progressText(p))
		}
		s.printLog(p.Log, "  ")
	}
	s.printAttempts(job)
}

func (s *session) printTimes(job *errand.Job, now time.Time) {
	at := func(t time.Time) string { return moment(t) + "  " + faint.Render(s.ago(now, t)) }
	s.fact(s.t("enqueued"), at(job.CreatedAt))
	if job.State == errand.StateScheduled {
		s.fact(s.t("runs"), moment(job.ReadyAt)+"  "+faint.Render(s.ahead(now, job.ReadyAt)))
	}
	if job.State == errand.StateQueued {
		s.fact(s.t("ready"), at(job.ReadyAt))
	}
	if !job.StartedAt.IsZero() {
		s.fact(s.t("started"), at(job.StartedAt))
	}
	if !job.EndedAt.IsZero() {
		took := ""
		if !job.StartedAt.IsZero() && job.EndedAt.After(job.StartedAt) {
			took = s.t(", ran %s", s.span(job.EndedAt.Sub(job.StartedAt)))
		}
		s.fact(s.t("ended"), moment(job.EndedAt)+"  "+faint.Render(s.ago(now, job.EndedAt)+took))
	}
	if job.State == errand.StateStarted {
		s.fact(s.t("lease"), moment(job.LeaseUntil))
	}
	s.fact(s.t("worker"), cleanLine(job.Worker))
}

// printRules prints what the enqueuer asked for.
func (s *session) printRules(job *errand.Job) {
	attempts := number(job.Attempt)
	if r := job.Retry; r.Max > 0 {
		attempts += " " + s.t("of at most %d, %s", r.Max+1, s.backoffText(r.Backoff))
	}
	s.fact(s.t("attempts"), attempts)
	if job.Recoveries > 0 {
		s.fact(s.t("recoveries"), s.n(int64(job.Recoveries), "lost its worker once", "lost its worker %s times"))
	}
	switch {
	case job.Timeout > 0:
		s.fact(s.t("timeout"), s.span(job.Timeout))
	case job.Timeout < 0:
		s.fact(s.t("timeout"), s.t("none"))
	}
	if job.KeepResult > 0 {
		s.fact(s.t("result"), s.t("kept for %s", s.span(job.KeepResult)))
	}
	if job.UniqueKey != "" {
		unique := s.t("until it is final")
		if job.UniqueFor > 0 {
			unique = s.t("for %s at most", s.span(job.UniqueFor))
		}
		s.fact(s.t("unique"), unique)
	}
}

func (s *session) backoffText(b errand.Backoff) string {
	switch b.Kind {
	case errand.BackoffExponential:
		return s.t("after %s, doubling up to %s", s.span(b.Base), s.span(b.Max))
	case errand.BackoffDelays:
		var delays []string
		for _, d := range b.Delays {
			delays = append(delays, s.span(d))
		}
		return s.t("after %s", strings.Join(delays, ", "))
	default:
		return s.t("after %s each", s.span(b.Base))
	}
}

// maxValue bounds how much of a payload or result is printed; --json prints all.
const maxValue = 16 << 10

func (s *session) printValue(title string, value []byte) {
	s.heading(title + "  (" + byteCount(int64(len(value))) + ")")
	s.out.printf("%s\n", indent(cleanBlock(s.valueText(value)), "  "))
}

// valueText writes encoded bytes for people: JSON with line breaks, text as it is, anything else in hexadecimal.
func (s *session) valueText(value []byte) string {
	if len(value) == 0 {
		return s.t("(empty)")
	}
	cut := ""
	var pretty bytes.Buffer
	switch {
	case !utf8.Valid(value):
		if len(value) > 1<<10 {
			value, cut = value[:1<<10], "\n"+s.t("... --json shows all of it")
		}
		return strings.TrimRight(hex.Dump(value), "\n") + cut
	case json.Indent(&pretty, value, "", "  ") == nil:
		value = pretty.Bytes()
	}
	text := string(value)
	if len(text) > maxValue {
		text = clip(text, maxValue) + "\n" + s.t("... --json shows all of it")
	}
	return text
}

func indent(block, by string) string {
	block = strings.TrimRight(block, "\n")
	return by + strings.ReplaceAll(block, "\n", "\n"+by)
}

func (s *session) printLog(lines []string, by string) {
	for _, line := range lines {
		s.out.printf("%s%s\n", by, cleanLine(line))
	}
}

func (s *session) printAttempts(job *errand.Job) {
	if len(job.Attempts) == 0 {
		return
	}
	s.heading(s.t("Attempts"))
	for i := range job.Attempts {
		if i > 0 && job.Attempts[i].Attempt <= job.Attempts[i-1].Attempt && job.Attempts[i-1].Outcome != errand.EventReleased {
			s.out.printf("     %s\n", faint.Render(s.t("requeued: attempts are counted anew")))
		}
		s.printAttempt(&job.Attempts[i])
	}
}

func (s *session) printAttempt(a *errand.AttemptRecord) {
	style := plain
	switch a.Outcome {
	case errand.EventFailed, errand.EventPoisoned:
		style = bad
	case errand.EventRetried, errand.EventLost:
		style = warn
	case errand.EventSucceeded:
		style = good
	default:
	}
	line := moment(a.StartedAt) + "  " + s.t("ran %s", s.span(max(a.EndedAt.Sub(a.StartedAt), 0)))
	if a.StartedAt.IsZero() {
		line = moment(a.EndedAt)
	}
	if a.Worker != "" {
		line += " " + s.t("on %s", cleanLine(a.Worker))
	}
	if !a.RetryAt.IsZero() {
		line += ", " + s.t("retried at %s", moment(a.RetryAt))
	}
	s.out.printf("  %d  %s  %s\n", a.Attempt, style.Render(s.t(a.Outcome.String())), faint.Render(line))
	s.printFailure(a)
	if len(a.Log) > 0 {
		s.out.printf("     %s\n", faint.Render(s.t("log")))
		s.printLog(a.Log, "       ")
	}
}

// printFailure prints an attempt's error, the errors behind it and its stack trace.
func (s *session) printFailure(a *errand.AttemptRecord) {
	if a.Error != "" {
		for line := range strings.Lines(indent(cleanBlock(a.Error), "")) {
			s.out.printf("     %s\n", bad.Render(strings.TrimRight(line, "\n")))
		}
	}
	if len(a.Chain) > 1 || a.Stack == "" && len(a.Chain) > 0 {
		s.out.printf("     %s\n", faint.Render(s.t("errors, outermost first")))
		for _, link := range a.Chain {
			s.out.printf("%s\n", indent(cleanBlock(link), "       "))
		}
	}
	if a.Stack != "" {
		s.out.printf("     %s\n", faint.Render(s.t("stack trace")))
		s.out.printf("%s\n", indent(cleanBlock(a.Stack), "       "))
	}
}
