package memory

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/errandhq/errand"
)

// parentsOf returns those jobs that e depends on and that are in the store: the living ones, and the first that has
// failed or was canceled.
func (t *turn) parentsOf(e *entry) (living map[string]struct{}, failed *entry) {
	for _, id := range e.job.DependsOn {
		parent := t.jobs[id]
		if parent == nil || parent == e {
			continue
		}
		switch {
		case parent.living():
			if living == nil {
				living = make(map[string]struct{})
			}
			living[id] = struct{}{}
		case parent.job.State != errand.StateFinished && failed == nil:
			failed = parent
		}
	}
	return living, failed
}

// reasonOf says what became of a parent that a child cannot wait for.
func reasonOf(parent *entry) string {
	if parent.job.State == errand.StateCanceled {
		return "was canceled"
	}
	return "failed"
}

// waitingFor returns the deferred children of a job, in the order in which they came.
func (t *turn) waitingFor(id string) []*entry {
	return t.childrenWhere(id, func(e *entry) bool {
		_, waits := e.parents[id]
		return waits && e.job.State == errand.StateDeferred
	})
}

func (t *turn) childrenWhere(id string, is func(*entry) bool) []*entry {
	var found []*entry
	for child := range t.children[id] {
		if is(child) {
			found = append(found, child)
		}
	}
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.arrival, b.arrival) })
	return found
}

// fulfil tells the children that a job has finished; those that wait for no other become ready.
func (t *turn) fulfil(id string) {
	for _, child := range t.waitingFor(id) {
		delete(child.parents, id)
		if len(child.parents) > 0 {
			continue
		}
		t.queue(child.job.Queue).take(child)
		child.parents = nil
		child.job.ReadyAt = later(child.job.ReadyAt, t.now)
		t.ready(child)
	}
}

// orphanChildren fails the children that wait for a job that will not finish.
func (t *turn) orphanChildren(parent *entry, reason string) {
	for _, child := range t.waitingFor(parent.job.ID) {
		if child.job.State != errand.StateDeferred {
			continue // failed meanwhile through a sibling of the parent
		}
		t.queue(child.job.Queue).take(child)
		t.orphan(child, parent, reason)
	}
}

// orphan fails a job that is in no tree because of a parent, and then its own children.
func (t *turn) orphan(e, parent *entry, reason string) {
	if t.jobs[parent.job.ID] == parent { // else it was deleted, and will not be requeued
		e.orphanOf = parent.job.ID
	}
	e.job.Attempts = errand.AppendAttempt(e.job.Attempts, errand.AttemptRecord{
		Attempt: e.job.Attempt, Token: e.job.Token, Outcome: errand.EventOrphaned, EndedAt: t.now,
		Error: fmt.Sprintf("job %s that it depends on %s", parent.job.ID, reason),
	})
	t.close(e, errand.StateFailed)
	t.orphanChildren(e, reasonOf(e))
}

// redefer has the children that failed because of a job wait for it again, and so on down. One whose unique key another
// job has taken stays failed; one with another parent that has failed fails again, because of that one.
func (t *turn) redefer(parent *entry) {
	orphans := t.childrenWhere(parent.job.ID, func(e *entry) bool {
		return e.job.State == errand.StateFailed && e.orphanOf == parent.job.ID
	})
	for _, child := range orphans {
		q := t.queue(child.job.Queue)
		if child.job.State != errand.StateFailed || q.holder(child.job.UniqueKey, t.now) != nil {
			continue
		}
		q.take(child)
		child.reset()
		living, failed := t.parentsOf(child)
		if failed != nil {
			t.orphan(child, failed, reasonOf(failed))
			continue
		}
		q.hold(child, t.now)
		child.parents = living
		child.job.ReadyAt = later(child.job.RunAt, t.now)
		child.job.State = errand.StateDeferred
		q.put(child)
		t.redefer(child)
	}
}

// close makes a job that is in no tree final. Its children are the caller's.
func (t *turn) close(e *entry, state errand.State) {
	q := t.queue(e.job.Queue)
	q.free(e)
	e.parents = nil
	e.job.State = state
	e.job.EndedAt = t.now
	switch state { //nolint:exhaustive // only finished and failed jobs are metered
	case errand.StateFinished:
		q.finished.add(t.now, 1)
	case errand.StateFailed:
		q.failed.add(t.now, 1)
	}
	q.put(e)
	t.tell(errand.JobTopic, e.job.ID)
}

// drop removes a job that is in no tree from the store. Its children are the caller's.
func (t *turn) drop(e *entry) {
	t.queue(e.job.Queue).free(e)
	for child := range t.children[e.job.ID] {
		if child.orphanOf == e.job.ID { // a job that comes later with this id is another one
			child.orphanOf = ""
		}
	}
	t.forgetParents(e)
	delete(t.jobs, e.job.ID)
	t.tell(errand.JobTopic, e.job.ID)
}

// reset makes a final job as if it had not run yet, but for its history and its token.
func (e *entry) reset() {
	e.orphanOf = ""
	e.cancel = false
	e.job.EndedAt = zeroTime
	e.job.UnknownSince = zeroTime
	e.job.Attempt, e.job.Recoveries = 0, 0
	e.job.Result = nil
}
