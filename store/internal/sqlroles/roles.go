package sqlroles

import (
	"context"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Queues implements [errand.Inspector].
func (r *Roles) Queues(ctx context.Context, now time.Time) (infos []errand.QueueInfo, err error) {
	err = r.on.Read(ctx, Label{Op: "list queues"}, func(session *sqlstore.Session) (err error) {
		infos, err = session.Queues(now)
		return err
	})
	return infos, err
}

// Jobs implements [errand.Inspector].
func (r *Roles) Jobs(ctx context.Context, filter errand.JobFilter) (page errand.JobPage, err error) {
	err = r.on.Read(ctx, Label{Op: "list jobs"}, func(session *sqlstore.Session) (err error) {
		page, err = session.Jobs(filter)
		return err
	})
	return page, err
}

// Job implements [errand.Inspector].
func (r *Roles) Job(ctx context.Context, queue, id string) (job *errand.Job, err error) {
	err = r.on.Read(ctx, Label{Op: "job"}, func(session *sqlstore.Session) (err error) {
		job, err = session.Job(queue, id)
		return err
	})
	return job, err
}

// Requeue implements [errand.Inspector].
func (r *Roles) Requeue(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return r.command(ctx, "requeue", cmd, (*sqlstore.Session).Requeue)
}

// Cancel implements [errand.Inspector].
func (r *Roles) Cancel(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return r.command(ctx, "cancel", cmd, (*sqlstore.Session).Cancel)
}

// Delete implements [errand.Inspector].
func (r *Roles) Delete(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return r.command(ctx, "delete", cmd, (*sqlstore.Session).Delete)
}

func (r *Roles) command(
	ctx context.Context, name string, cmd errand.Command, do func(*sqlstore.Session, errand.Command) (errand.CommandReply, error),
) (done errand.CommandReply, err error) {
	err = r.on.Write(ctx, Jobs, Label{Op: name}, max(len(cmd.IDs), cmd.Filter.Limit), func(session *sqlstore.Session) error {
		answer, err := do(session, cmd)
		done = answer
		return err
	})
	return Reply(done, err)
}

// Pause implements [errand.Inspector].
func (r *Roles) Pause(ctx context.Context, now time.Time, queue string) error {
	return r.on.Write(ctx, Jobs, Label{"pause", []string{queue}}, 1, func(session *sqlstore.Session) error { return session.Pause(now, queue) })
}

// Resume implements [errand.Inspector].
func (r *Roles) Resume(ctx context.Context, now time.Time, queue string) error {
	return r.on.Write(ctx, Jobs, Label{"resume", []string{queue}}, 1, func(session *sqlstore.Session) error { return session.Resume(now, queue) })
}

// Put implements [errand.Messages]. A producer's numbers are apart for each queue.
func (r *Roles) Put(ctx context.Context, req errand.PutRequest) error {
	weight := 0
	for _, message := range req.Messages {
		weight += weigh(message)
	}
	return r.on.Write(ctx, Messages, Label{"put to", []string{req.Queue}}, weight, func(session *sqlstore.Session) error { return session.Put(req) })
}

// Pop implements [errand.Messages].
func (r *Roles) Pop(ctx context.Context, now time.Time, queue string, limit int) (popped [][]byte, err error) {
	n, err := r.Len(ctx, queue)
	if err != nil || n == 0 {
		return nil, err // without waiting for those who write
	}
	err = r.on.Write(ctx, Messages, Label{"pop from", []string{queue}}, limit, func(session *sqlstore.Session) error {
		messages, err := session.Pop(now, queue, limit)
		popped = messages
		return err
	})
	return Reply(popped, err)
}

// Len implements [errand.Messages].
func (r *Roles) Len(ctx context.Context, queue string) (n int64, err error) {
	err = r.on.Read(ctx, Label{"length of", []string{queue}}, func(session *sqlstore.Session) (err error) {
		n, err = session.Len(queue)
		return err
	})
	return n, err
}

// Clear implements [errand.Messages].
func (r *Roles) Clear(ctx context.Context, now time.Time, queue string) (n int64, err error) {
	err = r.on.Write(ctx, Messages, Label{"clear", []string{queue}}, 1, func(session *sqlstore.Session) error {
		cleared, err := session.Clear(now, queue)
		n = cleared
		return err
	})
	return Reply(n, err)
}

// MessageQueues implements [errand.Messages].
func (r *Roles) MessageQueues(ctx context.Context, now time.Time) (infos []errand.MessageQueueInfo, err error) {
	err = r.on.Read(ctx, Label{Op: "list message queues"}, func(session *sqlstore.Session) (err error) {
		infos, err = session.MessageQueues(now)
		return err
	})
	return infos, err
}

// Bury implements [errand.Messages].
func (r *Roles) Bury(ctx context.Context, now time.Time, spec errand.JobSpec, rec errand.AttemptRecord) error {
	return r.on.Write(ctx, Jobs, Label{"bury in", []string{spec.Queue}}, 1, func(session *sqlstore.Session) error { return session.Bury(now, spec, rec) })
}

// Heartbeat implements [errand.Telemetry].
func (r *Roles) Heartbeat(ctx context.Context, rec errand.WorkerRecord) error {
	return r.on.Write(ctx, Workers, Label{Op: "heartbeat"}, 1, func(session *sqlstore.Session) error { return session.Heartbeat(rec) })
}

// Workers implements [errand.Telemetry].
func (r *Roles) Workers(ctx context.Context) (recs []errand.WorkerRecord, err error) {
	err = r.on.Read(ctx, Label{Op: "list workers"}, func(session *sqlstore.Session) (err error) {
		recs, err = session.Workers()
		return err
	})
	return recs, err
}

// Report implements [errand.Telemetry].
func (r *Roles) Report(ctx context.Context, reports []errand.ProgressReport) (errs []error, err error) {
	err = r.on.Write(ctx, Workers, Label{Op: "report"}, len(reports), func(session *sqlstore.Session) error {
		refusals, err := session.Report(reports)
		errs = refusals
		return err
	})
	return Reply(errs, err)
}

// Orders implements [errand.Telemetry].
func (r *Roles) Orders(ctx context.Context, worker string) (orders errand.Orders, err error) {
	err = r.on.Read(ctx, Label{Op: "orders"}, func(session *sqlstore.Session) (err error) {
		orders, err = session.Orders(worker)
		return err
	})
	return orders, err
}
