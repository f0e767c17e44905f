package sqlstore

import (
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/errandhq/errand"
)

// ErrAgain says that a session has relied on what it remembered, and was wrong. Its transaction is to be rolled back and
// done again; after [Session.Undo] it remembers nothing.
var ErrAgain = errors.New("what was remembered of claimed jobs does not hold")

// claimedMost bounds how many claimed jobs are remembered: twice as many at most.
const claimedMost = 10_000

// claimed remembers in which rows the jobs are that a session has claimed, so that those that succeed are deleted by
// ranges of rows and not one by one. Only rows that still belong to the same claim are deleted, and what is deleted is
// counted; so it need not be right.
type claimed struct {
	young, old map[uuid.UUID]claimedRow // when the young are too many they become the old, and the old are forgotten
}

type claimedRow struct {
	seq, token int64
	claim      *claimOf
}

// claimOf is one claim's part of one queue.
type claimOf struct {
	worker string
	number int64
	queue  string
}

func (c *claimed) put(key []byte, row claimedRow) {
	if len(c.young) >= claimedMost || c.young == nil {
		c.young, c.old = make(map[uuid.UUID]claimedRow), c.young
	}
	c.young[uuid.UUID(key)] = row
}

// take returns where a job is, and forgets it.
func (c *claimed) take(id uuid.UUID) (claimedRow, bool) {
	for _, rows := range []map[uuid.UUID]claimedRow{c.young, c.old} {
		if row, ok := rows[id]; ok {
			delete(rows, id)
			return row, true
		}
	}
	return claimedRow{}, false
}

func (c *claimed) forget() { c.young, c.old = nil, nil }

// succeedClaimed ends the attempts that succeeded of jobs whose rows are remembered, and returns the places of their
// outcomes. One of them that is not as remembered is [ErrAgain].
func (s *Session) succeedClaimed(outcomes []errand.Outcome) (map[int]bool, error) {
	if len(s.claimed.young)+len(s.claimed.old) == 0 {
		return nil, nil
	}
	type kind struct {
		claim *claimOf
		token int64
	}
	var gone map[int]bool
	seqs := make(map[kind][]int64)
	for i := range outcomes {
		o := &outcomes[i]
		id, err := uuid.Parse(o.ID)
		if err != nil || len(o.ID) != 36 {
			continue
		}
		// Whatever the outcome is: what comes after it for the same job has to look for itself.
		row, ok := s.claimed.take(id)
		if !ok || o.Event != errand.EventSucceeded || o.Keep > 0 || row.token != o.Token || row.claim.queue != o.Queue {
			continue
		}
		of := kind{row.claim, row.token}
		seqs[of] = append(seqs[of], row.seq)
		if gone == nil {
			gone = make(map[int]bool, len(outcomes))
		}
		gone[i] = true
	}
	for of, list := range seqs {
		if err := s.deleteClaimed(list, of.claim, of.token); err != nil {
			return nil, err
		}
	}
	for i := range gone {
		if err := s.countSucceeded(&outcomes[i]); err != nil {
			return nil, err
		}
	}
	return gone, nil
}

func (s *Session) deleteClaimed(seqs []int64, claim *claimOf, token int64) error {
	deleted, err := s.inRanges(seqs, func(r span) (int64, error) {
		return s.tx.Exec(deleteClaimedRange, r.first, r.last, token, claim.queue, claim.worker, claim.number)
	}, func() (int64, error) {
		return s.tx.Exec(deleteClaimedSeqs, seqs, token, claim.queue, claim.worker, claim.number)
	})
	if err == nil && deleted != int64(len(seqs)) {
		err = ErrAgain
	}
	return err
}

// span is a range of rows without a gap.
type span struct{ first, last int64 }

// jobsASpan is how many jobs a range has to have, on average, to be dearer as a list.
const jobsASpan = 8

// inRanges does something to rows by ranges without gaps, or by a list where the ranges would be too many, and says how
// many rows that changed. It sorts the list.
func (s *Session) inRanges(seqs []int64, do func(span) (int64, error), byList func() (int64, error)) (changed int64, err error) {
	slices.Sort(seqs)
	var spans []span
	for _, seq := range seqs {
		if n := len(spans); n > 0 && spans[n-1].last+1 == seq {
			spans[n-1].last = seq
			continue
		}
		spans = append(spans, span{seq, seq})
	}
	if len(spans) > 1 && len(spans)*jobsASpan > len(seqs) {
		return byList()
	}
	for _, r := range spans {
		n, err := do(r)
		if err != nil {
			return changed, err
		}
		changed += n
	}
	return changed, nil
}
