package sqlserver

import (
	"context"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Queues implements [errand.Inspector].
func (s *Store) Queues(ctx context.Context, now time.Time) (infos []errand.QueueInfo, err error) {
	changes, _ := s.calm()
	if listing, ok := s.restingListing(); ok && !s.isClosed() {
		return listing.Infos(now), ctx.Err()
	}
	var listing sqlstore.Listing
	err = s.read(ctx, Label{Op: "list queues"}, func(session *sqlstore.Session) (err error) {
		listing, err = session.List()
		return err
	})
	if err != nil {
		return nil, err
	}
	s.restListing(listing, changes)
	return listing.Infos(now), nil
}

// Jobs implements [errand.Inspector].
func (s *Store) Jobs(ctx context.Context, filter errand.JobFilter) (page errand.JobPage, err error) {
	err = s.read(ctx, Label{Op: "list jobs"}, func(session *sqlstore.Session) (err error) {
		page, err = session.Jobs(filter)
		return err
	})
	return page, err
}

// Job implements [errand.Inspector].
func (s *Store) Job(ctx context.Context, queue, id string) (job *errand.Job, err error) {
	err = s.read(ctx, Label{Op: "job"}, func(session *sqlstore.Session) (err error) {
		job, err = session.Job(queue, id)
		return err
	})
	return job, err
}

// Requeue implements [errand.Inspector].
func (s *Store) Requeue(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return s.command(ctx, "requeue", cmd, (*sqlstore.Session).Requeue)
}

// Cancel implements [errand.Inspector].
func (s *Store) Cancel(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return s.command(ctx, "cancel", cmd, (*sqlstore.Session).Cancel)
}

// Delete implements [errand.Inspector].
func (s *Store) Delete(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return s.command(ctx, "delete", cmd, (*sqlstore.Session).Delete)
}

func (s *Store) command(
	ctx context.Context, name string, cmd errand.Command, do func(*sqlstore.Session, errand.Command) (errand.CommandReply, error),
) (done errand.CommandReply, err error) {
	err = s.write(ctx, laneSettle, Label{Op: name}, max(len(cmd.IDs), cmd.Filter.Limit), func(session *sqlstore.Session) error {
		answer, err := do(session, cmd)
		done = answer
		return err
	})
	return reply(done, err)
}

// Pause implements [errand.Inspector].
func (s *Store) Pause(ctx context.Context, now time.Time, queue string) error {
	return s.write(ctx, laneSettle, Label{"pause", []string{queue}}, 1, func(session *sqlstore.Session) error { return session.Pause(now, queue) })
}

// Resume implements [errand.Inspector].
func (s *Store) Resume(ctx context.Context, now time.Time, queue string) error {
	return s.write(ctx, laneSettle, Label{"resume", []string{queue}}, 1, func(session *sqlstore.Session) error { return session.Resume(now, queue) })
}

// Put implements [errand.Messages]. A producer's numbers are apart for each queue.
func (s *Store) Put(ctx context.Context, req errand.PutRequest) error {
	weight := 0
	for _, message := range req.Messages {
		weight += weigh(message)
	}
	return s.write(ctx, laneMessages, Label{"put to", []string{req.Queue}}, weight, func(session *sqlstore.Session) error { return session.Put(req) })
}

// Pop implements [errand.Messages].
func (s *Store) Pop(ctx context.Context, now time.Time, queue string, limit int) (popped [][]byte, err error) {
	n, err := s.Len(ctx, queue)
	if err != nil || n == 0 {
		return nil, err // without waiting for those who write
	}
	err = s.write(ctx, laneMessages, Label{"pop from", []string{queue}}, limit, func(session *sqlstore.Session) error {
		messages, err := session.Pop(now, queue, limit)
		popped = messages
		return err
	})
	return reply(popped, err)
}

// Len implements [errand.Messages].
func (s *Store) Len(ctx context.Context, queue string) (n int64, err error) {
	err = s.read(ctx, Label{"length of", []string{queue}}, func(session *sqlstore.Session) (err error) {
		n, err = session.Len(queue)
		return err
	})
	return n, err
}

// Clear implements [errand.Messages].
func (s *Store) Clear(ctx context.Context, now time.Time, queue string) (n int64, err error) {
	err = s.write(ctx, laneMessages, Label{"clear", []string{queue}}, 1, func(session *sqlstore.Session) error {
		cleared, err := session.Clear(now, queue)
		n = cleared
		return err
	})
	return reply(n, err)
}

// MessageQueues implements [errand.Messages].
func (s *Store) MessageQueues(ctx context.Context, now time.Time) (infos []errand.MessageQueueInfo, err error) {
	err = s.read(ctx, Label{Op: "list message queues"}, func(session *sqlstore.Session) (err error) {
		infos, err = session.MessageQueues(now)
		return err
	})
	return infos, err
}

// Bury implements [errand.Messages].
func (s *Store) Bury(ctx context.Context, now time.Time, spec errand.JobSpec, rec errand.AttemptRecord) error {
	return s.write(ctx, laneSettle, Label{"bury in", []string{spec.Queue}}, 1, func(session *sqlstore.Session) error { return session.Bury(now, spec, rec) })
}

// Heartbeat implements [errand.Telemetry].
func (s *Store) Heartbeat(ctx context.Context, rec errand.WorkerRecord) error {
	return s.write(ctx, laneClaim, Label{Op: "heartbeat"}, 1, func(session *sqlstore.Session) error { return session.Heartbeat(rec) })
}

// Workers implements [errand.Telemetry].
func (s *Store) Workers(ctx context.Context) (recs []errand.WorkerRecord, err error) {
	err = s.read(ctx, Label{Op: "list workers"}, func(session *sqlstore.Session) (err error) {
		recs, err = session.Workers()
		return err
	})
	return recs, err
}

// Report implements [errand.Telemetry].
func (s *Store) Report(ctx context.Context, reports []errand.ProgressReport) (errs []error, err error) {
	err = s.write(ctx, laneClaim, Label{Op: "report"}, len(reports), func(session *sqlstore.Session) error {
		refusals, err := session.Report(reports)
		errs = refusals
		return err
	})
	return reply(errs, err)
}

// Orders implements [errand.Telemetry].
func (s *Store) Orders(ctx context.Context, worker string) (orders errand.Orders, err error) {
	changes, _ := s.calm()
	if s.restingOrders(worker) && !s.isClosed() {
		return orders, ctx.Err()
	}
	err = s.read(ctx, Label{Op: "orders"}, func(session *sqlstore.Session) (err error) {
		orders, err = session.Orders(worker)
		return err
	})
	if err == nil && !orders.Quiet && !orders.Stop && len(orders.Cancel) == 0 {
		s.restOrders(worker, changes)
	}
	return orders, err
}
