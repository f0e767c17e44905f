package sqlstore

import (
	"sync"

	"github.com/google/uuid"
)

// Remember has the session note where the jobs are that it claims, and use that where they are settled, unless it is to be
// careful. What does not hold is [ErrAgain].
func (s *Session) Remember(places *Places) {
	if s.dialect.Succeed == nil {
		s.places = places
	}
}

// Places remembers where the jobs are that were claimed through one store, by any session: their seq, which stays a job's own
// for ever. It knows only those to which nothing else refers, and may forget any.
type Places struct {
	mu    sync.Mutex
	seqs  map[uuid.UUID]int64
	last  int64 // of the rows of the last claim
	ahead int64 // the last row that was read ahead
}

const maxPlaces = 100_000

// How far a settle reads ahead of claims.
const (
	aheadFrom = 100  // jobs that are settled at once, or it does not
	aheadBy   = 4000 // rows
	aheadStep = 25   // rows, of which a page mostly has more
)

func (p *Places) note(rows []chosenRow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seqs == nil || len(p.seqs)+len(rows) > maxPlaces {
		p.seqs = make(map[uuid.UUID]int64)
	}
	p.last = 0
	for _, r := range rows {
		p.last = max(p.last, r.seq)
		if r.flags == 0 {
			p.seqs[uuid.UUID(r.key)] = r.seq
		}
	}
}

// toRead returns rows, one a page, that claims will soon come to and that were not read ahead yet. Mostly jobs are claimed in the
// order in which they came.
func (p *Places) toRead() (seqs []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	end := p.last + aheadBy
	if p.ahead < p.last || p.ahead > end {
		p.ahead = p.last
	}
	for ; p.ahead+aheadStep <= end; p.ahead += aheadStep {
		seqs = append(seqs, p.ahead+aheadStep)
	}
	return seqs
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
			return nil, nil, ErrAgain
		}
	}
	return deleted, left, s.readAhead(len(deleted))
}

// readAhead has the server read from its disk what claims, which are under way beside this, would else wait for.
func (s *Session) readAhead(settled int) error {
	if settled < aheadFrom {
		return nil
	}
	rows := s.places.toRead()
	if len(rows) == 0 {
		return nil
	}
	return s.later(touchRows, rows)
}
