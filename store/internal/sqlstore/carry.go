package sqlstore

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

const (
	parcelBytes  = 2 << 20 // roughly, at which a parcel is full; it has one job or message at least
	parcelLength = 1000
)

// Identity returns the store's name for itself; fresh is the one that it gets where it has none.
func (s *Session) Identity(fresh string) (name string, err error) {
	found, err := one(s.tx, identity, func(row Row) error {
		name = row.Text(0)
		return nil
	})
	if found || err != nil {
		return name, err
	}
	_, err = s.tx.Exec(insertIdentity, fresh)
	return fresh, err
}

// Pack is errand.Carrier's.
func (s *Session) Pack(req errand.PackRequest) (errand.Parcel, error) {
	parcel, err := s.pack(&req, false, s.packJobs)
	if err != nil {
		return errand.Parcel{}, fmt.Errorf("pack jobs of %q: %w", req.Queue, err)
	}
	return parcel, nil
}

// PackMessages is errand.Carrier's.
func (s *Session) PackMessages(req errand.PackRequest) (errand.Parcel, error) {
	parcel, err := s.pack(&req, true, s.packMessages)
	if err != nil {
		return errand.Parcel{}, fmt.Errorf("pack messages of %q: %w", req.Queue, err)
	}
	return parcel, nil
}

// pack returns the parcel of a queue that was not delivered yet, or has fill make one.
func (s *Session) pack(
	req *errand.PackRequest, messages bool, fill func(*errand.PackRequest, *errand.Parcel) error,
) (parcel errand.Parcel, err error) {
	if err := s.begin(req.Now); err != nil {
		return parcel, err
	}
	var body []byte
	pending, err := one(s.tx, pendingParcel, func(row Row) error {
		parcel = errand.Parcel{To: row.Text(0), Token: row.Text(1), Number: row.Int(2), Queue: req.Queue, Next: req.Cursor}
		body = row.Blob(3)
		return nil
	}, req.Queue, intOf(messages))
	switch {
	case err != nil:
		return parcel, err
	case pending && parcel.To != req.To:
		return errand.Parcel{}, errand.ErrMoveUnderWay
	case pending:
		return parcel, openParcel(body, &parcel)
	case req.Limit <= 0:
		return errand.Parcel{Queue: req.Queue, Next: req.Cursor}, nil
	}
	if err := fill(req, &parcel); err != nil {
		return parcel, err
	}
	if len(parcel.Jobs)+len(parcel.Messages) == 0 {
		parcel.Queue = req.Queue
		return parcel, nil
	}
	parcel.To, parcel.Token, parcel.Number, parcel.Queue = req.To, req.Token, req.Number, req.Queue
	if body, err = closeParcel(&parcel); err != nil {
		return parcel, err
	}
	_, err = s.tx.Exec(insertParcel, req.Queue, intOf(messages), req.To, req.Token, req.Number, micros(s.now), body)
	return parcel, err
}

// parcelBody is what is stored of a parcel, by encoding/gob, which keeps texts that are no UTF-8 as they are.
type parcelBody struct {
	Jobs     []errand.PackedJob
	Messages [][]byte
}

func closeParcel(parcel *errand.Parcel) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(parcelBody{parcel.Jobs, parcel.Messages})
	return b.Bytes(), err
}

func openParcel(body []byte, parcel *errand.Parcel) error {
	var b parcelBody
	if err := gob.NewDecoder(bytes.NewReader(body)).Decode(&b); err != nil {
		return fmt.Errorf("%w: a parcel cannot be read: %w", errand.ErrCorrupt, err)
	}
	parcel.Jobs, parcel.Messages = b.Jobs, b.Messages
	return nil
}

// packJobs takes jobs out of the store.
func (s *Session) packJobs(req *errand.PackRequest, parcel *errand.Parcel) error {
	if req.State == errand.StateStarted || req.State == 0 {
		return fmt.Errorf("%w: jobs that are %v cannot be packed", errand.ErrInvalid, req.State)
	}
	found, next, err := s.page(&errand.JobFilter{Queue: req.Queue, State: req.State, Limit: req.Limit, Cursor: req.Cursor})
	if err != nil || len(found) == 0 {
		return err
	}
	parcel.Next = next
	if found, err = s.reload(found); err != nil {
		return err
	}
	parents, err := s.stillHere(found)
	if err != nil {
		return err
	}
	packed := s.rows()
	size := 0
	for i, r := range found {
		switch {
		case r == nil || r.job.State != req.State || r.job.Queue != req.Queue: // another transaction was faster
			continue
		case parents[i]:
			parcel.Passed++
			continue
		}
		p, err := s.packJob(r)
		if err != nil {
			return fmt.Errorf("job %s: %w", r.job.ID, err)
		}
		parcel.Jobs = append(parcel.Jobs, p)
		packed.add(r.seq, r.key)
		if size += weightOf(&r.job); size >= parcelBytes && i < len(found)-1 {
			parcel.Next = cursorOf(r)
			break
		}
	}
	if packed.len() == 0 {
		return nil
	}
	q, err := s.queue(req.Queue)
	if err != nil {
		return err
	}
	q.add(req.State, -int64(packed.len()))
	_, err = s.tx.Exec(deleteJobs, packed.list())
	return err
}

// weightOf is about how many bytes a job has.
func weightOf(job *errand.Job) int {
	size := 200 + len(job.Payload) + len(job.Result)
	for i := range job.Attempts {
		rec := &job.Attempts[i]
		size += 100 + len(rec.Error) + len(rec.Stack)
		for _, line := range rec.Log {
			size += len(line)
		}
	}
	return size
}

// reload locks jobs and reads them again, in their order; nil for one that is gone.
func (s *Session) reload(found []*record) ([]*record, error) {
	places := make(map[int64]int, len(found))
	rows := s.rows()
	for i, r := range found {
		places[r.seq] = i
		rows.add(r.seq, r.key)
	}
	again := make([]*record, len(found))
	err := s.tx.Query(jobsAgain, func(row Row) error {
		r := &record{}
		r.read(row)
		r.job.Payload = some(row.Blob(payloadColumn))
		if i, same := places[r.seq]; same {
			again[i] = r
		}
		return nil
	}, rows.list())
	return again, err
}

// stillHere says, per job, whether one that it waits for, or because of which it failed, is in the store.
func (s *Session) stillHere(found []*record) (map[int]bool, error) {
	here := make(map[int]bool)
	for i, r := range found {
		if r == nil || r.flags&flagParents == 0 {
			continue
		}
		err := s.eachParent(r, func(parent []byte, kind int64) error {
			if kind == depPast {
				return nil
			}
			in, err := one(s.tx, jobExists, func(Row) error { return nil }, parent)
			here[i] = here[i] || in
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return here, nil
}

// eachParent calls each for those that a job depends on and what binds it to them.
func (s *Session) eachParent(r *record, each func(parent []byte, kind int64) error) error {
	for i, id := range r.job.DependsOn {
		key, ok := keyOf(id)
		if !ok || slices.Contains(r.job.DependsOn[:i], id) {
			continue
		}
		kind := int64(depPast)
		found, err := one(s.tx, depKind, func(row Row) error {
			kind = row.Int(0)
			return nil
		}, key, r.key)
		if err == nil && found {
			err = each(key, kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// packJob is a job and what only the store knows of it; but for its row, which the caller deletes, nothing of it is left.
// What binds its children to it stays, for they are packed later.
func (s *Session) packJob(r *record) (errand.PackedJob, error) {
	p := errand.PackedJob{Job: r.job, Parent: r.flags&flagChildren != 0, ExpiresAt: r.expires}
	if r.broken != nil && !r.job.State.Final() { // it would fail when it is claimed
		p.Job.State, p.Job.EndedAt = errand.StateFailed, s.now
	}
	if !r.expires.IsZero() {
		if err := s.unlist([][]byte{r.key}); err != nil {
			return p, err
		}
	}
	if r.flags&flagUnique != 0 {
		holds, freeAt, err := s.ownKey(r)
		if err != nil {
			return p, err
		}
		p.HoldsKey, p.KeyUntil = holds && !r.job.State.Final(), freeAt
		if err := s.free(r); err != nil {
			return p, err
		}
	}
	if r.flags&flagParents != 0 {
		err := s.eachParent(r, func(parent []byte, kind int64) error {
			switch {
			case kind == depWaits && p.Job.State == errand.StateDeferred:
				p.WaitsFor = append(p.WaitsFor, idOf(parent))
			case kind == depFailed && p.Job.State == errand.StateFailed:
				p.FailedBy = idOf(parent)
			}
			_, err := s.tx.Exec(deleteDep, parent, r.key)
			return err
		})
		if err != nil {
			return p, err
		}
	}
	s.tell(errand.JobTopic(r.job.ID))
	return p, nil
}

// ownKey says whether a job has its unique key, and until when at most.
func (s *Session) ownKey(r *record) (holds bool, freeAt time.Time, err error) {
	if r.flags&flagUnique == 0 {
		return false, freeAt, nil
	}
	_, err = one(s.tx, uniqueHolder, func(row Row) error {
		holds, freeAt = sameKey(row.Blob(0), r.key), timeOf(row.Int(1))
		return nil
	}, r.job.Queue, []byte(r.job.UniqueKey))
	if !holds {
		freeAt = time.Time{}
	}
	return holds && (freeAt.IsZero() || freeAt.After(s.now)), freeAt, err
}

// packMessages takes messages out of the store.
func (s *Session) packMessages(req *errand.PackRequest, parcel *errand.Parcel) error {
	q, err := s.messageQueue(req.Queue)
	if err != nil {
		return err
	}
	var seqs []int64
	size := 0
	err = s.tx.Query(messagesToPack, func(row Row) error {
		if size >= parcelBytes {
			return nil
		}
		body := some(row.Blob(1))
		parcel.Messages, seqs = append(parcel.Messages, body), append(seqs, row.Int(0))
		size += 50 + len(body)
		return nil
	}, req.Queue, int64(min(req.Limit, parcelLength)))
	if err != nil || len(seqs) == 0 {
		return err
	}
	if s.dialect.Shared {
		return s.tookMessages(req.Queue, seqs, false)
	}
	q.length -= int64(len(seqs))
	q.changed = true
	_, err = s.tx.Exec(deleteMessages, req.Queue, seqs[len(seqs)-1])
	return err
}

// Delivered is errand.Carrier's.
func (s *Session) Delivered(parcel *errand.Parcel) error {
	_, err := s.tx.Exec(deleteParcel, parcel.Queue, parcel.Token, parcel.Number)
	if err != nil {
		return fmt.Errorf("parcel of %q: %w", parcel.Queue, err)
	}
	return nil
}
