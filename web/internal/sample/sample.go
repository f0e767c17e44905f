// Package sample fills stores with jobs, failures, workers and messages as a busy office has them, for tests and
// screenshots of the dashboard.
package sample

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

// filler puts jobs into a store, as of a time.
type filler struct {
	ctx    context.Context
	st     errand.Store
	now    time.Time
	claims int64
	err    error
}

const worker = "office-1:4711:a3f9"

func (f *filler) keep(errs []error, err error) {
	f.err = errors.Join(f.err, err, errors.Join(errs...))
}

// put enqueues jobs as of some time ago and returns their ids.
func (f *filler) put(ago time.Duration, specs ...errand.JobSpec) []string {
	var ids []string
	for i := range specs {
		specs[i].ID = errand.NewID()
		ids = append(ids, specs[i].ID)
	}
	f.keep(f.st.Enqueue(f.ctx, errand.EnqueueRequest{Now: f.now.Add(-ago), Groups: [][]errand.JobSpec{specs}}))
	return ids
}

// run claims up to n jobs of a queue as of some time ago and settles each as end says, if it is not nil.
func (f *filler) run(ago time.Duration, queue string, n int, end func(i int, job *errand.Job) errand.Outcome) {
	f.claims++
	reply, err := f.st.Claim(f.ctx, errand.ClaimRequest{
		Now: f.now.Add(-ago), Worker: worker, Number: f.claims, Queues: []string{queue}, Limit: n,
		Lease: ago + time.Hour, MaxRecoveries: 3,
	})
	f.keep(nil, err)
	if end == nil {
		return
	}
	for i, job := range reply.Jobs {
		out := end(i, job)
		out.ID, out.Queue, out.Token = job.ID, job.Queue, job.Token
		ended := out.Record.EndedAt
		f.keep(f.st.Settle(f.ctx, errand.SettleRequest{Now: ended, Worker: worker, Outcomes: []errand.Outcome{out}}))
	}
}

func (f *filler) record(job *errand.Job, event errand.Event, took time.Duration) *errand.AttemptRecord {
	return &errand.AttemptRecord{
		Attempt: job.Attempt, Token: job.Token, Outcome: event, Worker: worker,
		StartedAt: job.StartedAt, EndedAt: job.StartedAt.Add(took),
	}
}

const stack = `goroutine 87 [running]:
office/invoices.(*Ledger).Post(0x0, {0xc0001a2000, 0x3, 0x3})
	/home/ada/office/invoices/ledger.go:118 +0x3c
office/invoices.Issue({0x1029c68, 0xc0003b4000}, {0x7d1, {0xc00011e0f0, 0x5}})
	/home/ada/office/invoices/issue.go:54 +0x1d4
github.com/errandhq/errand.(*task[...]).call(0xc000120540, {0x1029c68, 0xc0003b4000}, {0xc0001a6000, 0x2c})
	/home/ada/go/pkg/mod/github.com/errandhq/errand@v1.0.0/task.go:141 +0x118
runtime.goexit({})
	/usr/local/go/src/runtime/asm_amd64.s:1700 +0x1
`

// Fill makes a typical day: six queues, jobs in every state, failures of four kinds, two workers, two hotqueues.
func Fill(ctx context.Context, st errand.Store) error {
	now, err := st.Now(ctx)
	if err != nil {
		return err
	}
	f := &filler{ctx: ctx, st: st, now: now}
	f.failures()
	f.finished()
	f.waiting()
	f.others()
	f.series()
	f.audit()
	return f.err
}

// failures fails jobs over the last day.
func (f *filler) failures() {
	kinds := []struct {
		queue, task, payload, text, stack string
		n                                 int
	}{
		{"mail", "mail.send", `{"to":"customer-%d@example.com","template":"invoice"}`, `send mail to "customer-%d@example.com": dial tcp 10.0.4.17:587: connect: connection refused`, "", 23},
		{"invoices", "invoice.issue", `{"invoice":20010000%d,"currency":"EUR","lines":[{"sku":"A-17","amount":12900000000000000001},{"sku":"B-2","amount":4.50}],"paid":false,"note":null}`, "panic: runtime error: invalid memory address or nil pointer dereference", stack, 9},
		{"reports", "report.monthly", `{"month":"2026-%02d"}`, "attempt timed out: after 10m0s", "", 3},
		{"webhooks", "webhook.deliver", `{"url":"https://partner.example/hook","event":%d}`, `deliver event %d: partner.example answered 503 Service Unavailable`, "", 14},
	}
	for _, k := range kinds {
		for i := range k.n {
			ago := time.Duration(1+i*i*3+i*7) * time.Minute
			f.put(ago+20*time.Second, errand.JobSpec{Queue: k.queue, Task: k.task, Payload: fmt.Appendf(nil, k.payload, i+1), Retry: errand.RetryPolicy{Max: 1}})
			f.run(ago+10*time.Second, k.queue, 1, func(_ int, job *errand.Job) errand.Outcome {
				rec := f.record(job, errand.EventRetried, 800*time.Millisecond)
				rec.Error, rec.Stack = sprintf(k.text, i+1), k.stack
				return errand.Outcome{Event: errand.EventRetried, At: rec.EndedAt, Record: rec}
			})
			f.run(ago, k.queue, 1, func(_ int, job *errand.Job) errand.Outcome {
				rec := f.record(job, errand.EventFailed, 1200*time.Millisecond)
				rec.Error, rec.Stack, rec.Panic = sprintf(k.text, i+1), k.stack, k.stack != ""
				rec.Chain = []string{"*fmt.wrapError: " + rec.Error, "*errors.errorString: " + rec.Error[strings.LastIndex(rec.Error, ":")+1:]}
				rec.Log = []string{"looking up the customer", "calling the server", "giving up"}
				return errand.Outcome{Event: errand.EventFailed, Record: rec}
			})
		}
	}
}

func sprintf(format string, i int) string {
	if !strings.Contains(format, "%") {
		return format
	}
	return fmt.Sprintf(format, i)
}

func (f *filler) finished() {
	for i := range 40 {
		f.put(time.Duration(i+2)*time.Second, errand.JobSpec{Queue: "thumbnails", Task: "thumbnail.make", KeepResult: time.Hour, Payload: fmt.Appendf(nil, `{"image":%d}`, i)})
		f.run(time.Duration(i+1)*time.Second, "thumbnails", 1, func(_ int, job *errand.Job) errand.Outcome {
			rec := f.record(job, errand.EventSucceeded, 340*time.Millisecond)
			return errand.Outcome{Event: errand.EventSucceeded, Keep: time.Hour, Record: rec, Result: []byte(`{"width":320,"height":240,"bytes":18234}`)}
		})
	}
}

func (f *filler) waiting() {
	for i := range 180 {
		f.put(time.Duration(200-i)*time.Second, errand.JobSpec{Queue: "mail", Task: "mail.send", Priority: i % 3, Payload: fmt.Appendf(nil, `{"to":"customer-%d@example.com","template":"welcome"}`, i)})
	}
	f.put(90*time.Second, errand.JobSpec{Queue: "search", Task: "search.index", Payload: []byte(`{"document":18446744073709551615}`)})
	f.run(70*time.Second, "mail", 6, nil)
	f.run(40*time.Second, "search", 1, nil)
	for i := range 25 {
		f.put(time.Minute, errand.JobSpec{Queue: "reports", Task: "report.weekly", RunAt: f.now.Add(time.Duration(i+1) * 37 * time.Minute), Payload: []byte(`{"week":47}`)})
	}
	parent := f.put(time.Minute, errand.JobSpec{Queue: "search", Task: "search.index", Payload: []byte(`{"document":7}`)})
	f.put(50*time.Second, errand.JobSpec{Queue: "search", Task: "search.publish", Payload: []byte(`{}`), DependsOn: parent})
	gone := f.put(time.Hour, errand.JobSpec{Queue: "webhooks", Task: "webhook.deliver", Payload: []byte(`{"event":99}`)})
	reply, err := f.st.Cancel(f.ctx, errand.Command{Now: f.now.Add(-30 * time.Minute), IDs: gone})
	_ = reply
	f.keep(nil, err)
}

// others makes workers, hotqueues and a paused queue.
func (f *filler) others() {
	f.keep(nil, f.st.Pause(f.ctx, f.now, "webhooks"))
	page, err := f.st.Jobs(f.ctx, errand.JobFilter{State: errand.StateStarted})
	f.keep(nil, err)
	rec := errand.WorkerRecord{
		ID: worker, Kind: "worker", Host: "office-1", PID: 4711, Version: "v1.4.2",
		Queues: []string{"mail", "invoices", "search", "thumbnails"}, Concurrency: 10,
		Tasks:     []string{"invoice.issue", "mail.send", "report.monthly", "search.index", "thumbnail.make", "webhook.deliver"},
		StartedAt: f.now.Add(-53 * time.Hour), SeenAt: f.now, Every: 10 * time.Minute, Finished: 1_284_033, Failed: 412,
		Memory: 184 << 20, Held: len(page.Jobs), Schemas: schemas(),
	}
	for i, job := range page.Jobs {
		rec.Running = append(rec.Running, errand.RunningJob{ID: job.ID, Queue: job.Queue, Task: job.Task, Attempt: job.Attempt, StartedAt: job.StartedAt, Stuck: i == 6})
	}
	f.keep(nil, f.st.Heartbeat(f.ctx, rec))
	lost := rec
	lost.ID, lost.Host, lost.PID, lost.Running, lost.Held = "office-2:881:77c0", "office-2", 881, nil, 0
	lost.SeenAt, lost.Every, lost.Queues = f.now.Add(-11*time.Minute), 5*time.Second, []string{"reports", "webhooks"}
	f.keep(nil, f.st.Heartbeat(f.ctx, lost))
	quiet := rec
	quiet.ID, quiet.Host, quiet.PID, quiet.Running, quiet.Held, quiet.Quiet = "office-3:1207:90bd", "office-3", 1207, nil, 0, true
	quiet.Queues, quiet.Finished, quiet.Failed, quiet.Memory = []string{"mail", "reports"}, 88_310, 27, 96<<20
	f.keep(nil, f.st.Heartbeat(f.ctx, quiet))
	hot := errand.WorkerRecord{
		ID: "office-1:4712:hot", Kind: "hotqueue", Host: "office-1", PID: 4712, Queues: []string{"clicks"}, Concurrency: 4,
		StartedAt: f.now.Add(-3 * time.Hour), SeenAt: f.now, Every: 10 * time.Minute, Finished: 91_022, Memory: 41 << 20,
	}
	f.keep(nil, f.st.Heartbeat(f.ctx, hot))
	for _, queue := range []string{"clicks", "notifications"} {
		f.keep(nil, f.st.Put(f.ctx, errand.PutRequest{Now: f.now, Queue: queue, Messages: [][]byte{[]byte(`1`), []byte(`"two"`), []byte(`[3]`)}}))
	}
}
