package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

const (
	queues = 40 // the first has half of the jobs, the second a quarter, and so on down to a share for each
	tasks  = 60
	causes = 500 // of failures
)

// filler fills a store as an office has it that has neglected it for long: a million jobs wait and many have failed.
type filler struct {
	ctx    context.Context
	st     errand.Store
	now    time.Time
	random *rand.Rand
	claims int64
	big    string // the id of the job that the page of a job shows
}

func (f *filler) queue() string {
	i := 0
	for i < 6 && f.random.IntN(2) == 0 {
		i++
	}
	if i == 6 {
		i += f.random.IntN(queues - 6)
	}
	return fmt.Sprintf("queue-%02d", i)
}

// task is common, but for one job in a hundred thousand, which is of the task "rare".
func (f *filler) task() string {
	if f.random.IntN(100_000) == 0 {
		return "rare"
	}
	return fmt.Sprintf("task.%02d", f.random.IntN(tasks))
}

func (f *filler) spec(queue string) errand.JobSpec {
	size := 60 + f.random.IntN(120)
	if f.random.IntN(200) == 0 {
		size = 8 << 10
	}
	spec := errand.JobSpec{
		ID: errand.NewID(), Queue: queue, Task: f.task(), Priority: f.random.IntN(3),
		Payload: fmt.Appendf(nil, `{"customer":%d,"note":%q}`, f.random.IntN(1e6), strings.Repeat("x", size)),
	}
	if f.random.IntN(20) == 0 {
		spec.RunAt = f.now.Add(time.Duration(f.random.IntN(86_400)) * time.Second)
	}
	return spec
}

// enqueue adds jobs in groups of 500, four groups a request.
func (f *filler) enqueue(n int, at func(*errand.JobSpec)) error {
	for made := 0; made < n; {
		var groups [][]errand.JobSpec
		for len(groups) < 4 && made < n {
			queue := f.queue()
			group := make([]errand.JobSpec, min(500, n-made))
			for i := range group {
				group[i] = f.spec(queue)
				at(&group[i])
			}
			groups = append(groups, group)
			made += len(group)
		}
		refused, err := f.st.Enqueue(f.ctx, errand.EnqueueRequest{Now: f.now, Groups: groups})
		if err := errors.Join(append(refused, err)...); err != nil {
			return err
		}
	}
	return nil
}

// fail enqueues jobs and lets each fail, with errors, stacks and histories of many kinds.
func (f *filler) fail(n int) error {
	if err := f.enqueue(n, func(s *errand.JobSpec) { s.RunAt = time.Time{} }); err != nil {
		return err
	}
	var names []string
	for i := range queues {
		names = append(names, fmt.Sprintf("queue-%02d", i))
	}
	for left := n; left > 0; {
		f.claims++
		reply, err := f.st.Claim(f.ctx, errand.ClaimRequest{Now: f.now, Worker: "filler", Number: f.claims, Queues: names, Limit: 500, Lease: time.Hour, MaxRecoveries: 3})
		if err != nil {
			return err
		}
		if len(reply.Jobs) == 0 {
			return fmt.Errorf("%d jobs cannot be claimed", left)
		}
		left -= len(reply.Jobs)
		outcomes := make([]errand.Outcome, len(reply.Jobs))
		for i, job := range reply.Jobs {
			outcomes[i] = errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventFailed, Record: f.record(job)}
			f.big = job.ID
		}
		refused, err := f.st.Settle(f.ctx, errand.SettleRequest{Now: f.now.Add(-time.Duration(left) * time.Second), Worker: "filler", Outcomes: outcomes})
		if err := errors.Join(append(refused, err)...); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) record(job *errand.Job) *errand.AttemptRecord {
	kind := f.random.IntN(causes)
	rec := &errand.AttemptRecord{
		Attempt: job.Attempt, Token: job.Token, Outcome: errand.EventFailed, Worker: "filler", StartedAt: f.now, EndedAt: f.now,
		Error: fmt.Sprintf("step %c%c: customer %d: connection to 10.0.0.%d refused", 'a'+kind%26, 'a'+kind/26, f.random.IntN(1e6), f.random.IntN(250)),
	}
	if f.random.IntN(2) == 0 {
		rec.Panic = true
		rec.Stack = strings.Repeat("example.com/shop.(*Order).Settle(0xc000123456, {0x1234, 0x5678})\n\t/src/shop/order.go:123 +0x1d4\n", 20)
	}
	return rec
}

// surroundings adds workers, a hotqueue and a day of time series.
func (f *filler) surroundings() error {
	for i := range 20 {
		rec := errand.WorkerRecord{
			ID: fmt.Sprintf("host-%02d-worker", i), Kind: "worker", Host: fmt.Sprintf("host-%02d", i), PID: i, Version: "1", Concurrency: 50,
			StartedAt: f.now, SeenAt: f.now, Every: time.Hour,
		}
		for q := range queues {
			rec.Queues = append(rec.Queues, fmt.Sprintf("queue-%02d", q))
		}
		for t := range tasks {
			rec.Tasks = append(rec.Tasks, fmt.Sprintf("task.%02d", t))
		}
		for r := range 50 {
			rec.Running = append(rec.Running, errand.RunningJob{ID: errand.NewID(), Queue: rec.Queues[r%queues], Task: rec.Tasks[r%tasks], Attempt: 1, StartedAt: f.now})
		}
		if err := f.st.Heartbeat(f.ctx, rec); err != nil {
			return err
		}
	}
	if err := f.st.Put(f.ctx, errand.PutRequest{Now: f.now, Queue: "clicks", Messages: make([][]byte, 1000)}); err != nil {
		return err
	}
	for i := range 2000 {
		entry := errand.AuditEntry{ID: errand.NewID(), At: f.now.Add(-time.Duration(i) * time.Minute), Who: "ada", Via: "cli", Action: "requeue", Target: "queue-00", Count: 1}
		if err := f.st.RecordAudit(f.ctx, entry); err != nil {
			return err
		}
	}
	return f.series()
}

func (f *filler) series() error {
	report := errand.SeriesReport{Now: f.now, Writer: "filler"}
	send := func() error {
		report.Number++
		err := f.st.RecordSeries(f.ctx, report)
		report.Samples, report.Depths = nil, nil
		return err
	}
	for _, span := range []struct{ step, back time.Duration }{{errand.FineStep, time.Hour}, {errand.MiddleStep, 24 * time.Hour}, {errand.CoarseStep, 14 * 24 * time.Hour}} {
		for at := f.now.Add(-span.back).Truncate(span.step); at.Before(f.now); at = at.Add(span.step) {
			for q := range queues {
				sample := errand.Sample{Step: span.step, At: at, Queue: fmt.Sprintf("queue-%02d", q), Task: fmt.Sprintf("task.%02d", q), Finished: 1}
				sample.Run.Add(time.Duration(f.random.IntN(1e9)))
				sample.Wait.Add(time.Duration(f.random.IntN(1e9)))
				report.Samples = append(report.Samples, sample)
				report.Depths = append(report.Depths, errand.Depth{Step: span.step, At: at, Queue: sample.Queue, Counts: map[errand.State]int64{errand.StateQueued: int64(q)}})
			}
			if len(report.Samples)+len(report.Depths) > errand.MaxSeriesReport-2*queues {
				if err := send(); err != nil {
					return err
				}
			}
		}
		if err := send(); err != nil {
			return err
		}
	}
	return nil
}
