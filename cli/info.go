package cli

import (
	"context"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

// stateStyles are the colours of the states, in bars and words alike.
var stateStyles = map[errand.State]lipgloss.Style{
	errand.StateQueued:    lipgloss.NewStyle().Foreground(lipgloss.Blue),
	errand.StateStarted:   lipgloss.NewStyle().Foreground(lipgloss.Cyan),
	errand.StateScheduled: lipgloss.NewStyle().Foreground(lipgloss.Magenta),
	errand.StateDeferred:  lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	errand.StateFailed:    lipgloss.NewStyle().Foreground(lipgloss.Red),
	errand.StateFinished:  lipgloss.NewStyle().Foreground(lipgloss.Green),
	errand.StateCanceled:  lipgloss.NewStyle().Foreground(lipgloss.BrightBlack),
}

func (s *session) infoCommand() *cobra.Command {
	var watch bool
	var interval time.Duration
	cmd := &cobra.Command{
		Use:   "info",
		Short: s.t("Show queues as bars, and the workers"),
		Long: s.t("Show every queue as a bar of its jobs by state, with its rates per minute, every hotqueue, and the workers with what they run.\n\n" +
			"--watch shows it again and again, in place on a terminal, as one block after another elsewhere, until interrupted."),
		Example: s.example("info", "info --watch", "info --json", "--store sqlite:jobs.db info"),
		Args:    noArgs,
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, s.t("show it again and again"))
	cmd.Flags().DurationVarP(&interval, "interval", "i", time.Second, s.t("look every `D`, with --watch"))
	cmd.RunE = s.does(func(ctx context.Context, _ []string) error {
		switch {
		case cmd.Flags().Changed("interval") && !watch:
			return misuse("--interval needs --watch")
		case watch && interval < minInterval:
			return misuse("--interval %s: use %s or more", interval, minInterval)
		case watch:
			return s.watchInfo(ctx, interval)
		}
		r, err := s.report(ctx, infoParts)
		if err != nil {
			return err
		}
		if s.json {
			return s.out.printJSON(r.asJSON(infoParts))
		}
		s.printInfo(r)
		return nil
	})
	return cmd
}

// infoParts are what the info command shows.
const infoParts = partQueues | partWorkers

func (s *session) printInfo(r *report) {
	s.out.printf("%s  %s\n", bold.Render(r.url), faint.Render(moment(r.now)))
	s.infoQueues(r)
	s.infoMessages(r)
	s.infoWorkers(r)
}

// barOrder is the order of the states within a bar: what is done, what failed, what is to come.
var barOrder = []errand.State{
	errand.StateFinished, errand.StateFailed, errand.StateCanceled, errand.StateStarted,
	errand.StateQueued, errand.StateScheduled, errand.StateDeferred,
}

func (s *session) infoQueues(r *report) {
	if len(r.queues) == 0 {
		s.heading(s.t("No queues yet"))
		return
	}
	s.heading(s.t("Queues"))
	names, most, jobs := 0, int64(0), int64(0)
	for _, q := range r.queues {
		names = max(names, lipgloss.Width(q.Name))
		most = max(most, total(q))
		jobs += total(q)
	}
	names = min(names, 40)
	room := min(60, max(10, s.out.width()-names-16))
	for _, q := range r.queues {
		bar := ""
		if s.out.terminal {
			bar = queueBar(q, most, room) + " "
		}
		s.out.printf("  %s %s%s%s\n", pad(q.Name, names, bold), bar, number(total(q)), s.pausedMark(q))
		s.out.printf("  %s %s\n", strings.Repeat(" ", names), s.countsLine(q))
		s.out.printf("  %s %s\n", strings.Repeat(" ", names), faint.Render(s.ratesLine(r, q)))
	}
	s.out.printf("  %s\n", faint.Render(s.n(int64(len(r.queues)), "1 queue", "%s queues")+s.t(", ")+s.n(jobs, "1 job", "%s jobs")))
}

func pad(name string, width int, style lipgloss.Style) string {
	name = cleanLine(name)
	return style.Render(name) + strings.Repeat(" ", max(0, width-lipgloss.Width(name)))
}

func (s *session) pausedMark(q errand.QueueInfo) string {
	if !q.Paused {
		return ""
	}
	return "  " + warn.Render(s.t("paused"))
}

// queueBar draws a queue's jobs, each state in its colour, in proportion to the largest queue. A state that has a job is
// seen.
func queueBar(q errand.QueueInfo, most int64, room int) string {
	if most == 0 {
		return ""
	}
	var b strings.Builder
	for _, state := range barOrder {
		n := q.Counts[state]
		if n == 0 {
			continue
		}
		length := max(1, int(float64(n)/float64(most)*float64(room)+0.5))
		b.WriteString(stateStyles[state].Render(strings.Repeat("█", length)))
	}
	return b.String()
}

func (s *session) countsLine(q errand.QueueInfo) string {
	var parts []string
	for _, state := range errand.States() {
		n := q.Counts[state]
		if n == 0 {
			if state == errand.StateQueued {
				parts = append(parts, faint.Render(s.state(state)+" 0"))
			}
			continue
		}
		parts = append(parts, stateStyles[state].Render(s.state(state)+" "+number(n)))
	}
	return strings.Join(parts, " · ")
}

func (s *session) ratesLine(r *report, q errand.QueueInfo) string {
	line := s.t("per minute: %s in, %s finished, %s failed",
		rate(q.Enqueued.PerMinute), rate(q.Finished.PerMinute), rate(q.Failed.PerMinute))
	if !q.Oldest.IsZero() {
		line += " · " + s.t("oldest waits %s", s.age(r.now, q.Oldest))
	}
	return line
}

func (s *session) infoMessages(r *report) {
	if len(r.messages) == 0 {
		return
	}
	s.heading(s.t("Hotqueues"))
	names, most := 0, int64(1)
	for _, q := range r.messages {
		names = max(names, lipgloss.Width(q.Name))
		most = max(most, q.Len)
	}
	names = min(names, 40)
	room := min(60, max(10, s.out.width()-names-16))
	for _, q := range r.messages {
		bar := ""
		if s.out.terminal && q.Len > 0 {
			length := max(1, int(float64(q.Len)/float64(most)*float64(room)+0.5))
			bar = stateStyles[errand.StateQueued].Render(strings.Repeat("█", length)) + " "
		}
		s.out.printf("  %s %s%s\n", pad(q.Name, names, bold), bar, s.n(q.Len, "1 message", "%s messages"))
		s.out.printf("  %s %s\n", strings.Repeat(" ", names), faint.Render(
			s.t("per minute: %s put, %s got", rate(q.Put.PerMinute), rate(q.Got.PerMinute))))
	}
}

func (s *session) infoWorkers(r *report) {
	if len(r.workers) == 0 {
		s.heading(s.t("No workers"))
		return
	}
	s.heading(s.t("Workers"))
	alive := 0
	for i := range r.workers {
		w := &r.workers[i]
		if !w.Lost(r.now) {
			alive++
		}
		s.out.printf("  %s %s%s\n", workerMark(w, r), bold.Render(cleanLine(w.ID)), s.workerWords(w, r))
		for _, run := range w.Running {
			s.out.printf("      %s\n", s.runningLine(run, r.now))
		}
	}
	s.out.printf("  %s\n", faint.Render(s.n(int64(len(r.workers)), "1 worker", "%s workers")+s.t(", %d alive", alive)))
}

func workerMark(w *errand.WorkerRecord, r *report) string {
	switch wire.WorkerStatus(w, r.now) {
	case "lost":
		return bad.Render("x")
	case "stopping", "quiet":
		return warn.Render("-")
	default:
		return good.Render("+")
	}
}

func (s *session) workerWords(w *errand.WorkerRecord, r *report) string {
	words := " " + cleanLine(strings.Join(w.Queues, ", "))
	if w.Kind == "hotqueue" {
		words += " " + s.t("(parameter worker)")
	}
	switch wire.WorkerStatus(w, r.now) {
	case "lost":
		return words + "  " + bad.Render(s.t("lost, last seen %s", s.ago(r.now, w.SeenAt)))
	case "stopping":
		words += "  " + warn.Render(s.t("stopping"))
	case "quiet":
		words += "  " + warn.Render(s.t("quiet"))
	}
	return words + "  " + faint.Render(s.t("runs %d of %d, up %s, %s finished, %s failed",
		len(w.Running), w.Concurrency, s.age(r.now, w.StartedAt), number(w.Finished), number(w.Failed)))
}
