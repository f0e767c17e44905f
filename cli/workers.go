package cli

import (
	"context"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

func (s *session) workersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "workers",
		Short: "List the workers and what they run",
		Long: "List the workers, parameter workers of hotqueues among them, and the jobs that they run. " +
			"A worker that has missed three heartbeats is lost; it is listed for a day.",
		Example: s.example("workers", "workers --json"),
		Args:    noArgs,
		RunE:    s.does(s.showWorkers),
	}
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
		s.out.printf("%s\n", textf("No workers."))
		return nil
	}
	workers := newGrid(column{title: "WORKER", flex: true}, column{title: "KIND", spare: 2}, column{title: "STATUS"}, column{title: "SEEN"},
		column{title: "UP", spare: 2}, column{title: "RUNS", right: true}, column{title: "FINISHED", right: true},
		column{title: "FAILED", right: true}, column{title: "QUEUES", flex: true})
	running := newGrid(column{title: "JOB"}, column{title: "TASK", flex: true}, column{title: "QUEUE", flex: true},
		column{title: "ATTEMPT", right: true}, column{title: "FOR"}, column{title: "WORKER", flex: true})
	for i := range r.workers {
		w := &r.workers[i]
		workers.add(cell{w.ID, bold}, w.Kind, statusCell(w, r.now), ago(r.now, w.SeenAt),
			age(w.SeenAt, w.StartedAt), textf("%d/%d", len(w.Running), w.Concurrency),
			number(w.Finished), number(w.Failed), strings.Join(w.Queues, ","))
		for _, run := range w.Running {
			running.add(run.ID, run.Task, run.Queue, number(run.Attempt), runningFor(run, r.now), w.ID)
		}
	}
	s.out.print(workers)
	if len(running.rows) > 0 {
		s.out.printf("\n")
		s.out.print(running)
	}
	return nil
}

func statusCell(w *errand.WorkerRecord, now time.Time) cell {
	status := wire.WorkerStatus(w, now)
	switch status {
	case "lost":
		return cell{status, bad}
	case "stopping":
		return cell{status, warn}
	default:
		return cell{status, good}
	}
}

func runningFor(run errand.RunningJob, now time.Time) string {
	text := age(now, run.StartedAt)
	if run.Stuck {
		text += " " + textf("stuck: its context has ended")
	}
	return text
}

func runningLine(run errand.RunningJob, now time.Time) string {
	return cleanLine(textf("%s %s (%s), attempt %d, for %s", run.ID, run.Task, run.Queue, run.Attempt, runningFor(run, now)))
}
