package sqlite_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// TestPlans proves that no statement reads a table of jobs or messages whole, or sorts it, so that a million jobs cost no
// more than ten.
func TestPlans(t *testing.T) {
	st := openAt(t, filepath.Join(t.TempDir(), "jobs.db"))
	exercise(t, st)
	plans, err := st.Plans()
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) < 30 {
		t.Errorf("only %d statements were run", len(plans))
	}
	for query, plan := range plans {
		for line := range strings.Lines(plan) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "SCAN errand_workers"), strings.HasPrefix(line, "SCAN errand_claims"),
				strings.HasPrefix(line, "SCAN errand_producers"): // one row each; looked through by Maintain
			case strings.HasPrefix(line, "SCAN errand_schemas"), strings.HasPrefix(line, "SCAN w"),
				strings.HasPrefix(line, "SCAN errand_orders"): // few rows a worker; looked through when one is forgotten
			case strings.HasPrefix(line, "SCAN errand_queues"), strings.HasPrefix(line, "SCAN errand_message_queues"):
			case strings.HasPrefix(line, "SCAN errand_migrations"), strings.HasPrefix(line, "SCAN sqlite_schema"):
			case line == "SCAN CONSTANT ROW":
			case strings.HasPrefix(line, "SCAN json_each"), strings.HasPrefix(line, "SCAN pragma"):
			case strings.Contains(line, "USE TEMP B-TREE") &&
				(strings.Contains(query, "errand_deps") || strings.Contains(query, "errand_schemas") || strings.Contains(query, "DISTINCT worker") || strings.Contains(query, "claim = ?")):
				// the children of one job, the workers, or the jobs that they hold
			case strings.HasPrefix(line, "SCAN"), strings.Contains(line, "USE TEMP B-TREE"):
				t.Errorf("%s\nis planned as\n%s", query, plan)
			}
		}
	}
}

// exercise does a bit of everything.
func exercise(t *testing.T, st errand.Store) {
	t.Helper()
	ctx, now := t.Context(), now
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do := func(command func(context.Context, errand.Command) (errand.CommandReply, error), ids ...string) {
		t.Helper()
		_, err := command(ctx, errand.Command{Now: now, IDs: ids})
		ok(err)
	}
	parent, child, single, later := newSpec(nil), newSpec(nil), newSpec(nil), newSpec(nil)
	child.DependsOn, single.UniqueKey, later.RunAt = []string{parent.ID}, "key", now.Add(time.Minute)
	ok(enqueue(st, parent, child, single, later))
	for n, event := range []errand.Event{errand.EventFailed, errand.EventRetried, errand.EventSucceeded} {
		for i, job := range claim(t, st, int64(n+1), 10) {
			do(st.Cancel, job.ID)
			lease := errand.Lease{ID: job.ID, Queue: job.Queue, Token: job.Token}
			_, err := st.Renew(ctx, errand.RenewRequest{Now: now, Lease: time.Minute, Leases: []errand.Lease{lease}})
			ok(err)
			_, err = st.Report(ctx, []errand.ProgressReport{{Lease: lease}})
			ok(err)
			_, err = st.Orders(ctx, "w")
			ok(err)
			claim(t, st, int64(n+1), 10) // again
			_, err = st.Settle(ctx, errand.SettleRequest{Now: now, Outcomes: []errand.Outcome{{
				ID: job.ID, Queue: job.Queue, Token: job.Token, Event: event, Keep: time.Duration(i) * time.Second,
			}}})
			ok(err)
		}
		do(st.Requeue, parent.ID)
	}
	do(st.Delete, single.ID)
	exerciseTelemetry(t, st)
	ok(st.Put(ctx, errand.PutRequest{Now: now, Queue: "m", Producer: "p", Number: 1, Messages: [][]byte{{1}, {2}}}))
	_, err := st.Pop(ctx, now, "m", 1)
	ok(err)
	_, err = st.Clear(ctx, now, "m")
	ok(err)
	for _, newest := range []bool{false, true} {
		_, err = st.Jobs(ctx, errand.JobFilter{Newest: newest, Task: "task"})
		ok(err)
	}
	claim(t, st, 10, 1) // to be lost
	for range 3 {
		now = now.Add(25 * time.Hour)
		_, err = st.Maintain(ctx, errand.MaintainRequest{Now: now, MaxRecoveries: 1, KeepFailed: time.Hour, MaxFailed: 1})
		ok(err)
	}
	_, err = st.Queues(ctx, now)
	ok(err)
	_, err = st.MessageQueues(ctx, now)
	ok(err)
	_, err = st.Workers(ctx)
	ok(err)
}

func exerciseTelemetry(t *testing.T, st errand.Store) {
	t.Helper()
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	worker := errand.WorkerRecord{ID: "w", SeenAt: now, Schemas: map[string]json.RawMessage{"task": json.RawMessage("{}")}}
	gone := errand.WorkerRecord{ID: "gone", Gone: true}
	ok(st.Heartbeat(ctx, worker))
	ok(st.Heartbeat(ctx, gone))
	for _, order := range []errand.Order{errand.OrderQuiet, errand.OrderResume, errand.OrderStop} {
		ok(st.Order(ctx, now, "w", order))
	}
	_, err := st.Schemas(ctx)
	ok(err)
	report := errand.SeriesReport{Now: now, Writer: "w"}
	for _, step := range errand.SeriesSteps() {
		report.Samples = append(report.Samples, errand.Sample{Step: step.Step, At: step.Slot(now), Queue: "q", Task: "task", Finished: 1})
		report.Depths = append(report.Depths, errand.Depth{Step: step.Step, At: step.Slot(now), Queue: "q"})
	}
	for range 2 {
		report.Number++
		ok(st.RecordSeries(ctx, report))
	}
	for _, queue := range []string{"", "q"} {
		_, err = st.Series(ctx, errand.SeriesQuery{Step: errand.FineStep, Queue: queue})
		ok(err)
	}
	for range 3 {
		ok(st.RecordAudit(ctx, errand.AuditEntry{ID: errand.NewID(), At: now, Who: "ada", Action: "pause"}))
	}
	_, err = st.Audit(ctx, errand.AuditFilter{Who: "ada", Action: "pause"})
	ok(err)
}
