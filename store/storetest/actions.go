package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/errandhq/errand"
)

// The actions of the machine: each draws a request, sends it to the store and to its model, and compares the replies.

var queueNames = rapid.SampledFrom([]string{"a", "a", "b"})

// drawDelay draws a time span to a time that is past, now or soon.
func drawDelay(rt *rapid.T, label string) time.Duration {
	return time.Duration(rapid.IntRange(-1, 12).Draw(rt, label)) * 1500 * time.Millisecond
}

// drawIDs draws ids of jobs that were enqueued, and sometimes one that never was.
func (m *machine) drawIDs(rt *rapid.T, atMost int) []string {
	var drawn []string
	for range rapid.IntRange(0, atMost).Draw(rt, "ids") {
		i := rapid.IntRange(-1, len(m.specs)-1).Draw(rt, "id")
		if i < 0 {
			drawn = append(drawn, "0190b5c4-ffff-7000-8000-000000000000")
		} else {
			drawn = append(drawn, m.specs[i].ID)
		}
	}
	return drawn
}

func (m *machine) drawSpec(rt *rapid.T, queue string) errand.JobSpec {
	m.made++
	s := errand.JobSpec{
		ID: fmt.Sprintf("0190b5c4-0000-7000-9000-%012x", m.made), Queue: queue,
		Task:     rapid.SampledFrom([]string{"mail", "sms"}).Draw(rt, "task"),
		Payload:  rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(rt, "payload"),
		Priority: rapid.SampledFrom([]int{0, 0, 5, 9}).Draw(rt, "priority"),
	}
	if rapid.IntRange(0, 2).Draw(rt, "delayed") == 0 {
		s.RunAt = m.now.Add(drawDelay(rt, "delay"))
	}
	if rapid.IntRange(0, 1).Draw(rt, "depends") == 0 {
		s.DependsOn = m.drawIDs(rt, 3)
	}
	if rapid.IntRange(0, 2).Draw(rt, "unique") == 0 {
		s.UniqueKey = rapid.SampledFrom([]string{"k1", "k2"}).Draw(rt, "key")
		s.UniqueFor = time.Duration(rapid.IntRange(0, 2).Draw(rt, "window")) * 5 * time.Second
	}
	return s
}

func (m *machine) enqueue(rt *rapid.T) {
	req := errand.EnqueueRequest{Now: m.now}
	for range rapid.IntRange(1, 2).Draw(rt, "groups") {
		queue := queueNames.Draw(rt, "queue")
		var group []errand.JobSpec
		for range rapid.IntRange(1, 3).Draw(rt, "jobs") {
			s := m.drawSpec(rt, queue)
			group = append(group, s)
			m.specs = append(m.specs, s)
		}
		req.Groups = append(req.Groups, group)
	}
	m.sendEnqueue(rt, req)
}

// enqueueAgain repeats jobs that are in, were in, or were refused.
func (m *machine) enqueueAgain(rt *rapid.T) {
	if len(m.specs) == 0 {
		rt.Skip("nothing was enqueued")
	}
	s := rapid.SampledFrom(m.specs).Draw(rt, "job")
	m.sendEnqueue(rt, errand.EnqueueRequest{Now: m.now, Groups: [][]errand.JobSpec{{s, m.drawSpec(rt, s.Queue)}}})
}

func (m *machine) sendEnqueue(rt *rapid.T, req errand.EnqueueRequest) {
	got, want, err, wantErr := both(m, func(st errand.Store) ([]error, error) { return st.Enqueue(m.ctx, req) })
	sameErrors(rt, "enqueue", append(got, err), append(want, wantErr))
}

func (m *machine) claim(rt *rapid.T) {
	worker := rapid.SampledFrom([]string{"w1", "w2"}).Draw(rt, "worker")
	m.numbers[worker]++
	m.claims[worker] = errand.ClaimRequest{
		Now: m.now, Worker: worker, Number: m.numbers[worker],
		Queues: rapid.SampledFrom([][]string{{"a", "b"}, {"b", "a"}, {"a"}, {"none", "b"}}).Draw(rt, "queues"),
		Limit:  rapid.IntRange(1, 4).Draw(rt, "limit"), Lease: 10 * time.Second, MaxRecoveries: 2,
		LastChance: rapid.Bool().Draw(rt, "last chance"),
	}
	m.sendClaim(rt, m.claims[worker])
}

// claimAgain repeats a worker's last claim, perhaps later.
func (m *machine) claimAgain(rt *rapid.T) {
	req, ok := m.claims[rapid.SampledFrom([]string{"w1", "w2"}).Draw(rt, "worker")]
	if !ok {
		rt.Skip("nothing was claimed")
	}
	req.Now = m.now
	m.sendClaim(rt, req)
}

func (m *machine) sendClaim(rt *rapid.T, req errand.ClaimRequest) {
	got, want, err, wantErr := both(m, func(st errand.Store) (errand.ClaimReply, error) { return st.Claim(m.ctx, req) })
	sameErrors(rt, "claim", []error{err}, []error{wantErr})
	sameJobs(rt, "claim", got.Jobs, want.Jobs)
	if !got.NextDue.Equal(want.NextDue) {
		rt.Fatalf("claim: next due %v, the model says %v", got.NextDue, want.NextDue)
	}
	m.held = append(m.held, want.Jobs...)
}

// drawHeld draws a job that was claimed once; its lease may be lost by now. Recent ones are likelier.
func (m *machine) drawHeld(rt *rapid.T) *errand.Job {
	back := rapid.IntRange(0, min(len(m.held), 12)-1).Draw(rt, "held")
	return m.held[len(m.held)-1-back]
}

func (m *machine) settle(rt *rapid.T) {
	if len(m.held) == 0 {
		rt.Skip("nothing was claimed")
	}
	req := errand.SettleRequest{Now: m.now, Worker: "w1"}
	var again []bool // by outcome: it was sent before, and by now the store may not be able to tell
	for range rapid.IntRange(1, 3).Draw(rt, "outcomes") {
		job := m.drawHeld(rt)
		o := outcome(job, rapid.SampledFrom([]errand.Event{
			errand.EventSucceeded, errand.EventSucceeded, errand.EventRetried, errand.EventFailed,
			errand.EventSnoozed, errand.EventCanceled, errand.EventReleased,
		}).Draw(rt, "event"))
		o.At = m.now.Add(drawDelay(rt, "at"))
		o.Keep = time.Duration(rapid.IntRange(0, 2).Draw(rt, "keep")) * 10 * time.Second
		o.Result = []byte{byte(job.Token)}
		o.Unknown = rapid.Bool().Draw(rt, "unknown")
		if rapid.Bool().Draw(rt, "record") {
			o.Record = &errand.AttemptRecord{Attempt: job.Attempt, Token: job.Token, Outcome: o.Event, Error: "e", EndedAt: m.now}
		}
		key := fmt.Sprint(job.ID, job.Token)
		again = append(again, m.settled[key] == o.Event)
		if m.settled[key] == 0 {
			m.settled[key] = o.Event
		}
		req.Outcomes = append(req.Outcomes, o)
	}
	got, want, err, wantErr := both(m, func(st errand.Store) ([]error, error) { return st.Settle(m.ctx, req) })
	for i := range got {
		if again[i] && got[i] == nil && errors.Is(want[i], errand.ErrLeaseLost) {
			want[i] = nil // this store can tell longer
		}
	}
	sameErrors(rt, "settle", append(got, err), append(want, wantErr))
}

func (m *machine) renew(rt *rapid.T) {
	if len(m.held) == 0 {
		rt.Skip("nothing was claimed")
	}
	req := errand.RenewRequest{Now: m.now, Worker: "w1", Lease: 10 * time.Second}
	for range rapid.IntRange(1, 3).Draw(rt, "leases") {
		req.Leases = append(req.Leases, lease(m.drawHeld(rt)))
	}
	got, want, err, wantErr := both(m, func(st errand.Store) ([]error, error) { return st.Renew(m.ctx, req) })
	sameErrors(rt, "renew", append(got, err), append(want, wantErr))
}

func (m *machine) report(rt *rapid.T) {
	if len(m.held) == 0 {
		rt.Skip("nothing was claimed")
	}
	reports := []errand.ProgressReport{{
		Lease: lease(m.drawHeld(rt)), Progress: errand.Progress{Done: int64(m.steps), Total: 9, Log: []string{"x"}, At: m.now},
	}}
	got, want, err, wantErr := both(m, func(st errand.Store) ([]error, error) { return st.Report(m.ctx, reports) })
	sameErrors(rt, "report", append(got, err), append(want, wantErr))
}

func (m *machine) maintain(rt *rapid.T) {
	m.pass(rt)
	req := errand.MaintainRequest{Now: m.now, Limit: 1000, MaxRecoveries: 2, KeepFailed: time.Minute, MaxFailed: 6}
	got, want, err, wantErr := both(m, func(st errand.Store) (errand.MaintainReply, error) { return st.Maintain(m.ctx, req) })
	sameErrors(rt, "maintain", []error{err}, []error{wantErr})
	if got != want {
		rt.Fatalf("maintain: %+v, the model %+v", got, want)
	}
}

func (m *machine) pass(rt *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 15).Draw(rt, "seconds")) * time.Second)
}

type command = func(context.Context, errand.Command) (errand.CommandReply, error)

// commands gives the same command of either store.
func drawCommand(rt *rapid.T) func(errand.Store) command {
	commands := map[string]func(errand.Store) command{
		"requeue": func(st errand.Store) command { return st.Requeue },
		"cancel":  func(st errand.Store) command { return st.Cancel },
		"delete":  func(st errand.Store) command { return st.Delete },
	}
	return commands[rapid.SampledFrom([]string{"requeue", "requeue", "cancel", "delete"}).Draw(rt, "command")]
}

func (m *machine) command(rt *rapid.T) {
	cmd := errand.Command{Now: m.now, IDs: m.drawIDs(rt, 3)}
	if len(cmd.IDs) == 0 {
		rt.Skip("no jobs are named")
	}
	m.sendCommand(rt, drawCommand(rt), cmd, cmd)
}

// commandByFilter acts on a page of jobs and, where there are more, on the next one.
func (m *machine) commandByFilter(rt *rapid.T) {
	do := drawCommand(rt)
	filter := errand.JobFilter{
		Queue: rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "queue"),
		State: rapid.SampledFrom(errand.States()).Draw(rt, "state"),
		Task:  rapid.SampledFrom([]string{"", "", "sms"}).Draw(rt, "task"),
		Limit: rapid.IntRange(1, 3).Draw(rt, "limit"), Newest: rapid.Bool().Draw(rt, "newest"),
	}
	real, model := errand.Command{Now: m.now, Filter: filter}, errand.Command{Now: m.now, Filter: filter}
	got, want := m.sendCommand(rt, do, real, model)
	if want.More {
		real.Filter.Cursor, model.Filter.Cursor = got.Cursor, want.Cursor
		m.sendCommand(rt, do, real, model)
	}
}

func (m *machine) sendCommand(
	rt *rapid.T, do func(errand.Store) command, real, model errand.Command,
) (got, want errand.CommandReply) {
	got, err := do(m.real)(m.ctx, real)
	want, wantErr := do(m.model)(m.ctx, model)
	sameErrors(rt, "command", []error{err}, []error{wantErr})
	g, w := got, want
	g.Cursor, w.Cursor = "", ""
	if g != w {
		rt.Fatalf("command: %+v, the model %+v", g, w)
	}
	return got, want
}

func (m *machine) pause(rt *rapid.T) {
	queue, pause := queueNames.Draw(rt, "queue"), rapid.IntRange(0, 2).Draw(rt, "pause") == 0
	for _, st := range m.stores() {
		do := st.Resume
		if pause {
			do = st.Pause
		}
		if err := do(m.ctx, m.now, queue); err != nil {
			rt.Fatalf("pause or resume: %v", err)
		}
	}
}

// put puts messages, sometimes the same request again.
func (m *machine) put(rt *rapid.T) {
	queue := queueNames.Draw(rt, "queue")
	producer := rapid.SampledFrom([]string{"", "p", "r"}).Draw(rt, "producer")
	key := queue + "/" + producer
	if rapid.IntRange(0, 3).Draw(rt, "again") > 0 {
		m.puts[key]++
	}
	req := errand.PutRequest{
		Now: m.now, Queue: queue, Producer: producer, Number: max(m.puts[key], 1),
		Messages: rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 3), 1, 3).Draw(rt, "messages"),
	}
	for _, st := range m.stores() {
		if err := st.Put(m.ctx, req); err != nil {
			rt.Fatalf("put: %v", err)
		}
	}
}

func (m *machine) pop(rt *rapid.T) {
	queue := queueNames.Draw(rt, "queue")
	if rapid.IntRange(0, 9).Draw(rt, "clear") == 0 {
		got, want, err, _ := both(m, func(st errand.Store) (int64, error) { return st.Clear(m.ctx, m.now, queue) })
		if err != nil || got != want {
			rt.Fatalf("cleared %d, %v, the model %d", got, err, want)
		}
		return
	}
	limit := rapid.IntRange(1, 4).Draw(rt, "limit")
	got, want, err, _ := both(m, func(st errand.Store) ([][]byte, error) { return st.Pop(m.ctx, m.now, queue, limit) })
	if err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
		rt.Fatalf("popped %q, %v, the model %q", got, err, want)
	}
}

func (m *machine) bury(rt *rapid.T) {
	s := m.drawSpec(rt, queueNames.Draw(rt, "queue"))
	m.specs = append(m.specs, s)
	for _, st := range m.stores() {
		if err := st.Bury(m.ctx, m.now, s, errand.AttemptRecord{Attempt: 1, Error: "no", EndedAt: m.now}); err != nil {
			rt.Fatalf("bury: %v", err)
		}
	}
}

// page lists some of the jobs in small pages.
func (m *machine) page(rt *rapid.T) {
	filter := errand.JobFilter{
		Queue: rapid.SampledFrom([]string{"", "a"}).Draw(rt, "queue"),
		State: rapid.SampledFrom(append(errand.States(), 0)).Draw(rt, "state"),
		Task:  rapid.SampledFrom([]string{"", "sms"}).Draw(rt, "task"),
		Limit: rapid.IntRange(1, 3).Draw(rt, "limit"), Newest: rapid.Bool().Draw(rt, "newest"),
	}
	got, want, err, wantErr := both(m, func(st errand.Store) ([]*errand.Job, error) { return m.listAll(st, filter) })
	sameErrors(rt, "list", []error{err}, []error{wantErr})
	sameJobs(rt, fmt.Sprintf("jobs of %+v", filter), got, want)
}
