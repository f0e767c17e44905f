package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// Identity implements [errand.Carrier].
func (s *Store) Identity(ctx context.Context) (string, error) {
	t, err := s.begin(ctx, "identity", zeroTime)
	if err != nil {
		return "", err
	}
	defer t.end()
	return t.identity, nil
}

// Pack implements [errand.Carrier].
func (s *Store) Pack(ctx context.Context, req errand.PackRequest) (errand.Parcel, error) {
	t, err := s.begin(ctx, "pack", req.Now)
	if err != nil {
		return errand.Parcel{}, err
	}
	defer t.end()
	if pending, err := t.pending(t.packedJobs, &req); pending != nil || err != nil || req.Limit <= 0 {
		return cloneParcel(pending, req.Cursor), err
	}
	if req.State == errand.StateStarted || req.State == 0 {
		return errand.Parcel{}, fmt.Errorf("pack %q: %w: jobs that are %v cannot be packed", req.Queue, errand.ErrInvalid, req.State)
	}
	filter := errand.JobFilter{Queue: req.Queue, State: req.State, Limit: req.Limit, Cursor: req.Cursor}
	found, next, err := t.page(&filter)
	if err != nil {
		return errand.Parcel{}, fmt.Errorf("pack %q: %w", req.Queue, err)
	}
	parcel := newParcel(&req)
	parcel.Next = next
	var packed []*entry
	for _, e := range found {
		if t.parentsHere(e) {
			parcel.Passed++
		} else {
			packed = append(packed, e)
		}
	}
	for _, e := range packed {
		parcel.Jobs = append(parcel.Jobs, t.packJob(e))
	}
	if len(parcel.Jobs) == 0 {
		return errand.Parcel{Queue: req.Queue, Passed: parcel.Passed, Next: next}, nil
	}
	t.packedJobs[req.Queue] = parcel
	return cloneParcel(parcel, next), nil
}

func newParcel(req *errand.PackRequest) *errand.Parcel {
	return &errand.Parcel{To: req.To, Token: req.Token, Number: req.Number, Queue: req.Queue}
}

// pending returns the parcel of a queue that was not delivered yet, nil for none.
func (t *turn) pending(parcels map[string]*errand.Parcel, req *errand.PackRequest) (*errand.Parcel, error) {
	parcel := parcels[req.Queue]
	if parcel != nil && parcel.To != req.To {
		return nil, fmt.Errorf("pack %q: %w", req.Queue, errand.ErrMoveUnderWay)
	}
	return parcel, nil
}

func cloneParcel(p *errand.Parcel, next string) errand.Parcel {
	if p == nil {
		return errand.Parcel{Next: next}
	}
	c := *p
	c.Next = next
	c.Jobs = clone(p.Jobs)
	for i := range c.Jobs {
		c.Jobs[i].Job = *cloneJob(&p.Jobs[i].Job)
		c.Jobs[i].WaitsFor = clone(p.Jobs[i].WaitsFor)
	}
	c.Messages = clone(p.Messages)
	for i := range c.Messages {
		c.Messages[i] = clone(p.Messages[i])
	}
	return c
}

// parentsHere reports whether a job that e waits for, or failed because of, is in the store.
func (t *turn) parentsHere(e *entry) bool {
	for id := range e.parents {
		if t.jobs[id] != nil {
			return true
		}
	}
	return e.orphanOf != "" && t.jobs[e.orphanOf] != nil
}

// packJob takes a job out of the store. Its children are left as they are.
func (t *turn) packJob(e *entry) errand.PackedJob {
	q := t.queue(e.job.Queue)
	p := errand.PackedJob{
		Job: *cloneJob(&e.job), HoldsKey: e.living() && q.holder(e.job.UniqueKey, t.now) == e,
		FailedBy: e.orphanOf, Parent: len(t.children[e.job.ID]) > 0, ExpiresAt: e.expires,
	}
	if p.HoldsKey {
		p.KeyUntil = e.uniqueUntil
	}
	for _, id := range e.job.DependsOn {
		if _, waits := e.parents[id]; waits && !slices.Contains(p.WaitsFor, id) {
			p.WaitsFor = append(p.WaitsFor, id)
		}
	}
	q.take(e)
	q.free(e)
	t.forgetParents(e)
	delete(t.jobs, e.job.ID)
	t.tell(errand.JobTopic, e.job.ID)
	return p
}

// forgetParents has the jobs that e depends on no longer know it.
func (t *turn) forgetParents(e *entry) {
	for _, id := range e.job.DependsOn {
		delete(t.children[id], e)
		if len(t.children[id]) == 0 {
			delete(t.children, id)
		}
	}
}

// PackMessages implements [errand.Carrier].
func (s *Store) PackMessages(ctx context.Context, req errand.PackRequest) (errand.Parcel, error) {
	t, err := s.begin(ctx, "pack messages", req.Now)
	if err != nil {
		return errand.Parcel{}, err
	}
	defer t.end()
	pending, err := t.pending(t.packedMessages, &req)
	q := t.messages[req.Queue]
	if pending != nil || err != nil || q == nil || req.Limit <= 0 || q.len() == 0 {
		return cloneParcel(pending, ""), err
	}
	parcel := newParcel(&req)
	parcel.Messages = q.take(req.Limit)
	t.packedMessages[req.Queue] = parcel
	return cloneParcel(parcel, ""), nil
}

// Unpack implements [errand.Carrier].
func (s *Store) Unpack(ctx context.Context, now time.Time, parcel *errand.Parcel) (errand.UnpackReply, error) {
	t, err := s.begin(ctx, "unpack", now)
	if err != nil {
		return errand.UnpackReply{}, err
	}
	defer t.end()
	var reply errand.UnpackReply
	mover := parcel.Token + " " + parcel.Queue
	if parcel.Number <= t.producers[mover].last {
		return reply, nil
	}
	t.producers[mover] = producer{last: parcel.Number, seen: t.now.Add(errand.RememberParcels)}
	for i := range parcel.Jobs {
		p := &parcel.Jobs[i]
		if t.jobs[p.Job.ID] == nil {
			reply.Conflicts += t.unpackJob(parcel.Queue, p)
		}
	}
	return reply, nil
}

// unpackJob takes in one job, and returns 1 where it was failed because its unique key is taken.
func (t *turn) unpackJob(queue string, p *errand.PackedJob) int {
	q := t.queue(queue)
	t.arrivals++
	e := &entry{arrival: t.arrivals, job: *cloneJob(&p.Job), expires: p.ExpiresAt}
	e.job.Queue = queue
	t.enter(e)
	q.enqueued.add(t.now, 1)
	if p.HoldsKey && (p.KeyUntil.IsZero() || p.KeyUntil.After(t.now)) {
		if holder := q.holder(e.job.UniqueKey, t.now); holder != nil {
			t.conflict(e, holder)
			return 1
		}
		e.uniqueUntil = p.KeyUntil
		q.unique[e.job.UniqueKey] = e
	}
	switch {
	case e.job.State == errand.StateDeferred:
		t.unpackDeferred(e, p.WaitsFor)
	case !e.job.State.Final():
		t.ready(e)
	default:
		if parent := t.jobs[p.FailedBy]; parent != nil && parent.job.State.Final() {
			e.orphanOf = p.FailedBy
		}
		q.put(e)
	}
	return 0
}

// unpackDeferred has a job that is in no tree wait for those of its parents that are here.
func (t *turn) unpackDeferred(e *entry, parents []string) {
	var living map[string]struct{}
	for _, id := range parents {
		switch parent := t.jobs[id]; {
		case parent == nil, parent.job.State == errand.StateFinished:
		case !parent.living():
			t.orphan(e, parent, reasonOf(parent))
			return
		default:
			if living == nil {
				living = make(map[string]struct{})
			}
			living[id] = struct{}{}
		}
	}
	if len(living) == 0 {
		e.job.ReadyAt = later(e.job.ReadyAt, t.now)
		t.ready(e)
		return
	}
	e.parents = living
	t.queue(e.job.Queue).put(e)
}

// conflict fails a job whose unique key another one has.
func (t *turn) conflict(e, holder *entry) {
	e.job.Attempts = errand.AppendAttempt(e.job.Attempts, errand.AttemptRecord{
		Attempt: e.job.Attempt, Token: e.job.Token, Outcome: errand.EventFailed, EndedAt: t.now,
		Error: errand.ConflictError(holder.job.ID),
	})
	t.close(e, errand.StateFailed)
}

// Delivered implements [errand.Carrier].
func (s *Store) Delivered(ctx context.Context, parcel *errand.Parcel) error {
	t, err := s.begin(ctx, "delivered", zeroTime)
	if err != nil {
		return err
	}
	defer t.end()
	for _, parcels := range []map[string]*errand.Parcel{t.packedJobs, t.packedMessages} {
		if p := parcels[parcel.Queue]; p != nil && p.Token == parcel.Token && p.Number == parcel.Number {
			delete(parcels, parcel.Queue)
		}
	}
	return nil
}
