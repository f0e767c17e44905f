package memory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// messageQueue is a list of messages. Those before head are taken.
type messageQueue struct {
	list      [][]byte
	head      int
	put, got  meter
	producers map[string]producer
}

// producer is what is known of somebody who enqueues or puts.
type producer struct {
	last  int64 // the number of its last request
	seen  time.Time
	reply []error // to that request; of those who enqueue only
}

func (q *messageQueue) len() int { return len(q.list) - q.head }

// Put implements [errand.Messages]. A producer's numbers are apart for each queue.
func (s *Store) Put(ctx context.Context, req errand.PutRequest) error {
	t, err := s.begin(ctx, "put", req.Now)
	if err != nil {
		return err
	}
	defer t.end()
	if len(req.Messages) == 0 {
		return nil
	}
	q := t.messages[req.Queue]
	if q == nil {
		q = &messageQueue{producers: make(map[string]producer)}
		t.messages[req.Queue] = q
	}
	if req.Producer != "" {
		p := q.producers[req.Producer]
		if req.Number <= p.last {
			return nil // sent again
		}
		q.producers[req.Producer] = producer{last: req.Number, seen: later(p.seen, t.now.Add(req.Remember))}
	}
	for _, message := range req.Messages {
		q.list = append(q.list, clone(message))
	}
	q.put.add(t.now, len(req.Messages))
	t.tell(errand.MessageTopic, req.Queue)
	return nil
}

// Pop implements [errand.Messages].
func (s *Store) Pop(ctx context.Context, now time.Time, queue string, limit int) ([][]byte, error) {
	t, err := s.begin(ctx, "pop", now)
	if err != nil {
		return nil, err
	}
	defer t.end()
	q := t.messages[queue]
	if q == nil || limit <= 0 || q.len() == 0 {
		return nil, nil
	}
	popped := q.take(limit)
	q.got.add(t.now, len(popped))
	return popped, nil
}

// take removes up to limit messages.
func (q *messageQueue) take(limit int) [][]byte {
	n := min(limit, q.len())
	taken := slices.Clone(q.list[q.head : q.head+n])
	clear(q.list[q.head : q.head+n])
	q.head += n
	if q.head > len(q.list)/2 { // so that each message is moved once at most, on average
		q.list, q.head = slices.Delete(q.list, 0, q.head), 0
	}
	return taken
}

// Len implements [errand.Messages].
func (s *Store) Len(ctx context.Context, queue string) (int64, error) {
	t, err := s.begin(ctx, "len", time.Time{})
	if err != nil {
		return 0, err
	}
	defer t.end()
	q := t.messages[queue]
	if q == nil {
		return 0, nil
	}
	return int64(q.len()), nil
}

// Clear implements [errand.Messages].
func (s *Store) Clear(ctx context.Context, now time.Time, queue string) (int64, error) {
	t, err := s.begin(ctx, "clear", now)
	if err != nil {
		return 0, err
	}
	defer t.end()
	q := t.messages[queue]
	if q == nil {
		return 0, nil
	}
	n := q.len()
	q.list, q.head = nil, 0
	return int64(n), nil
}

// MessageQueues implements [errand.Messages].
func (s *Store) MessageQueues(ctx context.Context, now time.Time) ([]errand.MessageQueueInfo, error) {
	t, err := s.begin(ctx, "list message queues", now)
	if err != nil {
		return nil, err
	}
	defer t.end()
	var infos []errand.MessageQueueInfo
	for _, name := range slices.Sorted(maps.Keys(t.messages)) {
		q := t.messages[name]
		infos = append(infos, errand.MessageQueueInfo{
			Name: name, Len: int64(q.len()), Put: q.put.read(t.now), Got: q.got.read(t.now),
		})
	}
	return infos, nil
}

// Bury implements [errand.Messages].
func (s *Store) Bury(ctx context.Context, now time.Time, spec errand.JobSpec, rec errand.AttemptRecord) error {
	t, err := s.begin(ctx, "bury", now)
	if err != nil {
		return err
	}
	defer t.end()
	if t.jobs[spec.ID] != nil {
		return nil
	}
	e := t.newEntry(&spec)
	e.job.ReadyAt = t.now
	e.job.StartedAt = micro(rec.StartedAt)
	e.job.Attempt, e.job.Token, e.job.Worker = rec.Attempt, rec.Token, rec.Worker
	e.job.Attempts = errand.AppendAttempt(nil, cloneRecord(&rec))
	t.close(e, errand.StateFailed)
	return nil
}
