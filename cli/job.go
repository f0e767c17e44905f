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
		Short: "Show everything about one job",
		Long: "Show everything about one job: payload, result, times, what it waits for, and every attempt with its error, " +
			"the errors behind it, its stack trace and its log.",
		Example: s.example("job 01a2b3c4-d5e6-7f00-8000-112233445566"),
		Args:    argsNamed(1, 1, "the id of a job"),
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
				parents, err := parentsOf(ctx, st, job)
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

func parentsOf(ctx context.Context, st errand.Store, job *errand.Job) ([]parent, error) {
	var parents []parent
	for _, id := range job.DependsOn[:min(len(job.DependsOn), maxParents)] {
		found, err := st.Job(ctx, "", id)
		switch {
		case errors.Is(err, errand.ErrJobNotFound):
			parents = append(parents, parent{id, textf("no longer in the store: counts as finished")})
		case err != nil:
			return nil, err
		default:
			parents = append(parents, parent{id, textf("%s (%s in %s)", found.State, found.Task, found.Queue)})
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
	s.out.printf("%s\n", bold.Render(textf("Job %s", cleanLine(job.ID))))
	s.fact(textf("task"), cleanLine(job.Task))
	s.fact(textf("queue"), cleanLine(job.Queue))
	s.fact(textf("state"), stateStyles[job.State].Render(job.State.String()))
	if !job.UnknownSince.IsZero() {
		s.fact("", warn.Render(textf("no worker has known its task since %s", moment(job.UnknownSince))))
	}
	if job.Priority != 0 {
		s.fact(textf("priority"), textf("%d", job.Priority))
	}
	s.printTimes(job, now)
	s.printRules(job)
	if len(parents) > 0 {
		s.out.heading("Depends on")
		for _, p := range parents {
			s.out.printf("  %s  %s\n", cleanLine(p.id), cleanLine(p.state))
		}
		if more := len(job.DependsOn) - len(parents); more > 0 {
			s.out.printf("  %s\n", textf("and %d more", more))
		}
	}
	s.printValue(textf("Payload"), job.Payload)
	if job.State == errand.StateFinished && len(job.Result) > 0 {
		s.printValue(textf("Result"), job.Result)
	}
	if p := job.Progress; p != nil && job.State == errand.StateStarted {
		s.out.heading("Progress")
		if p.Done != 0 || p.Total != 0 {
			s.out.printf("  %s\n", progressText(p))
		}
		s.printLog(p.Log, "  ")
	}
	s.printAttempts(job)
}

func (s *session) printTimes(job *errand.Job, now time.Time) {
	at := func(t time.Time) string { return moment(t) + "  " + faint.Render(ago(now, t)) }
	s.fact(textf("enqueued"), at(job.CreatedAt))
	if job.State == errand.StateScheduled {
		s.fact(textf("runs"), moment(job.ReadyAt)+"  "+faint.Render(ahead(now, job.ReadyAt)))
	}
	if job.State == errand.StateQueued {
		s.fact(textf("ready"), at(job.ReadyAt))
	}
	if !job.StartedAt.IsZero() {
		s.fact(textf("started"), at(job.StartedAt))
	}
	if !job.EndedAt.IsZero() {
		took := ""
		if !job.StartedAt.IsZero() && job.EndedAt.After(job.StartedAt) {
			took = textf(", ran %s", span(job.EndedAt.Sub(job.StartedAt)))
		}
		s.fact(textf("ended"), moment(job.EndedAt)+"  "+faint.Render(ago(now, job.EndedAt)+took))
	}
	if job.State == errand.StateStarted {
		s.fact(textf("lease"), moment(job.LeaseUntil))
	}
	s.fact(textf("worker"), cleanLine(job.Worker))
}

// printRules prints what the enqueuer asked for.
func (s *session) printRules(job *errand.Job) {
	attempts := textf("%d", job.Attempt)
	if r := job.Retry; r.Max > 0 {
		attempts += " " + textf("of at most %d, %s", r.Max+1, backoffText(r.Backoff))
	}
	s.fact(textf("attempts"), attempts)
	if job.Recoveries > 0 {
		s.fact(textf("recoveries"), textf("lost its worker %d times", job.Recoveries))
	}
	switch {
	case job.Timeout > 0:
		s.fact(textf("timeout"), span(job.Timeout))
	case job.Timeout < 0:
		s.fact(textf("timeout"), textf("none"))
	}
	if job.KeepResult > 0 {
		s.fact(textf("result"), textf("kept for %s", span(job.KeepResult)))
	}
	if job.UniqueKey != "" {
		unique := textf("until it is final")
		if job.UniqueFor > 0 {
			unique = textf("for %s at most", span(job.UniqueFor))
		}
		s.fact(textf("unique"), unique)
	}
}

func backoffText(b errand.Backoff) string {
	switch b.Kind {
	case errand.BackoffExponential:
		return textf("after %s, doubling up to %s", span(b.Base), span(b.Max))
	case errand.BackoffDelays:
		var delays []string
		for _, d := range b.Delays {
			delays = append(delays, span(d))
		}
		return textf("after %s", strings.Join(delays, ", "))
	default:
		return textf("after %s each", span(b.Base))
	}
}

// maxValue bounds how much of a payload or result is printed; --json prints all.
const maxValue = 16 << 10

func (s *session) printValue(title string, value []byte) {
	s.out.heading("%s  (%s)", title, byteCount(int64(len(value))))
	s.out.printf("%s\n", indent(cleanBlock(valueText(value)), "  "))
}

// valueText writes encoded bytes for people: JSON with line breaks, text as it is, anything else in hexadecimal.
func valueText(value []byte) string {
	if len(value) == 0 {
		return textf("(empty)")
	}
	cut := ""
	var pretty bytes.Buffer
	switch {
	case !utf8.Valid(value):
		if len(value) > 1<<10 {
			value, cut = value[:1<<10], "\n"+textf("... --json shows all of it")
		}
		return strings.TrimRight(hex.Dump(value), "\n") + cut
	case json.Indent(&pretty, value, "", "  ") == nil:
		value = pretty.Bytes()
	}
	text := string(value)
	if len(text) > maxValue {
		text = clip(text, maxValue) + "\n" + textf("... --json shows all of it")
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
	s.out.heading("Attempts")
	for i := range job.Attempts {
		if i > 0 && job.Attempts[i].Attempt <= job.Attempts[i-1].Attempt && job.Attempts[i-1].Outcome != errand.EventReleased {
			s.out.printf("     %s\n", faint.Render(textf("requeued: attempts are counted anew")))
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
	line := textf("%s  ran %s", moment(a.StartedAt), span(max(a.EndedAt.Sub(a.StartedAt), 0)))
	if a.StartedAt.IsZero() {
		line = moment(a.EndedAt)
	}
	if a.Worker != "" {
		line += " " + textf("on %s", cleanLine(a.Worker))
	}
	if !a.RetryAt.IsZero() {
		line += ", " + textf("retried at %s", moment(a.RetryAt))
	}
	s.out.printf("  %d  %s  %s\n", a.Attempt, style.Render(a.Outcome.String()), faint.Render(line))
	s.printFailure(a)
	if len(a.Log) > 0 {
		s.out.printf("     %s\n", faint.Render(textf("log")))
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
		s.out.printf("     %s\n", faint.Render(textf("errors, outermost first")))
		for _, link := range a.Chain {
			s.out.printf("%s\n", indent(cleanBlock(link), "       "))
		}
	}
	if a.Stack != "" {
		s.out.printf("     %s\n", faint.Render(textf("stack trace")))
		s.out.printf("%s\n", indent(cleanBlock(a.Stack), "       "))
	}
}
