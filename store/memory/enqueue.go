package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/errandhq/errand"
)

// Enqueue implements [errand.Engine].
func (s *Store) Enqueue(ctx context.Context, req errand.EnqueueRequest) ([]error, error) {
	t, err := s.begin(ctx, "enqueue", req.Now)
	if err != nil {
		return nil, err
	}
	defer t.end()
	if p, ok := t.producers[req.Producer]; ok && req.Number <= p.last {
		if req.Number == p.last && len(p.reply) == len(req.Groups) {
			return slices.Clone(p.reply), nil // sent again
		}
		return make([]error, len(req.Groups)), nil // came late: its sender has given it up
	}
	errs := make([]error, len(req.Groups))
	for i, group := range req.Groups {
		errs[i] = t.enqueueGroup(group)
	}
	if req.Producer != "" {
		t.producers[req.Producer] = producer{last: req.Number, seen: t.now, reply: slices.Clone(errs)}
	}
	return errs, nil
}

// enqueueGroup checks the whole group before it adds the first job.
func (t *turn) enqueueGroup(group []errand.JobSpec) error {
	if len(group) == 0 {
		return nil
	}
	q := t.queue(group[0].Queue)
	fresh := make([]*errand.JobSpec, 0, len(group))
	ids := make(map[string]struct{}, len(group))
	var keys map[string]*errand.JobSpec // unique keys that the group itself takes
	for i := range group {
		spec := &group[i]
		if spec.Queue != q.name {
			return fmt.Errorf("enqueue to %q: %w: a job of queue %q in the same group", q.name, errand.ErrInvalid, spec.Queue)
		}
		if _, in := ids[spec.ID]; in || t.jobs[spec.ID] != nil {
			continue
		}
		if spec.UniqueKey != "" {
			if e := q.holder(spec.UniqueKey, t.now); e != nil {
				return duplicate(q, &e.job.JobSpec)
			}
			if first := keys[spec.UniqueKey]; first != nil {
				return duplicate(q, first)
			}
			if keys == nil {
				keys = make(map[string]*errand.JobSpec)
			}
			keys[spec.UniqueKey] = spec
		}
		ids[spec.ID] = struct{}{}
		fresh = append(fresh, spec)
	}
	for _, spec := range fresh {
		t.add(q, spec)
	}
	return nil
}

func duplicate(q *queue, holder *errand.JobSpec) error {
	return fmt.Errorf("enqueue to %q: %w", q.name,
		&errand.DuplicateError{ID: holder.ID, Queue: holder.Queue, Task: holder.Task})
}

// add takes in a new job. Those of its parents that come after it, or that it depends on itself, are not in the store
// yet and so count as finished: there are no circles.
func (t *turn) add(q *queue, spec *errand.JobSpec) {
	e := t.newEntry(spec)
	e.job.ReadyAt = later(e.job.RunAt, t.now)
	living, failed := t.parentsOf(e)
	q.enqueued.add(t.now, 1)
	if failed == nil {
		q.hold(e, t.now)
	}
	switch {
	case failed != nil:
		t.orphan(e, failed, reasonOf(failed))
	case len(living) > 0:
		e.parents = living
		e.job.State = errand.StateDeferred
		q.put(e)
	default:
		t.ready(e)
	}
}

// newEntry makes the entry of a job that is in no state yet. Its parents know it from now on.
func (t *turn) newEntry(spec *errand.JobSpec) *entry {
	t.arrivals++
	e := &entry{arrival: t.arrivals, job: errand.Job{JobSpec: cloneSpec(spec), CreatedAt: t.now}}
	t.enter(e)
	return e
}

// enter has a job be found by its id, and by those that it depends on.
func (t *turn) enter(e *entry) {
	t.jobs[e.job.ID] = e
	for _, id := range e.job.DependsOn {
		if t.children[id] == nil {
			t.children[id] = make(map[*entry]struct{})
		}
		t.children[id][e] = struct{}{}
	}
}

// ready makes a job that is in no tree queued, or scheduled when it is ready only later.
func (t *turn) ready(e *entry) {
	q := t.queue(e.job.Queue)
	e.job.State = errand.StateQueued
	if e.job.ReadyAt.After(t.now) {
		e.job.State = errand.StateScheduled
	}
	q.put(e)
	t.tell(errand.QueueTopic, q.name)
}
