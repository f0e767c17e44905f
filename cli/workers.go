package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

func (s *session) workersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "workers",
		Short: s.t("List the workers and what they run, or tell them to rest or stop"),
		Long: s.t("List the workers, parameter workers of hotqueues among them, and the jobs that they run. " +
			"A worker that has missed three heartbeats is lost; it is listed for a day.\n\n" +
			"quiet, resume and stop ask something of workers; they do it within a heartbeat, or at once where the store can wake them."),
		Example: s.example("workers", "workers --json", "workers quiet web1:4711:a1b2c3", "workers stop --all --yes"),
		Args:    noArgs,
		RunE:    s.does(s.showWorkers),
	}
	cmd.AddCommand(s.quietCommand(), s.resumeWorkersCommand(), s.stopCommand())
	return cmd
}

func (s *session) showWorkers(ctx context.Context, _ []string) error {
	r, err := s.report(ctx, partWorkers)
	if err != nil {
		return err
	}
	if s.json {
		return s.out.printJSON(r.asJSON(partWorkers))
	}
	if len(r.workers) == 0 {
		s.out.printf("%s\n", s.t("No workers."))
		return nil
	}
	workers := newGrid(column{title: s.t("WORKER"), flex: true}, column{title: s.t("KIND"), spare: 2}, column{title: s.t("STATUS")}, column{title: s.t("SEEN")},
		column{title: s.t("UP"), spare: 2}, column{title: s.t("RUNS"), right: true}, column{title: s.t("FINISHED"), right: true},
		column{title: s.t("FAILED"), right: true}, column{title: s.t("MEMORY"), right: true, spare: 3}, column{title: s.t("QUEUES"), flex: true})
	running := newGrid(column{title: s.t("JOB")}, column{title: s.t("TASK"), flex: true}, column{title: s.t("QUEUE"), flex: true},
		column{title: s.t("ATTEMPT"), right: true}, column{title: s.t("FOR")}, column{title: s.t("WORKER"), flex: true})
	for i := range r.workers {
		w := &r.workers[i]
		workers.add(cell{w.ID, bold}, w.Kind, s.statusCell(w, r.now), s.ago(r.now, w.SeenAt),
			s.age(w.SeenAt, w.StartedAt), fmt.Sprintf("%d/%d", len(w.Running), w.Concurrency),
			number(w.Finished), number(w.Failed), memoryOf(w), strings.Join(w.Queues, ","))
		for _, run := range w.Running {
			running.add(run.ID, run.Task, run.Queue, number(run.Attempt), s.runningFor(run, r.now), w.ID)
		}
	}
	s.out.print(workers)
	if len(running.rows) > 0 {
		s.out.printf("\n")
		s.out.print(running)
	}
	return nil
}

// memoryOf is how much memory a worker's process has; empty where it has not said so.
func memoryOf(w *errand.WorkerRecord) string {
	if w.Memory <= 0 {
		return ""
	}
	return byteCount(w.Memory)
}

func (s *session) statusCell(w *errand.WorkerRecord, now time.Time) cell {
	status := wire.WorkerStatus(w, now)
	switch status {
	case "lost":
		return cell{s.t(status), bad}
	case "stopping", "quiet":
		return cell{s.t(status), warn}
	default:
		return cell{s.t(status), good}
	}
}

func (s *session) runningFor(run errand.RunningJob, now time.Time) string {
	text := s.age(now, run.StartedAt)
	if run.Stuck {
		text += " " + s.t("stuck: its context has ended")
	}
	return text
}

func (s *session) runningLine(run errand.RunningJob, now time.Time) string {
	return cleanLine(s.t("%s (%s), attempt %d, for %s", run.Task, run.Queue, run.Attempt, s.runningFor(run, now))) + "  " + faint.Render(cleanLine(run.ID))
}
