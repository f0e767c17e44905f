package sqlstore

import (
	"fmt"

	"github.com/errandhq/errand"
)

// A command is done to all its jobs before anything follows from it: a job that is canceled together with the one that
// it depends on is canceled, not failed; a job that is requeued together with the one that it depends on waits for it.

// Requeue is errand.Inspector's.
func (s *Session) Requeue(cmd errand.Command) (errand.CommandReply, error) {
	return s.command("requeue", &cmd, s.requeue, s.requeued)
}

// requeue puts one job back in its queue.
func (s *Session) requeue(r *record) (bool, error) {
	from := r.job.State
	if _, ok := errand.Next(from, errand.EventRequeued); !ok {
		return false, nil
	}
	if from.Final() {
		if taken, err := s.holder(r.job.Queue, r.job.UniqueKey); err != nil || taken != nil {
			return false, err
		}
		if err := s.hold(r); err != nil {
			return false, err
		}
	}
	if err := s.clearDeps(r); err != nil {
		return false, err
	}
	r.reset()
	r.job.ReadyAt = s.now
	return true, s.ready(r, from)
}

// requeued has the jobs wait for those of their parents that live, and those that failed because of them wait again.
func (s *Session) requeued(done []*record) error {
	for _, r := range done {
		if r.flags&flagParents == 0 {
			continue
		}
		r, err := s.load(r.key) // its flags may have changed
		if err != nil || r == nil {
			return err
		}
		found, err := s.parentsOf(r)
		if err != nil {
			return err
		}
		if len(found.living) == 0 || r.job.State != errand.StateQueued {
			continue
		}
		if err := s.enterDeps(r, parents{living: found.living}); err != nil {
			return err
		}
		r.waits = int64(len(found.living))
		r.job.State = errand.StateDeferred
		if err := s.move(r, errand.StateQueued); err != nil {
			return err
		}
	}
	for _, r := range done {
		if err := s.redefer(r); err != nil {
			return err
		}
	}
	return nil
}

// Cancel is errand.Inspector's.
func (s *Session) Cancel(cmd errand.Command) (errand.CommandReply, error) {
	return s.command("cancel", &cmd, s.cancel, func(done []*record) error {
		for _, r := range done {
			if r.job.State != errand.StateCanceled {
				continue
			}
			if err := s.orphanChildren(r, reasonOf(r.job.State)); err != nil {
				return err
			}
		}
		return nil
	})
}

// cancel calls one job off, or asks its worker to.
func (s *Session) cancel(r *record) (bool, error) {
	switch state := r.job.State; {
	case state.Final():
		return false, nil
	case state == errand.StateStarted:
		r.flags |= flagCancel
		if _, err := s.tx.Exec(setFlags, r.flags, s.row(r)); err != nil {
			return false, err
		}
		s.tell(errand.WorkerTopic(r.job.Worker))
		if err := s.touch(r.job.Queue); err != nil {
			return false, err
		}
		_, err := s.tx.Exec(insertOrder, r.job.Worker, r.key)
		return true, err
	default:
		return true, s.close(r, state, errand.StateCanceled)
	}
}

// Delete is errand.Inspector's.
func (s *Session) Delete(cmd errand.Command) (errand.CommandReply, error) {
	return s.command("delete", &cmd, s.delete, func(done []*record) error {
		for _, r := range done {
			if err := s.orphanChildren(r, "was deleted"); err != nil {
				return err
			}
		}
		return nil
	})
}

// delete removes one job.
func (s *Session) delete(r *record) (bool, error) {
	if r.job.State == errand.StateStarted {
		return false, nil
	}
	return true, s.drop(r)
}

// Move is errand.Inspector's.
func (s *Session) Move(cmd errand.Command, queue string) (errand.CommandReply, error) {
	return s.command("move", &cmd, func(r *record) (bool, error) { return s.moveTo(r, queue) }, func([]*record) error { return nil })
}

// moveTo puts one job in another queue. Dependencies do not know of queues.
func (s *Session) moveTo(r *record, to string) (bool, error) {
	switch r.job.State {
	case errand.StateQueued, errand.StateScheduled, errand.StateFailed, errand.StateCanceled:
	default:
		return false, nil
	}
	if r.job.Queue == to {
		return false, nil
	}
	holds, freeAt, err := s.ownKey(r)
	if err != nil {
		return false, err
	}
	if holds && !r.job.State.Final() {
		if taken, err := s.holder(to, r.job.UniqueKey); err != nil || taken != nil {
			return false, err
		}
	}
	from, err := s.queue(r.job.Queue)
	if err != nil {
		return false, err
	}
	q, err := s.queue(to)
	if err != nil {
		return false, err
	}
	if err := s.free(r); err != nil {
		return false, err
	}
	r.job.Queue = to
	if holds && !r.job.State.Final() {
		if err := s.holdUntil(r, freeAt); err != nil {
			return false, err
		}
	}
	from.add(r.job.State, -1)
	q.add(r.job.State, 1)
	q.enqueued.add(s.now, 1)
	if !r.job.State.Final() {
		s.tell(errand.QueueTopic(to))
	}
	_, err = s.tx.Exec(requeueJob, to, s.row(r))
	return true, err
}

// command does one thing to each job that a command names or selects, and then, with all of them, what follows from it.
func (s *Session) command(
	op string, cmd *errand.Command, do func(*record) (bool, error), follow func([]*record) error,
) (errand.CommandReply, error) {
	var reply errand.CommandReply
	if err := s.begin(cmd.Now); err != nil {
		return reply, fmt.Errorf("%s: %w", op, err)
	}
	keys, err := s.chosen(cmd, &reply)
	if err != nil {
		return reply, fmt.Errorf("%s: %w", op, err)
	}
	if err := s.lockKeys(keys); err != nil {
		return reply, fmt.Errorf("%s: %w", op, err)
	}
	var done []*record
	for _, key := range keys {
		r, err := s.load(key)
		if err != nil {
			return reply, fmt.Errorf("%s: %w", op, err)
		}
		if r == nil {
			reply.Missing++
			continue
		}
		ok, err := do(r)
		if err != nil {
			return reply, fmt.Errorf("%s job %s of queue %q: %w", op, r.job.ID, r.job.Queue, err)
		}
		if ok {
			done = append(done, r)
		} else {
			reply.Skipped++
		}
	}
	reply.Done = len(done)
	if err := follow(done); err != nil {
		return reply, fmt.Errorf("%s: %w", op, err)
	}
	return reply, nil
}

// chosen returns the keys of the jobs that a command names or selects.
func (s *Session) chosen(cmd *errand.Command, reply *errand.CommandReply) ([][]byte, error) {
	var keys [][]byte
	if len(cmd.IDs) == 0 {
		found, next, err := s.page(&cmd.Filter)
		for _, r := range found {
			keys = append(keys, r.key)
		}
		reply.Cursor, reply.More = next, next != ""
		return keys, err
	}
	seen := make(map[string]bool, len(cmd.IDs))
	for _, id := range cmd.IDs {
		if seen[id] {
			continue
		}
		seen[id] = true
		if key, ok := keyOf(id); ok {
			keys = append(keys, key)
		} else {
			reply.Missing++
		}
	}
	return keys, nil
}
