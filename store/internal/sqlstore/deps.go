package sqlstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

// The kinds of a dependency, from the child's side.
const (
	depPast   = 0 // it no longer matters
	depWaits  = 1 // the child is deferred and waits for the parent
	depFailed = 2 // the child failed because of the parent
)

// parents is what a job depends on, as far as it is in the store.
type parents struct {
	living []*record
	failed *record // the first that has failed or was canceled
}

// parentsOf looks at the jobs that r depends on.
func (s *Session) parentsOf(r *record) (parents, error) {
	var found parents
	if err := s.lockAll(r.job.DependsOn); err != nil {
		return parents{}, err
	}
	seen := make(map[string]bool, len(r.job.DependsOn))
	for _, id := range r.job.DependsOn {
		key, ok := keyOf(id)
		if !ok || sameKey(key, r.key) || seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		parent := &record{key: key, job: errand.Job{JobSpec: errand.JobSpec{ID: idOf(key)}}}
		in, err := one(s.tx, jobExists, func(row Row) error {
			parent.job.State, parent.flags, parent.seq = errand.State(row.Int(0)), row.Int(1), row.Int(2) // the table checks it
			return nil
		}, key)
		switch {
		case err != nil:
			return parents{}, fmt.Errorf("job %s that %s depends on: %w", id, r.job.ID, err)
		case !in, parent.job.State == errand.StateFinished:
		case !parent.job.State.Final():
			found.living = append(found.living, parent)
		case found.failed == nil:
			found.failed = parent
		}
	}
	return found, nil
}

// enterDeps notes that r waits for its living parents, so that they find it when they end.
func (s *Session) enterDeps(r *record, p parents) error {
	if p.failed != nil {
		return s.enterDep(p.failed, r, depFailed)
	}
	for _, parent := range p.living {
		if err := s.enterDep(parent, r, depWaits); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) enterDep(parent, child *record, kind int64) error {
	if _, err := s.tx.Exec(setDep, parent.key, child.key, kind); err != nil {
		return err
	}
	if parent.flags&flagChildren != 0 {
		return nil
	}
	parent.flags |= flagChildren
	_, err := s.tx.Exec(setFlags, parent.flags, s.row(parent))
	return err
}

// clearDeps has a job wait for nobody, and nobody be the reason for its failure.
func (s *Session) clearDeps(r *record) error {
	if r.flags&flagParents == 0 {
		return nil
	}
	for _, id := range r.job.DependsOn {
		key, ok := keyOf(id)
		if !ok {
			continue
		}
		if _, err := s.tx.Exec(resetDep, key, r.key); err != nil {
			return err
		}
	}
	return nil
}

// reasonOf says what became of a parent that a child cannot wait for.
func reasonOf(state errand.State) string {
	if state == errand.StateCanceled {
		return "was canceled"
	}
	return "failed"
}

// children returns the keys of the children of one kind, in the order in which they came.
func (s *Session) children(parent []byte, kind int64) ([][]byte, error) {
	var keys [][]byte
	err := s.tx.Query(childrenOf, func(row Row) error {
		keys = append(keys, row.Blob(0))
		return nil
	}, parent, kind)
	return keys, err
}

// fulfil tells the children that a job has finished; those that wait for no other become ready.
func (s *Session) fulfil(parent *record) error {
	if parent.flags&flagChildren == 0 {
		return nil
	}
	keys, err := s.children(parent.key, depWaits)
	if err != nil {
		return err
	}
	for _, key := range keys {
		child, err := s.load(key)
		if err != nil {
			return err
		}
		if _, err := s.tx.Exec(setDep, parent.key, key, int64(depPast)); err != nil {
			return err
		}
		if child == nil || child.job.State != errand.StateDeferred {
			continue
		}
		if child.waits--; child.waits > 0 {
			if err := s.save(child); err != nil {
				return err
			}
			continue
		}
		child.job.ReadyAt = later(child.job.ReadyAt, s.now)
		if err := s.ready(child, errand.StateDeferred); err != nil {
			return err
		}
	}
	return s.forgetChildren(parent)
}

// forgetChildren ends what binds children to a job that is gone: one that comes later with its id is another one.
func (s *Session) forgetChildren(parent *record) error {
	if !parent.gone {
		return nil
	}
	_, err := s.tx.Exec(deleteDeps, parent.key)
	return err
}

// orphanChildren fails the children that wait for a job that will not finish, and their children.
func (s *Session) orphanChildren(parent *record, reason string) error {
	if parent.flags&flagChildren == 0 {
		return nil
	}
	keys, err := s.children(parent.key, depWaits)
	if err != nil {
		return err
	}
	for _, key := range keys {
		child, err := s.load(key)
		if err != nil {
			return err
		}
		if child == nil || child.job.State != errand.StateDeferred {
			continue // failed meanwhile through a sibling of the parent
		}
		if _, err := s.tx.Exec(setDep, parent.key, key, int64(depFailed)); err != nil {
			return err
		}
		if err := s.orphan(child, errand.StateDeferred, parent.job.ID, reason); err != nil {
			return err
		}
	}
	return s.forgetChildren(parent)
}

// orphan fails a job because of a parent, and then its own children. Whose state was from.
func (s *Session) orphan(r *record, from errand.State, parent, reason string) error {
	r.waits = 0
	r.job.Attempts = errand.AppendAttempt(r.job.Attempts, errand.AttemptRecord{
		Attempt: r.job.Attempt, Token: r.job.Token, Outcome: errand.EventOrphaned, EndedAt: s.now,
		Error: fmt.Sprintf("job %s that it depends on %s", parent, reason),
	})
	if err := s.close(r, from, errand.StateFailed); err != nil {
		return err
	}
	return s.orphanChildren(r, reasonOf(r.job.State))
}

// redefer has the children that failed because of a job wait for it again, and so on down. One whose unique key another
// job has taken stays failed; one with another parent that has failed fails again, because of that one.
func (s *Session) redefer(parent *record) error {
	if parent.flags&flagChildren == 0 {
		return nil
	}
	keys, err := s.children(parent.key, depFailed)
	if err != nil {
		return err
	}
	for _, key := range keys {
		child, err := s.load(key)
		if err != nil {
			return err
		}
		if child == nil || child.job.State != errand.StateFailed {
			continue
		}
		if err := s.redeferChild(child); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) redeferChild(child *record) error {
	if taken, err := s.holder(child.job.Queue, child.job.UniqueKey); err != nil || taken != nil {
		return err
	}
	found, err := s.parentsOf(child)
	if err != nil {
		return err
	}
	child.reset()
	if err := s.clearDeps(child); err != nil {
		return err
	}
	if err := s.enterDeps(child, found); err != nil {
		return err
	}
	if found.failed != nil {
		return s.orphan(child, errand.StateFailed, found.failed.job.ID, reasonOf(found.failed.job.State))
	}
	if err := s.hold(child); err != nil {
		return err
	}
	child.waits = int64(len(found.living))
	child.job.ReadyAt = later(child.job.RunAt, s.now)
	child.job.State = errand.StateDeferred
	if err := s.move(child, errand.StateFailed); err != nil {
		return err
	}
	return s.redefer(child)
}

// ready makes a job queued, or scheduled when it is ready only later. Its state was from.
func (s *Session) ready(r *record, from errand.State) error {
	r.job.State = s.readyState(r.job.ReadyAt)
	s.tell(errand.QueueTopic(r.job.Queue))
	return s.move(r, from)
}

// close makes a job final whose state was from. Its children are the caller's.
func (s *Session) close(r *record, from, to errand.State) error {
	if err := s.free(r); err != nil {
		return err
	}
	q, err := s.queue(r.job.Queue)
	if err != nil {
		return err
	}
	r.waits = 0
	r.job.State, r.job.EndedAt = to, s.now
	switch to { //nolint:exhaustive // only finished and failed jobs are metered
	case errand.StateFinished:
		q.finished.add(s.now, 1)
	case errand.StateFailed:
		q.failed.add(s.now, 1)
	}
	s.tell(errand.JobTopic(r.job.ID))
	return s.move(r, from)
}

// drop removes a job from the store. The children that wait for it are the caller's.
func (s *Session) drop(r *record) error {
	q, err := s.queue(r.job.Queue)
	if err != nil {
		return err
	}
	if err := s.free(r); err != nil {
		return err
	}
	if r.flags&flagParents != 0 {
		for _, id := range r.job.DependsOn {
			key, ok := keyOf(id)
			if !ok {
				continue
			}
			if _, err := s.tx.Exec(deleteDep, key, r.key); err != nil {
				return err
			}
		}
	}
	if r.flags&flagChildren != 0 {
		if _, err := s.tx.Exec(deleteDepsPast, r.key); err != nil {
			return err
		}
	}
	if !r.expires.IsZero() {
		if err := s.unlist([][]byte{r.key}); err != nil {
			return err
		}
	}
	r.gone = true
	q.add(r.job.State, -1)
	s.tell(errand.JobTopic(r.job.ID))
	_, err = s.tx.Exec(deleteJob, s.row(r))
	return err
}

// reset makes a final job as if it had not run yet, but for its history and its token.
func (r *record) reset() {
	r.flags &^= flagCancel
	r.expires = time.Time{}
	r.job.EndedAt, r.job.UnknownSince = time.Time{}, time.Time{}
	r.job.Attempt, r.job.Recoveries = 0, 0
	r.job.Result = nil
}

// holder returns the living job of a queue that has a unique key now: its id and task. nil: it is free.
func (s *Session) holder(queue, key string) (*errand.JobSpec, error) {
	if key == "" {
		return nil, nil
	}
	var job []byte
	held, err := one(s.tx, uniqueHolder, func(row Row) error {
		job = row.Blob(0)
		if freeAt := row.Int(1); freeAt != 0 && freeAt <= micros(s.now) {
			return errFree
		}
		return nil
	}, queue, []byte(key))
	if errors.Is(err, errFree) {
		return nil, nil
	}
	if err != nil || !held {
		return nil, err
	}
	spec := &errand.JobSpec{ID: idOf(job), Queue: queue}
	_, err = one(s.tx, jobTask, func(row Row) error {
		spec.Task = row.Text(0)
		return nil
	}, job)
	return spec, err
}

var errFree = errors.New("free")

// hold gives a job its unique key from now on.
func (s *Session) hold(r *record) error {
	if r.job.UniqueKey == "" {
		return nil
	}
	var freeAt time.Time
	if r.job.UniqueFor > 0 {
		freeAt = micro(s.now.Add(r.job.UniqueFor))
	}
	return s.holdUntil(r, freeAt)
}

// holdUntil gives a job its unique key; a freeAt of zero is no limit.
func (s *Session) holdUntil(r *record, freeAt time.Time) error {
	if s.dialect.Shared {
		return s.holdShared(r, freeAt)
	}
	_, err := s.tx.Exec(holdUnique, r.job.Queue, []byte(r.job.UniqueKey), r.key, maybe(freeAt))
	return err
}

// free ends a job's hold of its unique key, unless its time had run out and another has it.
func (s *Session) free(r *record) error {
	if r.flags&flagUnique == 0 {
		return nil
	}
	_, err := s.tx.Exec(freeUnique, r.job.Queue, []byte(r.job.UniqueKey), r.key)
	return err
}
