package sqlstore

import (
	"errors"
	"sync"

	"github.com/google/uuid"

	"github.com/errandhq/errand"
)

// This file is how a session goes that is not careful, see [Session.Careful], beyond supposing that jobs are new: it deletes
// jobs where it believes them to be, and asks all that a claim must know at once.

// ErrInTheWay says that something is not as the session supposed. The transaction is to be done again, carefully.
var ErrInTheWay = errors.New("something is in the way of the quick transaction")

// Remember has the session note where the jobs are that it claims, and use that where they are settled.
func (s *Session) Remember(places *Places) {
	if s.dialect.Succeed == nil {
		s.places = places
	}
}

// Places remembers where the jobs are that were claimed through one store: their seq, which stays a job's own for ever. It
// knows those only to which nothing else refers, and none is too much for it to forget.
type Places struct {
	mu   sync.Mutex
	seqs map[uuid.UUID]int64
}

const maxPlaces = 100_000

func (p *Places) note(jobs []*errand.Job, seqs []int64, flags []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seqs == nil || len(p.seqs)+len(jobs) > maxPlaces {
		p.seqs = make(map[uuid.UUID]int64)
	}
	for i, job := range jobs {
		if id, err := uuid.Parse(job.ID); err == nil && flags[i] == 0 {
			p.seqs[id] = seqs[i]
		}
	}
}

// take returns where a job is, and forgets it.
func (p *Places) take(key []byte) (seq int64, known bool) {
	id := uuid.UUID(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	seq, known = p.seqs[id]
	delete(p.seqs, id)
	return seq, known
}

// lease is what a group of jobs that one statement deletes has in common.
type lease struct {
	queue string
	token int64
}

const maxLeases = 4 // groups that are worth a statement each

// succeedPlaced deletes, of the jobs that succeeded, those whose place is known, and returns their keys and what is left. All
// of a group must be there as this worker got them.
func (s *Session) succeedPlaced(worker string, keys [][]byte, tokens []int64, queues []string) (deleted [][]byte, left []int, err error) {
	groups := make(map[lease][]int64)
	for i, key := range keys {
		l := lease{queues[i], tokens[i]}
		_, begun := groups[l]
		seq, known := int64(0), false
		if begun || len(groups) < maxLeases {
			seq, known = s.places.take(key)
		}
		if !known {
			left = append(left, i)
			continue
		}
		groups[l] = append(groups[l], seq)
		deleted = append(deleted, key)
	}
	for l, seqs := range groups {
		n, err := s.tx.Exec(deletePlaced, seqs, l.token, l.queue, s.dialect.holder(worker))
		if err != nil {
			return nil, nil, err
		}
		if n != int64(len(seqs)) {
			return nil, nil, ErrInTheWay
		}
	}
	return deleted, left, nil
}

// claimQuick is Claim from one queue, where all that it has to look at is asked at once. done is false where it must be
// done step by step; then nothing has been changed.
func (s *Session) claimQuick(req *errand.ClaimRequest) (reply errand.ClaimReply, done bool, err error) {
	asker, ok := s.tx.(Asker)
	if !ok || s.careful || len(req.Queues) != 1 || req.Limit <= 0 || req.Limit > maxPage {
		return reply, false, nil
	}
	q, err := s.queue(req.Queues[0])
	if err != nil {
		return reply, false, err
	}
	c := chooser{s: s, req: req, lastChance: req.LastChance}
	var due, last, read int64
	err = asker.Ask(
		Question{queuePaused, []any{q.name}, func(row Row) error {
			q.paused = row.Int(0) != 0
			return nil
		}},
		Question{firstScheduled, []any{q.name}, func(row Row) error {
			due = row.Int(0)
			return nil
		}},
		Question{lastClaim, []any{req.Worker}, func(row Row) error {
			last, c.known = row.Int(0), true
			return nil
		}},
		Question{queuedFirst, []any{q.name, int64(req.Limit)}, func(row Row) error {
			read++
			_, err := c.consider(q, row)
			return err
		}},
	)
	passedOver := read == int64(req.Limit) && len(c.jobs) < req.Limit
	if err != nil || q.paused || passedOver || due != 0 && due <= micros(s.now) || req.Number > 0 && req.Number <= last {
		return reply, false, err
	}
	if taken := int64(len(c.jobs)); taken > 0 {
		q.add(errand.StateQueued, -taken)
		q.add(errand.StateStarted, taken)
	}
	noteDue(&reply, timeOf(due))
	reply.Jobs = c.jobs
	return reply, true, c.start(max(req.Number, last))
}
