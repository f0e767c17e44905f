package sqlstore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

const (
	defaultPage = 100
	largestPage = 1000
)

// Queues is errand.Inspector's.
func (s *Session) Queues(now time.Time) ([]errand.QueueInfo, error) {
	if err := s.begin(now); err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	listing, err := s.List()
	return listing.Infos(s.now), err
}

// Listing is what [Session.List] found. It is not changed any more.
type Listing []listed

type listed struct {
	queue  *queue
	oldest time.Time
}

// Infos is the answer of [Session.Queues] for a time, while nothing changes.
func (l Listing) Infos(now time.Time) []errand.QueueInfo {
	var infos []errand.QueueInfo
	for _, one := range l {
		info := one.queue.info(micro(now))
		info.Oldest = one.oldest
		infos = append(infos, info)
	}
	return infos
}

// List reads all queues.
func (s *Session) List() (Listing, error) {
	queues, err := s.allQueues()
	if err != nil {
		return nil, err
	}
	var listing Listing
	for _, q := range queues {
		if !q.used() && !q.paused {
			continue
		}
		oldest, err := s.oldest(q)
		if err != nil {
			return nil, fmt.Errorf("list queues: %q: %w", q.name, err)
		}
		listing = append(listing, listed{q, oldest})
	}
	return listing, nil
}

// oldest returns the ReadyAt of the job that waits longest, zero when none is queued: the first of each priority.
func (s *Session) oldest(q *queue) (time.Time, error) {
	var oldest time.Time
	for slot := int64(0); q.has(errand.StateQueued) && slot <= errand.MaxPriority; slot++ {
		rank, ok, err := s.firstRank(firstQueued, q.name, slot<<56)
		if err != nil || !ok {
			return oldest, err
		}
		slot = rank >> 56
		if ready := timeOf(rank & (1<<56 - 1)); oldest.IsZero() || ready.Before(oldest) {
			oldest = ready
		}
	}
	return oldest, nil
}

// Job is errand.Inspector's.
func (s *Session) Job(queue, id string) (*errand.Job, error) {
	notFound := fmt.Errorf("job %.100s: %w", id, errand.ErrJobNotFound)
	key, ok := keyOf(id)
	if !ok {
		return nil, notFound
	}
	var r record
	found, err := one(s.tx, jobWithPayload, func(row Row) error {
		r.read(row)
		r.job.Payload = some(row.Blob(payloadColumn))
		return nil
	}, key)
	switch {
	case err != nil:
		return nil, fmt.Errorf("job %s: %w", id, err)
	case !found, queue != "" && r.job.Queue != queue:
		return nil, notFound
	}
	return &r.job, nil
}

// Jobs is errand.Inspector's.
func (s *Session) Jobs(filter errand.JobFilter) (errand.JobPage, error) {
	found, next, err := s.page(&filter)
	if err != nil {
		return errand.JobPage{}, fmt.Errorf("list jobs: %w", err)
	}
	page := errand.JobPage{Next: next}
	for _, r := range found {
		page.Jobs = append(page.Jobs, &r.job)
	}
	return page, nil
}

// page finds a page of jobs, and the cursor of the next one; an empty cursor means that there are no more.
func (s *Session) page(filter *errand.JobFilter) ([]*record, string, error) {
	limit := filter.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	limit = min(limit, largestPage)
	after, err := readCursor(filter.Cursor)
	if err != nil {
		return nil, "", err
	}
	queues, err := s.allQueues()
	if err != nil {
		return nil, "", err
	}
	states := errand.States()
	if filter.State != 0 {
		states = []errand.State{filter.State}
	}
	var found []*record
	for _, state := range states {
		for _, q := range queues {
			if filter.Queue != "" && q.name != filter.Queue || int(state) >= len(q.count) || !q.has(state) {
				continue
			}
			if found, err = s.walk(q, state, filter, after, found, limit+1); err != nil {
				return nil, "", fmt.Errorf("queue %q: %w", q.name, err)
			}
			if len(found) > limit { // the one more says that there is another page
				return found[:limit], cursorOf(found[limit-1]), nil
			}
		}
	}
	return found, "", nil
}

// walk adds the jobs of one queue and state that come after the cursor, until there are limit.
func (s *Session) walk(
	q *queue, state errand.State, filter *errand.JobFilter, after *cursor, found []*record, limit int,
) ([]*record, error) {
	beside, beyond, rank := besideAscending, beyondAscending, int64(math.MinInt64)
	if filter.Newest {
		beside, beyond, rank = besideDescending, beyondDescending, math.MaxInt64
	}
	add := func(row Row) error {
		r := &record{}
		r.read(row)
		r.job.Payload = some(row.Blob(payloadColumn))
		found = append(found, r)
		return nil
	}
	if after != nil {
		switch place := after.compare(state, q.name); {
		case place > 0:
			return found, nil
		case place == 0:
			rank = after.Rank
			err := s.tx.Query(inState(beside, state), add, q.name, rank, after.Seq, filter.Task, filter.Task, int64(limit-len(found)))
			if err != nil || len(found) >= limit || s.dialect.Places {
				return found, err
			}
		}
	}
	err := s.tx.Query(inState(beyond, state), add, q.name, rank, filter.Task, filter.Task, int64(limit-len(found)))
	return found, err
}

// cursor is the place of a job in the listings. It is valid when the job is no longer there.
type cursor struct {
	State errand.State
	Queue string
	Rank  int64
	Seq   int64
}

// compare says whether the cursor lies after (1), in (0) or before (-1) a state and queue.
func (c *cursor) compare(state errand.State, queue string) int {
	own, other := slices.Index(errand.States(), c.State), slices.Index(errand.States(), state)
	switch {
	case own > other, own == other && c.Queue > queue:
		return 1
	case own == other && c.Queue == queue:
		return 0
	default:
		return -1
	}
}

func cursorOf(r *record) string {
	c := cursor{State: r.job.State, Queue: r.job.Queue, Rank: r.rank(), Seq: r.seq}
	text, _ := json.Marshal(c) // numbers and strings only
	return base64.RawURLEncoding.EncodeToString(text)
}

func readCursor(text string) (*cursor, error) {
	if text == "" {
		return nil, nil
	}
	var c cursor
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.State == 0 {
		return nil, fmt.Errorf("%w: cursor %.200q", errand.ErrInvalid, text)
	}
	return &c, nil
}

// Pause is errand.Inspector's.
func (s *Session) Pause(now time.Time, name string) error { return s.setPaused(now, name, true) }

// Resume is errand.Inspector's.
func (s *Session) Resume(now time.Time, name string) error { return s.setPaused(now, name, false) }

func (s *Session) setPaused(now time.Time, name string, paused bool) error {
	if err := s.begin(now); err != nil {
		return err
	}
	q, err := s.queueToClaim(name)
	if err != nil || q.paused == paused {
		return err
	}
	if s.dialect.Shared {
		if _, err := s.tx.Exec(pauseQueue, name, intOf(paused)); err != nil {
			return err
		}
	}
	q.paused, q.changed = paused, true
	if !paused {
		s.tell(errand.QueueTopic(name))
	}
	return nil
}
