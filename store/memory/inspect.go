package memory

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

const (
	defaultPage = 100
	largestPage = 1000
)

// Queues implements [errand.Inspector].
func (s *Store) Queues(ctx context.Context, now time.Time) ([]errand.QueueInfo, error) {
	t, err := s.begin(ctx, "list queues", now)
	if err != nil {
		return nil, err
	}
	defer t.end()
	var infos []errand.QueueInfo
	for _, q := range t.sortedQueues() {
		if !q.used && !q.paused {
			continue
		}
		info := errand.QueueInfo{
			Name: q.name, Paused: q.paused, Oldest: q.oldest(), Counts: make(map[errand.State]int64),
			Enqueued: q.enqueued.read(t.now), Finished: q.finished.read(t.now), Failed: q.failed.read(t.now),
		}
		for _, state := range errand.States() {
			if n := q.byState[state].Len(); n > 0 {
				info.Counts[state] = int64(n)
			}
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (t *turn) sortedQueues() []*queue {
	queues := make([]*queue, 0, len(t.queues))
	for _, name := range slices.Sorted(maps.Keys(t.queues)) {
		queues = append(queues, t.queues[name])
	}
	return queues
}

// Job implements [errand.Inspector].
func (s *Store) Job(ctx context.Context, queue, id string) (*errand.Job, error) {
	t, err := s.begin(ctx, "job", time.Time{})
	if err != nil {
		return nil, err
	}
	defer t.end()
	e := t.jobs[id]
	if e == nil || (queue != "" && e.job.Queue != queue) {
		return nil, fmt.Errorf("job %s: %w", id, errand.ErrJobNotFound)
	}
	return cloneJob(&e.job), nil
}

// Jobs implements [errand.Inspector].
func (s *Store) Jobs(ctx context.Context, filter errand.JobFilter) (errand.JobPage, error) {
	t, err := s.begin(ctx, "list jobs", time.Time{})
	if err != nil {
		return errand.JobPage{}, err
	}
	defer t.end()
	found, next, err := t.page(&filter)
	if err != nil {
		return errand.JobPage{}, fmt.Errorf("list jobs: %w", err)
	}
	page := errand.JobPage{Next: next}
	for _, e := range found {
		page.Jobs = append(page.Jobs, cloneJob(&e.job))
	}
	return page, nil
}

// page finds a page of jobs, and the cursor of the next one; an empty cursor means that there are no more.
func (t *turn) page(filter *errand.JobFilter) ([]*entry, string, error) {
	limit := filter.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	limit = min(limit, largestPage)
	after, err := readCursor(filter.Cursor)
	if err != nil {
		return nil, "", err
	}
	states := errand.States()
	if filter.State != 0 {
		states = []errand.State{filter.State}
	}
	var found []*entry
	visit := func(e *entry) bool {
		if filter.Task == "" || e.job.Task == filter.Task {
			found = append(found, e)
		}
		return len(found) <= limit // one more says that there is another page
	}
	for _, state := range states {
		if after != nil && slices.Index(errand.States(), state) < slices.Index(errand.States(), after.State) {
			continue
		}
		for _, q := range t.sortedQueues() {
			if filter.Queue != "" && q.name != filter.Queue || int(state) >= len(q.byState) {
				continue
			}
			q.walk(state, filter.Newest, after, visit)
			if len(found) > limit {
				return found[:limit], cursorOf(found[limit-1]), nil
			}
		}
	}
	return found, "", nil
}

// walk visits the jobs of one state that come after the cursor, while visit returns true.
func (q *queue) walk(state errand.State, newest bool, after *cursor, visit func(*entry) bool) {
	tree := q.byState[state]
	if after != nil && state == after.State && q.name < after.Queue {
		return
	}
	if after == nil || state != after.State || q.name != after.Queue {
		if newest {
			tree.Descend(visit)
		} else {
			tree.Ascend(visit)
		}
		return
	}
	pivot := after.entry()
	beyond := func(e *entry) bool { return e.arrival == pivot.arrival || visit(e) }
	if newest {
		tree.DescendLessOrEqual(pivot, beyond)
	} else {
		tree.AscendGreaterOrEqual(pivot, beyond)
	}
}

// cursor is the place of a job in the listings. It is valid when the job is no longer there.
type cursor struct {
	State    errand.State
	Queue    string
	Priority int
	Time     int64 // microseconds since 1970
	Arrival  int64
}

func cursorOf(e *entry) string {
	c := cursor{
		State: e.job.State, Queue: e.job.Queue, Priority: e.job.Priority,
		Time: orderTime(e.job.State)(e).UnixMicro(), Arrival: e.arrival,
	}
	text, _ := json.Marshal(c) //nolint:errchkjson // numbers and strings only
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
		return nil, fmt.Errorf("%w: cursor %q", errand.ErrInvalid, text)
	}
	return &c, nil
}

// entry makes an entry that is at the cursor's place.
func (c *cursor) entry() *entry {
	e := &entry{arrival: c.Arrival}
	e.job.Priority = c.Priority
	*orderTime(c.State)(e) = time.UnixMicro(c.Time).UTC()
	return e
}

// Pause implements [errand.Inspector].
func (s *Store) Pause(ctx context.Context, now time.Time, queue string) error {
	t, err := s.begin(ctx, "pause", now)
	if err != nil {
		return err
	}
	defer t.end()
	t.queue(queue).paused = true
	return nil
}

// Resume implements [errand.Inspector].
func (s *Store) Resume(ctx context.Context, now time.Time, queue string) error {
	t, err := s.begin(ctx, "resume", now)
	if err != nil {
		return err
	}
	defer t.end()
	t.queue(queue).paused = false
	t.tell(errand.QueueTopic, queue)
	return nil
}
