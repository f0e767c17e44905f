package sqlstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

// Unpack is errand.Carrier's.
func (s *Session) Unpack(now time.Time, parcel *errand.Parcel) (errand.UnpackReply, error) {
	var reply errand.UnpackReply
	err := s.begin(now)
	if err == nil {
		err = s.unpack(parcel, &reply)
	}
	if err != nil {
		return errand.UnpackReply{}, fmt.Errorf("unpack jobs of %q: %w", parcel.Queue, err)
	}
	return reply, nil
}

func (s *Session) unpack(parcel *errand.Parcel, reply *errand.UnpackReply) error {
	again, err := s.unpackedBefore(parcel)
	if again || err != nil {
		return err
	}
	u := unpacker{s: s, reply: reply}
	if u.q, err = s.queue(parcel.Queue); err != nil {
		return err
	}
	if u.here, err = s.unpackedJobs(parcel); err != nil {
		return err
	}
	for i := range parcel.Jobs {
		if err := u.job(&parcel.Jobs[i]); err != nil {
			return fmt.Errorf("job %s: %w", parcel.Jobs[i].Job.ID, err)
		}
	}
	if err := u.flush(); err != nil {
		return err
	}
	s.tell(errand.QueueTopic(parcel.Queue))
	return nil
}

// unpackedBefore says whether a parcel was unpacked, and notes that it is.
func (s *Session) unpackedBefore(parcel *errand.Parcel) (bool, error) {
	mover, last := parcel.Token+" "+parcel.Queue, int64(0)
	known, err := one(s.tx, lastRequest, func(row Row) error {
		last = row.Int(0)
		return nil
	}, jobProducers, mover)
	if err != nil || parcel.Number <= last {
		return true, err
	}
	_, err = s.tx.Exec(requestQuery(known), jobProducers, mover, parcel.Number, micros(s.now.Add(errand.RememberParcels)), nil)
	return false, err
}

// unpackedJobs returns the ids of those of a parcel's jobs that are in the store already.
func (s *Session) unpackedJobs(parcel *errand.Parcel) (map[string]bool, error) {
	here := make(map[string]bool)
	var keys [][]byte
	for i := range parcel.Jobs {
		key, ok := keyOf(parcel.Jobs[i].Job.ID)
		switch {
		case !ok:
			return nil, fmt.Errorf("job %s: %w: it is no UUID", parcel.Jobs[i].Job.ID, errand.ErrInvalid)
		case s.dialect.Shared:
			keys = append(keys, key)
			continue
		}
		in, err := one(s.tx, jobExists, func(Row) error { return nil }, key)
		if err != nil {
			return nil, err
		}
		here[string(key)] = in
	}
	for some := range slices.Chunk(keys, unpackLooked) {
		err := s.tx.Query(jobsByIDs, func(row Row) error {
			here[string(row.Blob(0))] = true
			return nil
		}, some)
		if err != nil {
			return nil, err
		}
	}
	return here, nil
}

// unpacker takes in the jobs of a parcel, many by one statement.
type unpacker struct {
	s     *Session
	q     *queue
	reply *errand.UnpackReply
	here  map[string]bool // ids of jobs that are in
	args  []any
	rows  int
}

// unpackSizes are the numbers of jobs that one statement takes in.
var unpackSizes = []int{100, 10, 1}

const (
	carriedColumns = 22
	unpackLooked   = 1000 // jobs that are looked up at once
)

func (u *unpacker) job(p *errand.PackedJob) error {
	key, _ := keyOf(p.Job.ID) // unpackedJobs has checked it
	if u.here[string(key)] {
		return nil
	}
	u.here[string(key)] = true
	r := &record{key: key, job: p.Job, expires: p.ExpiresAt}
	r.job.Queue = u.q.name
	if p.Parent {
		r.flags |= flagChildren
	}
	if r.job.UniqueKey != "" {
		r.flags |= flagUnique
	}
	if len(r.job.DependsOn) > 0 {
		r.flags |= flagParents
	}
	if err := u.key(r, p); err != nil {
		return err
	}
	switch r.job.State { //nolint:exhaustive // the others are taken in as they are
	case errand.StateQueued, errand.StateScheduled:
		r.job.State = u.s.readyState(r.job.ReadyAt)
	case errand.StateDeferred:
		return u.deferred(r, p)
	case errand.StateFailed:
		if p.FailedBy != "" {
			return u.orphan(r, p)
		}
	}
	return u.add(r)
}

// key gives a job its unique key, or fails it where another one has that.
func (u *unpacker) key(r *record, p *errand.PackedJob) error {
	if !p.HoldsKey || !p.KeyUntil.IsZero() && !p.KeyUntil.After(u.s.now) {
		return nil
	}
	holder, err := u.s.holder(u.q.name, r.job.UniqueKey)
	if err != nil {
		return err
	}
	if holder == nil {
		return u.s.holdUntil(r, p.KeyUntil)
	}
	u.reply.Conflicts++
	r.job.Attempts = errand.AppendAttempt(r.job.Attempts, errand.AttemptRecord{
		Attempt: r.job.Attempt, Token: r.job.Token, Outcome: errand.EventFailed, EndedAt: u.s.now,
		Error: errand.ConflictError(holder.ID),
	})
	r.job.State, r.job.EndedAt = errand.StateFailed, u.s.now
	u.q.failed.add(u.s.now, 1)
	return nil
}

// deferred takes in a job that waits for others, as far as they are here and live.
func (u *unpacker) deferred(r *record, p *errand.PackedJob) error {
	waiting := &record{key: r.key, job: r.job}
	waiting.job.DependsOn = p.WaitsFor
	if err := u.flush(); err != nil {
		return err
	}
	found, err := u.s.parentsOf(waiting)
	if err != nil {
		return err
	}
	if found.failed == nil && len(found.living) == 0 {
		r.job.ReadyAt = later(r.job.ReadyAt, u.s.now)
		r.job.State = u.s.readyState(r.job.ReadyAt)
		return u.add(r)
	}
	r.waits = int64(len(found.living))
	if err := u.add(r); err != nil {
		return err
	}
	if err := u.flush(); err != nil {
		return err
	}
	if err := u.s.enterDeps(r, found); err != nil || found.failed == nil {
		return err
	}
	if r, err = u.s.load(r.key); err != nil {
		return err
	}
	return u.s.orphan(r, errand.StateDeferred, found.failed.job.ID, reasonOf(found.failed.job.State))
}

// orphan takes in a job that failed because of another one.
func (u *unpacker) orphan(r *record, p *errand.PackedJob) error {
	child := &record{key: r.key, job: r.job}
	child.job.DependsOn = []string{p.FailedBy}
	found, err := u.s.parentsOf(child)
	if err != nil {
		return err
	}
	if found.failed != nil {
		if err := u.s.enterDep(found.failed, r, depFailed); err != nil {
			return err
		}
	}
	return u.add(r)
}

func (u *unpacker) add(r *record) error {
	j := &r.job
	options, err := encodeOptions(&j.JobSpec)
	if err != nil {
		return err
	}
	history, err := encodeHistory(j.Attempts)
	if err != nil {
		return err
	}
	var progress []byte
	if j.Progress != nil {
		if progress, err = json.Marshal(j.Progress); err != nil {
			return err
		}
	}
	u.args = append(u.args, r.key, j.Queue, int64(j.State), r.rank(), j.Task, int64(j.Priority), r.flags, micros(j.CreatedAt),
		micros(j.ReadyAt), maybe(j.StartedAt), maybe(j.UnknownSince), maybe(r.expires), j.Token, int64(j.Attempt),
		int64(j.Recoveries), r.waits, j.Worker, orNull(j.Payload), orNull(options), orNull(history), orNull(progress),
		orNull(j.Result))
	if err := u.s.list(r); err != nil {
		return err
	}
	u.rows++
	u.q.add(j.State, 1)
	u.q.enqueued.add(u.s.now, 1)
	if u.rows == unpackSizes[0] {
		return u.flush()
	}
	return nil
}

// flush inserts what has gathered.
func (u *unpacker) flush() error {
	args := u.args
	for _, rows := range unpackSizes {
		for ; u.rows >= rows; u.rows -= rows {
			query := insertCarried + strings.Repeat(", "+insertCarriedRow, rows-1)
			if err := u.s.later(query, slices.Clone(args[:rows*carriedColumns])...); err != nil {
				return err
			}
			args = args[rows*carriedColumns:]
		}
	}
	clear(u.args)
	u.args = u.args[:0]
	return nil
}
