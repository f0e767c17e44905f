package redis

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/errandhq/errand"
)

const (
	defaultPage = 100
	largestPage = 1000
)

// Queues implements [errand.Inspector].
func (s *Store) Queues(ctx context.Context, now time.Time) ([]errand.QueueInfo, error) {
	c, err := s.begin(ctx, now, "list queues")
	if err != nil {
		return nil, err
	}
	defer c.done()
	names, err := s.names(c, s.queuesKey())
	if err != nil || len(names) == 0 {
		return nil, s.fail(c, err)
	}
	calls := make([]invocation, len(names))
	for i, name := range names {
		calls[i] = s.invoke(c, infoScript, name)
	}
	var infos []errand.QueueInfo
	for i, result := range s.runAll(c.ctx, calls...) {
		parts, err := result.ToArray()
		if err != nil {
			return nil, s.fail(c, err)
		}
		var text [6]string // used, paused, enqueued, finished, failed, oldest
		for n := range text {
			if !parts[n].IsNil() {
				text[n], err = parts[n].ToString()
			}
			if err != nil {
				return nil, s.fail(c, err)
			}
		}
		if text[0] == "" && text[1] == "" {
			continue
		}
		at := timeOf(c.now)
		info := errand.QueueInfo{
			Name: names[i], Paused: text[1] != "", Counts: make(map[errand.State]int64),
			Enqueued: meterOf(text[2], at), Finished: meterOf(text[3], at), Failed: meterOf(text[4], at),
		}
		if oldest, err := strconv.ParseInt(text[5], 10, 64); err == nil {
			info.Oldest = timeOf(oldest)
		}
		for _, state := range errand.States() {
			n, err := parts[5+state].AsInt64()
			if err != nil {
				return nil, s.fail(c, err)
			}
			if n > 0 {
				info.Counts[state] = n
			}
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// Job implements [errand.Inspector].
func (s *Store) Job(ctx context.Context, queue, id string) (*errand.Job, error) {
	c, err := s.begin(ctx, time.Time{}, "job")
	if err != nil {
		return nil, err
	}
	defer c.done()
	notFound := fmt.Errorf("job %s: %w", id, errand.ErrJobNotFound)
	key, ok := keyOf(id)
	if !ok {
		return nil, notFound
	}
	names := []string{queue}
	if queue == "" {
		if names, err = s.names(c, s.queuesKey()); err != nil {
			return nil, s.fail(c, err)
		}
	}
	calls := make([]invocation, len(names))
	for i, name := range names {
		calls[i] = s.invoke(c, getScript, name, "full", key)
	}
	if len(calls) == 0 {
		return nil, notFound
	}
	for i, result := range s.runAll(c.ctx, calls...) {
		reply, err := result.ToArray()
		if err != nil {
			return nil, s.fail(c, err)
		}
		if len(reply) == 0 || reply[0].IsNil() {
			continue
		}
		rec, err := decode(names[i], reply[0])
		if err != nil {
			return nil, s.fail(c, err)
		}
		return &rec.job, nil
	}
	return nil, notFound
}

// Jobs implements [errand.Inspector].
func (s *Store) Jobs(ctx context.Context, filter errand.JobFilter) (errand.JobPage, error) {
	c, err := s.begin(ctx, time.Time{}, "list jobs")
	if err != nil {
		return errand.JobPage{}, err
	}
	defer c.done()
	found, next, err := (&lister{Store: s, c: c}).page(&filter)
	if err != nil {
		return errand.JobPage{}, s.fail(c, err)
	}
	page := errand.JobPage{Next: next}
	for _, rec := range found {
		page.Jobs = append(page.Jobs, &rec.job)
	}
	return page, nil
}

// lister lists jobs.
type lister struct {
	*Store
	c *call
}

// page finds a page of jobs, and the cursor of the next one; an empty cursor means that there are no more.
func (l *lister) page(filter *errand.JobFilter) (found []*record, next string, err error) {
	limit := filter.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	limit = min(limit, largestPage)
	after, err := readCursor(filter.Cursor)
	if err != nil {
		return nil, "", err
	}
	names := []string{filter.Queue}
	if filter.Queue == "" {
		if names, err = l.names(l.c, l.queuesKey()); err != nil {
			return nil, "", err
		}
	}
	states := errand.States()
	if filter.State != 0 {
		states = []errand.State{filter.State}
	}
	visit := func(rec *record) bool {
		if filter.Task == "" || rec.job.Task == filter.Task {
			found = append(found, rec)
		}
		return len(found) <= limit // one more says that there is another page
	}
	for _, state := range states {
		if state > errand.StateCanceled {
			continue
		}
		if after != nil && slices.Index(errand.States(), state) < slices.Index(errand.States(), after.State) {
			continue
		}
		for _, name := range names {
			from := after
			switch {
			case after == nil || state != after.State || name > after.Queue:
				from = nil
			case name < after.Queue:
				continue
			}
			if err := l.walk(name, state, filter.Newest, from, visit); err != nil {
				return nil, "", err
			}
			if len(found) > limit {
				return found[:limit], cursorOf(found[limit-1]).text(), nil
			}
		}
	}
	return found, "", nil
}

// walk visits the jobs of one queue and state that come after the cursor, while visit returns true.
func (l *lister) walk(queue string, state errand.State, newest bool, after *cursor, visit func(*record) bool) error {
	const step = 200
	order := "0"
	if newest {
		order = "1"
	}
	for {
		args := []string{itoa(int64(state)), order, itoa(step), "", "", ""}
		if after != nil {
			args[3], args[4], args[5] = itoa(after.Priority), itoa(after.Time), after.member()
		}
		reply, err := l.runOn(l.c, pageScript, queue, args...).ToArray()
		if err != nil {
			return err
		}
		for _, m := range reply {
			rec, err := decode(queue, m)
			if err != nil {
				return err
			}
			rec.job.State = state
			after = cursorOf(rec)
			if !visit(rec) {
				return nil
			}
		}
		if len(reply) < step {
			return nil
		}
	}
}

// cursor is the place of a job in the listings. It is valid when the job is no longer there.
type cursor struct {
	State    errand.State
	Queue    string
	Priority int
	Time     int64 // microseconds since 1970
	Arrival  int64
	Key      []byte
}

func cursorOf(rec *record) *cursor {
	j := &rec.job
	at := j.ReadyAt
	switch {
	case j.State == errand.StateStarted:
		at = j.LeaseUntil
	case j.State.Final():
		at = j.EndedAt
	}
	return &cursor{
		State: j.State, Queue: j.Queue, Priority: j.Priority, Time: micros(at), Arrival: rec.seq, Key: []byte(rec.key),
	}
}

// member is the job's place in the set of its state, among those of the same time.
func (c *cursor) member() string {
	var arrival [8]byte
	binary.BigEndian.PutUint64(arrival[:], uint64(c.Arrival)) //nolint:gosec // it is not negative
	return string(arrival[2:]) + string(c.Key)
}

func (c *cursor) text() string {
	b, _ := json.Marshal(c) //nolint:errchkjson // numbers and strings only
	return base64.RawURLEncoding.EncodeToString(b)
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
