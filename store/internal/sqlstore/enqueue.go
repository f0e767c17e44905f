package sqlstore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// Enqueue is errand.Engine's.
func (s *Session) Enqueue(req errand.EnqueueRequest) ([]error, error) {
	s.now = micro(req.Now)
	if req.Producer != "" && !s.hopeful(req.Number) {
		if refusals, again, err := s.sentBefore(&req); again || err != nil {
			return refusals, err
		}
	}
	refusals, err := s.enqueueGroups(&req)
	if err == nil && req.Producer != "" {
		err = s.keepReply(&req, refusals)
	}
	return refusals, err
}

func (s *Session) enqueueGroups(req *errand.EnqueueRequest) ([]error, error) {
	refusals := make([]error, len(req.Groups))
	for i, group := range req.Groups {
		if len(group) == 0 {
			continue
		}
		err := s.enqueueGroup(group)
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			refusals[i] = fmt.Errorf("enqueue to %q: %w", group[0].Queue, refused.err)
		case err != nil:
			return nil, fmt.Errorf("enqueue to %q: %w", group[0].Queue, err)
		}
	}
	return refusals, nil
}

// refusal is an error that concerns one group, and after which nothing of it is in.
type refusal struct{ err error }

func (e *refusal) Error() string { return e.err.Error() }

// enqueueGroup checks the whole group before it adds the first job.
func (s *Session) enqueueGroup(group []errand.JobSpec) error {
	q, err := s.queue(group[0].Queue)
	if err != nil {
		return err
	}
	skip, err := s.checkGroup(q, group)
	if err != nil {
		return err
	}
	s.fresh.expect(len(group))
	for i := range group {
		if skip[i] {
			continue
		}
		if err := s.add(q, &group[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkGroup finds what refuses a group, and the jobs with unique keys that are in already.
func (s *Session) checkGroup(q *queue, group []errand.JobSpec) (skip map[int]bool, err error) {
	var ids map[string]bool             // that the group itself takes
	var keys map[string]*errand.JobSpec // unique keys that it takes
	for i := range group {
		spec := &group[i]
		key, ok := keyOf(spec.ID)
		switch {
		case spec.Queue != q.name:
			return nil, &refusal{fmt.Errorf("%w: a job of queue %q in the same group", errand.ErrInvalid, spec.Queue)}
		case !ok:
			return nil, &refusal{fmt.Errorf("%w: job id %.100q: use the 36 characters of a UUID", errand.ErrInvalid, spec.ID)}
		case spec.UniqueKey == "":
			continue // whether it is in already is seen when it is inserted
		}
		if ids == nil {
			ids, keys, skip = make(map[string]bool), make(map[string]*errand.JobSpec), make(map[int]bool)
			if err := s.fresh.flush(); err != nil {
				return nil, err
			}
		}
		if ids[spec.ID] {
			continue
		}
		ids[spec.ID] = true
		in, err := one(s.tx, jobExists, func(Row) error { return nil }, key)
		if err != nil {
			return nil, err
		}
		if in {
			skip[i] = true
			continue
		}
		holder, err := s.holder(q.name, spec.UniqueKey)
		if err != nil {
			return nil, err
		}
		if holder == nil {
			holder = keys[spec.UniqueKey]
		}
		if holder != nil {
			return nil, &refusal{&errand.DuplicateError{ID: holder.ID, Queue: q.name, Task: holder.Task}}
		}
		keys[spec.UniqueKey] = spec
	}
	return skip, nil
}

// add takes in a new job. Those of its parents that come after it, or that it depends on itself, are not in the store
// yet and so count as finished: there are no circles.
func (s *Session) add(q *queue, spec *errand.JobSpec) error {
	key, _ := keyOf(spec.ID)
	plain := len(spec.DependsOn) == 0 && spec.UniqueKey == ""
	r := &s.fresh.record
	if !plain {
		r = &record{}
	}
	*r = record{key: key, job: errand.Job{JobSpec: *spec, CreatedAt: s.now}}
	r.job.RunAt = micro(spec.RunAt)
	r.job.ReadyAt = later(r.job.RunAt, s.now)
	r.job.State = s.readyState(r.job.ReadyAt)
	if plain {
		return s.fresh.add(q, r, spec)
	}
	if err := s.fresh.flush(); err != nil { // so that parents are found, and the order of arrival is that of the group
		return err
	}
	exists, err := one(s.tx, jobExists, func(Row) error { return nil }, key)
	if err != nil || exists {
		return err
	}
	parents, err := s.parentsOf(r)
	if err != nil {
		return err
	}
	if spec.UniqueKey != "" {
		r.flags |= flagUnique
	}
	if len(spec.DependsOn) > 0 {
		r.flags |= flagParents
	}
	if len(parents.living) > 0 && parents.failed == nil {
		r.job.State, r.waits = errand.StateDeferred, int64(len(parents.living))
	}
	if err := s.fresh.add(q, r, spec); err != nil {
		return err
	}
	before := s.fresh.inserted
	if err := s.fresh.flush(); err != nil || s.fresh.inserted == before {
		return err // nil: another transaction was faster
	}
	if err := s.enterDeps(r, parents); err != nil {
		return err
	}
	if parents.failed == nil {
		return s.hold(r)
	}
	if r, err = s.load(key); err != nil {
		return err
	}
	return s.orphan(r, r.job.State, parents.failed.job.ID, reasonOf(parents.failed.job.State))
}

// readyState is the state of a job that nothing but its time keeps from running.
func (s *Session) readyState(ready time.Time) errand.State {
	if ready.After(s.now) {
		return errand.StateScheduled
	}
	return errand.StateQueued
}

// inserter gathers new jobs, also of several operations, so that many go in by one statement. Those that are in already
// are left alone.
type inserter struct {
	s        *Session
	q        *queue // of the jobs gathered
	args     []any
	rows     int
	bytes    int
	inserted int64        // in all
	state    errand.State // of the jobs gathered
	options  []byte       // of the job before
	spec     *errand.JobSpec
	record   record // of the job that is being added, where nothing else refers to it

	names [2]box[string] // of the job before
	times [3]box[int64]
}

// box makes an argument of a value, which need not be made again for the next job that has the same.
type box[T comparable] struct {
	value T
	arg   any
}

func (b *box[T]) of(value T) any {
	if b.arg == nil || b.value != value {
		b.value, b.arg = value, value
	}
	return b.arg
}

const (
	insertColumns  = 12
	maxInsertBytes = 4 << 20 // roughly, of one statement
)

// expect makes room for the arguments of so many jobs, as far as they gather.
func (in *inserter) expect(jobs int) {
	in.args = slices.Grow(in.args, min(jobs, in.s.dialect.InsertRows-in.rows)*insertColumns)
}

// add takes in a job with what its enqueuer said of it, and keeps nothing of r.
func (in *inserter) add(q *queue, r *record, spec *errand.JobSpec) error {
	if in.q != q || r.job.State != in.state || in.rows == in.s.dialect.InsertRows || in.bytes > maxInsertBytes {
		if err := in.flush(); err != nil {
			return err
		}
		in.q, in.state = q, r.job.State
	}
	j := &r.job
	options, err := in.encode(spec)
	if err != nil {
		return fmt.Errorf("options of job %s: %w", j.ID, err)
	}
	in.args = append(in.args, r.key, in.names[0].of(j.Queue), int64(j.State), in.times[0].of(r.rank()), in.names[1].of(j.Task),
		int64(j.Priority), r.flags, in.times[1].of(micros(j.CreatedAt)), in.times[2].of(micros(j.ReadyAt)), r.waits,
		orNull(j.Payload), orNull(options))
	in.rows++
	in.bytes += len(j.Payload) + len(options)
	return nil
}

// encode is encodeOptions; jobs that are enqueued together mostly have the same options.
func (in *inserter) encode(spec *errand.JobSpec) ([]byte, error) {
	if in.spec != nil && sameOptions(in.spec, spec) {
		return in.options, nil
	}
	options, err := encodeOptions(spec)
	in.spec, in.options = spec, options
	return options, err
}

func sameOptions(a, b *errand.JobSpec) bool {
	x, y := &a.Retry, &b.Retry
	return a.RunAt.Equal(b.RunAt) && len(a.DependsOn)+len(b.DependsOn) == 0 && a.UniqueKey == "" && b.UniqueKey == "" &&
		a.UniqueFor == b.UniqueFor && a.Timeout == b.Timeout && a.KeepResult == b.KeepResult &&
		x.Max == y.Max && x.Backoff.Kind == y.Backoff.Kind && x.Backoff.Base == y.Backoff.Base &&
		x.Backoff.Max == y.Backoff.Max && len(x.Backoff.Delays)+len(y.Backoff.Delays) == 0
}

// flush inserts what has gathered.
func (in *inserter) flush() error {
	if in.rows == 0 {
		return nil
	}
	inserted, err := in.s.dialect.Insert(in.s.tx, in.args, in.s.careful)
	if err != nil {
		return err
	}
	in.inserted += inserted
	if inserted > 0 {
		in.q.add(in.state, inserted)
		in.q.enqueued.add(in.s.now, inserted)
		if in.state != errand.StateDeferred {
			in.s.tell(errand.QueueTopic(in.q.name))
		}
	}
	in.reset()
	return nil
}

// reset forgets what has gathered, and keeps nothing of it but room.
func (in *inserter) reset() {
	clear(in.args)
	in.args, in.rows, in.bytes = in.args[:0], 0, 0
	in.q, in.spec, in.options = nil, nil, nil
}

// optionsMemo spares decoding the same options again and again.
type optionsMemo struct {
	raw  []byte
	spec errand.JobSpec
}

// decode is decodeOptions.
func (m *optionsMemo) decode(raw []byte, spec *errand.JobSpec) error {
	if len(raw) == 0 {
		return nil
	}
	if m.raw == nil || !bytes.Equal(raw, m.raw) {
		var fresh errand.JobSpec
		if err := decodeOptions(raw, &fresh); err != nil {
			return err
		}
		m.raw, m.spec = raw, fresh
		if len(fresh.DependsOn)+len(fresh.Retry.Backoff.Delays) > 0 {
			m.raw = nil // slices are not shared
		}
	}
	spec.RunAt, spec.DependsOn = m.spec.RunAt, m.spec.DependsOn
	spec.UniqueKey, spec.UniqueFor = m.spec.UniqueKey, m.spec.UniqueFor
	spec.Timeout, spec.Retry, spec.KeepResult = m.spec.Timeout, m.spec.Retry, m.spec.KeepResult
	return nil
}
