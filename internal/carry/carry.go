// Package carry moves jobs and messages from one store to another, parcel by parcel, as errand.Carrier has it.
package carry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// ErrRunning says that workers hold jobs of the queues, and the mover was not told to wait for them.
var ErrRunning = errors.New("jobs are being run")

// Mover moves jobs and messages from one store to another. Both may be in use meanwhile.
type Mover struct {
	From, To errand.Store
	Queues   []string                // of jobs and of messages; empty: all
	Wait     bool                    // for jobs that are being run, until they are final or can be moved
	Progress func(done, total int64) // called now and then; nil: not

	size     int // of a parcel
	from, to errand.Carrier
	toName   string
	token    string
	number   int64
	report   Report
	total    int64
}

// Report says what was moved.
type Report struct {
	Jobs      int64    // that were moved, also by parcels of an earlier move that had not ended
	Messages  int64    // likewise
	Conflicts int64    // of Jobs: failed there, because a living job has their unique key
	Paused    []string // queues that are paused there because they were here
	Left      int64    // jobs that wait for others which were left, or cannot be read
	Started   int64    // jobs that are being run
}

// jobsAtOnce is how many jobs or messages a parcel has at most.
const jobsAtOnce = 500

// order is that in which jobs are moved: those that can run first.
var order = []errand.State{
	errand.StateQueued, errand.StateScheduled, errand.StateDeferred, errand.StateFailed, errand.StateFinished, errand.StateCanceled,
}

// Run moves everything. After an error, or a kill, it can be called again, by any process, and goes on.
func (m *Mover) Run(ctx context.Context) (Report, error) {
	err := m.begin(ctx)
	if err == nil {
		err = m.carry(ctx)
	}
	return m.report, err
}

// begin looks whether a move is possible, and delivers what an earlier one has left.
func (m *Mover) begin(ctx context.Context) (err error) {
	if m.from, err = carrier(m.From, "from"); err != nil {
		return err
	}
	if m.to, err = carrier(m.To, "to"); err != nil {
		return err
	}
	own, err := m.from.Identity(ctx)
	if err != nil {
		return err
	}
	if m.toName, err = m.to.Identity(ctx); err != nil {
		return err
	}
	if own == m.toName {
		return fmt.Errorf("%w: the two are one store, or one is a copy of the other", errand.ErrInvalid)
	}
	m.token = errand.NewID()
	if m.size == 0 {
		m.size = jobsAtOnce
	}
	if err := m.count(ctx); err != nil {
		return err
	}
	if err := m.deliverPending(ctx); err != nil {
		return err
	}
	if err := m.closed(ctx); err != nil {
		return err
	}
	if m.Wait {
		return nil
	}
	started, err := m.running(ctx)
	if err == nil && started > 0 {
		err = fmt.Errorf("%w: %d", ErrRunning, started)
	}
	return err
}

func carrier(st errand.Store, which string) (errand.Carrier, error) {
	c, ok := st.(errand.Carrier)
	if !ok {
		return nil, fmt.Errorf("%w: nothing can be moved %s this kind of store", errand.ErrInvalid, which)
	}
	return c, nil
}

func (m *Mover) selected(queue string) bool {
	return len(m.Queues) == 0 || slices.Contains(m.Queues, queue)
}

// queues returns the queues of jobs that are to be moved; all also the others.
func (m *Mover) queues(ctx context.Context, all bool) ([]errand.QueueInfo, error) {
	now, err := m.From.Now(ctx)
	if err != nil {
		return nil, err
	}
	infos, err := m.From.Queues(ctx, now)
	return slices.DeleteFunc(infos, func(q errand.QueueInfo) bool { return !all && !m.selected(q.Name) }), err
}

func (m *Mover) messageQueues(ctx context.Context) ([]errand.MessageQueueInfo, error) {
	now, err := m.From.Now(ctx)
	if err != nil {
		return nil, err
	}
	return m.From.MessageQueues(ctx, now)
}

// count says how much there is to move.
func (m *Mover) count(ctx context.Context) error {
	queues, err := m.queues(ctx, false)
	if err != nil {
		return err
	}
	for _, q := range queues {
		for _, state := range order {
			m.total += q.Counts[state]
		}
	}
	messages, err := m.messageQueues(ctx)
	if err != nil {
		return err
	}
	for _, q := range messages {
		if m.selected(q.Name) {
			m.total += q.Len
		}
	}
	return nil
}

// deliverPending delivers what an earlier move has packed, whatever it had selected.
func (m *Mover) deliverPending(ctx context.Context) error {
	queues, err := m.queues(ctx, true)
	if err != nil {
		return err
	}
	for _, q := range queues {
		parcel, err := m.from.Pack(ctx, errand.PackRequest{To: m.toName, Queue: q.Name})
		if err == nil {
			err = m.deliver(ctx, &parcel)
		}
		if err != nil {
			return fmt.Errorf("queue %q: %w", q.Name, err)
		}
	}
	messages, err := m.messageQueues(ctx)
	if err != nil {
		return err
	}
	for _, q := range messages {
		parcel, err := m.from.PackMessages(ctx, errand.PackRequest{To: m.toName, Queue: q.Name})
		if err == nil {
			err = m.deliver(ctx, &parcel)
		}
		if err != nil {
			return fmt.Errorf("messages %q: %w", q.Name, err)
		}
	}
	m.total += m.report.Jobs + m.report.Messages
	return nil
}

// closed looks whether a job of a queue that is not to be moved waits for one that is: it would wait for ever.
func (m *Mover) closed(ctx context.Context) error {
	if len(m.Queues) == 0 {
		return nil
	}
	queues, err := m.queues(ctx, true)
	if err != nil {
		return err
	}
	for _, q := range queues {
		if m.selected(q.Name) || q.Counts[errand.StateDeferred] == 0 {
			continue
		}
		filter := errand.JobFilter{Queue: q.Name, State: errand.StateDeferred, Limit: jobsAtOnce}
		for more := true; more; more = filter.Cursor != "" {
			page, err := m.From.Jobs(ctx, filter)
			if err != nil {
				return err
			}
			for _, job := range page.Jobs {
				if err := m.parentsStay(ctx, job); err != nil {
					return err
				}
			}
			filter.Cursor = page.Next
		}
	}
	return nil
}

func (m *Mover) parentsStay(ctx context.Context, job *errand.Job) error {
	for _, id := range job.DependsOn {
		parent, err := m.From.Job(ctx, "", id)
		if errors.Is(err, errand.ErrJobNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if m.selected(parent.Queue) && !parent.State.Final() {
			return fmt.Errorf("%w: job %s of queue %q waits for job %s of queue %q: move both queues",
				errand.ErrInvalid, job.ID, job.Queue, id, parent.Queue)
		}
	}
	return nil
}

// running counts jobs that workers hold. Those whose worker is lost are queued again first.
func (m *Mover) running(ctx context.Context) (started int64, err error) {
	for range 2 {
		queues, err := m.queues(ctx, false)
		if err != nil {
			return 0, err
		}
		started = 0
		for _, q := range queues {
			started += q.Counts[errand.StateStarted]
		}
		if started == 0 {
			return 0, nil
		}
		if err := m.recover(ctx); err != nil {
			return 0, err
		}
	}
	return started, nil
}

const maxRecoveries = 3 // as workers have it who are not told otherwise

func (m *Mover) recover(ctx context.Context) error {
	for {
		now, err := m.From.Now(ctx)
		if err != nil {
			return err
		}
		reply, err := m.From.Maintain(ctx, errand.MaintainRequest{Now: now, Limit: jobsAtOnce, MaxRecoveries: maxRecoveries})
		if err != nil || reply.Recovered+reply.Poisoned == 0 {
			return err
		}
	}
}

// carry moves until there is nothing left to move.
func (m *Mover) carry(ctx context.Context) error {
	if err := m.pause(ctx); err != nil {
		return err
	}
	if err := m.carryMessages(ctx); err != nil {
		return err
	}
	for {
		moved, err := m.round(ctx)
		if err != nil {
			return err
		}
		if moved > 0 {
			continue
		}
		if m.report.Started, err = m.running(ctx); err != nil || m.report.Started == 0 || !m.Wait {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pause has those queues be paused in the other store that are here.
func (m *Mover) pause(ctx context.Context) error {
	queues, err := m.queues(ctx, false)
	if err != nil {
		return err
	}
	now, err := m.To.Now(ctx)
	if err != nil {
		return err
	}
	for _, q := range queues {
		if !q.Paused {
			continue
		}
		if err := m.To.Pause(ctx, now, q.Name); err != nil {
			return err
		}
		m.report.Paused = append(m.report.Paused, q.Name)
	}
	return nil
}

// round moves every job that can be moved now, and says how many. A parent that has gone makes room for its children in
// the next.
func (m *Mover) round(ctx context.Context) (moved int64, err error) {
	before := m.report.Jobs
	m.report.Left = 0
	for _, state := range order {
		queues, err := m.queues(ctx, false)
		if err != nil {
			return 0, err
		}
		for _, q := range queues {
			if q.Counts[state] == 0 {
				continue
			}
			if err := m.carryJobs(ctx, q.Name, state); err != nil {
				return 0, fmt.Errorf("queue %q: %w", q.Name, err)
			}
		}
	}
	return m.report.Jobs - before, nil
}

func (m *Mover) carryJobs(ctx context.Context, queue string, state errand.State) error {
	req := errand.PackRequest{To: m.toName, Token: m.token, Queue: queue, State: state, Limit: m.size}
	for {
		now, err := m.From.Now(ctx)
		if err != nil {
			return err
		}
		m.number++
		req.Now, req.Number = now, m.number
		parcel, err := m.from.Pack(ctx, req)
		if err != nil {
			return err
		}
		m.report.Left += int64(parcel.Passed)
		if err := m.deliver(ctx, &parcel); err != nil || parcel.Next == "" {
			return err
		}
		req.Cursor = parcel.Next
	}
}

func (m *Mover) carryMessages(ctx context.Context) error {
	queues, err := m.messageQueues(ctx)
	if err != nil {
		return err
	}
	for _, q := range queues {
		if !m.selected(q.Name) {
			continue
		}
		for {
			now, err := m.From.Now(ctx)
			if err != nil {
				return err
			}
			m.number++
			parcel, err := m.from.PackMessages(ctx, errand.PackRequest{
				Now: now, To: m.toName, Token: m.token, Number: m.number, Queue: q.Name, Limit: m.size,
			})
			if err == nil {
				err = m.deliver(ctx, &parcel)
			}
			if err != nil {
				return fmt.Errorf("messages %q: %w", q.Name, err)
			}
			if parcel.Token == "" {
				break
			}
		}
	}
	return nil
}

// deliver has the other store take a parcel in, and then this one forget it.
func (m *Mover) deliver(ctx context.Context, parcel *errand.Parcel) error {
	if parcel.Token == "" {
		return nil
	}
	now, err := m.To.Now(ctx)
	if err != nil {
		return err
	}
	if len(parcel.Messages) > 0 {
		err = m.To.Put(ctx, errand.PutRequest{
			Now: now, Queue: parcel.Queue, Producer: parcel.Token, Number: parcel.Number, Messages: parcel.Messages,
			Remember: errand.RememberParcels,
		})
	} else {
		var reply errand.UnpackReply
		reply, err = m.to.Unpack(ctx, now, parcel)
		m.report.Conflicts += int64(reply.Conflicts)
	}
	if err != nil {
		return err
	}
	if err := m.from.Delivered(ctx, parcel); err != nil {
		return err
	}
	m.report.Jobs += int64(len(parcel.Jobs))
	m.report.Messages += int64(len(parcel.Messages))
	if m.Progress != nil {
		done := m.report.Jobs + m.report.Messages
		m.total = max(m.total, done)
		m.Progress(done, m.total)
	}
	return nil
}
