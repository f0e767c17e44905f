package memory

import (
	"context"
	"fmt"

	"github.com/errandhq/errand"
)

// A command is done to all its jobs before anything follows from it: a job that is canceled together with the one that
// it depends on is canceled, not failed; a job that is requeued together with the one that it depends on waits for it.

// Requeue implements [errand.Inspector].
func (s *Store) Requeue(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return s.command(ctx, "requeue", cmd, (*turn).requeue, func(t *turn, done []*entry) {
		for _, e := range done {
			if living, _ := t.parentsOf(e); len(living) > 0 {
				q := t.queue(e.job.Queue)
				q.take(e)
				e.parents = living
				e.job.State = errand.StateDeferred
				q.put(e)
			}
		}
		for _, e := range done {
			t.redefer(e)
		}
	})
}

// requeue puts one job back in its queue.
func (t *turn) requeue(e *entry) bool {
	q := t.queue(e.job.Queue)
	if _, ok := errand.Next(e.job.State, errand.EventRequeued); !ok {
		return false
	}
	if !e.living() {
		if q.holder(e.job.UniqueKey, t.now) != nil {
			return false
		}
		q.hold(e, t.now)
	}
	q.take(e)
	e.reset()
	e.job.ReadyAt = t.now
	t.ready(e)
	return true
}

// Cancel implements [errand.Inspector].
func (s *Store) Cancel(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return s.command(ctx, "cancel", cmd, (*turn).cancel, func(t *turn, done []*entry) {
		for _, e := range done {
			if e.job.State == errand.StateCanceled {
				t.orphanChildren(e, reasonOf(e))
			}
		}
	})
}

// cancel calls one job off, or asks its worker to.
func (t *turn) cancel(e *entry) bool {
	switch {
	case e.job.State.Final():
		return false
	case e.job.State == errand.StateStarted:
		e.cancel = true
		t.claimer(e.job.Worker).cancels[e.job.ID] = struct{}{}
		t.tell(errand.WorkerTopic, e.job.Worker)
	default:
		t.queue(e.job.Queue).take(e)
		t.close(e, errand.StateCanceled)
	}
	return true
}

// Delete implements [errand.Inspector].
func (s *Store) Delete(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return s.command(ctx, "delete", cmd, (*turn).delete, func(t *turn, done []*entry) {
		for _, e := range done {
			t.orphanChildren(e, "was deleted")
		}
	})
}

// delete removes one job.
func (t *turn) delete(e *entry) bool {
	if e.job.State == errand.StateStarted {
		return false
	}
	t.queue(e.job.Queue).take(e)
	t.drop(e)
	return true
}

// Move implements [errand.Inspector].
func (s *Store) Move(ctx context.Context, cmd errand.Command, queue string) (errand.CommandReply, error) {
	do := func(t *turn, e *entry) bool { return t.move(e, queue) }
	return s.command(ctx, "move", cmd, do, func(*turn, []*entry) {})
}

// move puts one job in another queue.
func (t *turn) move(e *entry, to string) bool {
	switch e.job.State {
	case errand.StateQueued, errand.StateScheduled, errand.StateFailed, errand.StateCanceled:
	default:
		return false
	}
	from, q := t.queue(e.job.Queue), t.queue(to)
	if from == q {
		return false
	}
	holds := e.living() && from.holder(e.job.UniqueKey, t.now) == e
	if holds && q.holder(e.job.UniqueKey, t.now) != nil {
		return false
	}
	from.take(e)
	from.free(e)
	e.job.Queue = to
	if holds {
		q.unique[e.job.UniqueKey] = e
	}
	q.put(e)
	q.enqueued.add(t.now, 1)
	if e.living() {
		t.tell(errand.QueueTopic, to)
	}
	return true
}

// command does one thing to each job that a command names or selects, and then, with all of them, what follows from it.
func (s *Store) command(
	ctx context.Context, op string, cmd errand.Command, do func(*turn, *entry) bool, follow func(*turn, []*entry),
) (errand.CommandReply, error) {
	t, err := s.begin(ctx, op, cmd.Now)
	if err != nil {
		return errand.CommandReply{}, err
	}
	defer t.end()
	var reply errand.CommandReply
	var chosen, done []*entry
	if len(cmd.IDs) > 0 {
		seen := make(map[string]bool, len(cmd.IDs))
		for _, id := range cmd.IDs {
			switch e := t.jobs[id]; {
			case seen[id]:
			case e == nil:
				reply.Missing++
			default:
				chosen = append(chosen, e)
			}
			seen[id] = true
		}
	} else {
		if chosen, reply.Cursor, err = t.page(&cmd.Filter); err != nil {
			return errand.CommandReply{}, fmt.Errorf("%s: %w", op, err)
		}
		reply.More = reply.Cursor != ""
	}
	for _, e := range chosen {
		if do(t, e) {
			done = append(done, e)
		}
	}
	reply.Done, reply.Skipped = len(done), len(chosen)-len(done)
	follow(t, done)
	return reply, nil
}
