package sqlstore

import (
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

// messageQueue is a row of errand_message_queues.
type messageQueue struct {
	name   string
	next   int64 // number of the next message
	length int64
	put    meter
	got    meter

	stored  bool
	changed bool
	rest    int64 // Shared: what others have left in it
}

// read reads the columns of messageQueueColumns.
func (q *messageQueue) read(row Row) {
	q.stored = true
	q.name, q.next, q.length = row.Text(0), row.Int(1), row.Int(2)
	q.put.read(row, 3)
	q.got.read(row, 7)
}

func (q *messageQueue) save(tx Tx) error {
	args := make([]any, 0, 11)
	if !q.stored {
		args = append(args, q.name)
	}
	args = append(args, q.next, q.length)
	args = q.got.args(q.put.args(args))
	query := insertMessageQueue
	if q.stored {
		query, args = updateMessageQueue, append(args, q.name)
	}
	_, err := tx.Exec(query, args...)
	if err == nil {
		q.stored, q.changed = true, false
	}
	return err
}

func (s *Session) messageQueue(name string) (*messageQueue, error) {
	if q, ok := s.messages[name]; ok {
		return q, nil
	}
	q := &messageQueue{name: name}
	if s.dialect.Shared {
		return s.sharedMessageQueue(q)
	}
	_, err := one(s.tx, messageQueueByName, func(row Row) error {
		q.read(row)
		return nil
	}, name)
	if err != nil {
		return nil, err
	}
	s.messages[name] = q
	return q, nil
}

// Put is errand.Messages'. A producer's numbers are apart for each queue.
func (s *Session) Put(req errand.PutRequest) error {
	s.now = micro(req.Now)
	if len(req.Messages) == 0 {
		return nil
	}
	if err := s.put(&req); err != nil {
		return fmt.Errorf("put to %q: %w", req.Queue, err)
	}
	return nil
}

func (s *Session) put(req *errand.PutRequest) error {
	if req.Producer != "" {
		if again, err := s.numbered(req.Queue, req.Producer, req.Number, s.now.Add(req.Remember)); err != nil || again {
			return err
		}
	}
	q, err := s.messageQueue(req.Queue)
	if err != nil {
		return err
	}
	if err := s.appendMessages(q, req.Messages); err != nil {
		return err
	}
	q.length += int64(len(req.Messages))
	q.put.add(s.now, int64(len(req.Messages)))
	q.changed = true
	s.tell(errand.MessageTopic(q.name))
	return nil
}

// Pop is errand.Messages'.
func (s *Session) Pop(now time.Time, name string, limit int) ([][]byte, error) {
	s.now = micro(now)
	popped, err := s.pop(name, limit)
	if err != nil {
		return nil, fmt.Errorf("pop from %q: %w", name, err)
	}
	return popped, nil
}

func (s *Session) pop(name string, limit int) ([][]byte, error) {
	if s.dialect.Shared {
		return s.popShared(name, limit)
	}
	q, err := s.messageQueue(name)
	if err != nil || q.length == 0 || limit <= 0 {
		return nil, err
	}
	var popped [][]byte
	last := int64(0)
	err = s.tx.Query(firstMessages, func(row Row) error {
		last = row.Int(0)
		popped = append(popped, some(row.Blob(1)))
		return nil
	}, name, int64(limit))
	if err != nil || len(popped) == 0 {
		return nil, err
	}
	if _, err := s.tx.Exec(deleteMessages, name, last); err != nil {
		return nil, err
	}
	q.length -= int64(len(popped))
	q.got.add(s.now, int64(len(popped)))
	q.changed = true
	return popped, nil
}

// Len is errand.Messages'.
func (s *Session) Len(name string) (int64, error) {
	q, err := s.messageQueue(name)
	if err == nil && s.dialect.Shared {
		err = s.restOf(q)
	}
	if err != nil {
		return 0, fmt.Errorf("length of %q: %w", name, err)
	}
	return q.length + q.rest, nil
}

// Clear is errand.Messages'.
func (s *Session) Clear(now time.Time, name string) (int64, error) {
	s.now = micro(now)
	if s.dialect.Shared {
		n, err := s.clearShared(name)
		if err != nil {
			return 0, fmt.Errorf("clear %q: %w", name, err)
		}
		return n, nil
	}
	q, err := s.messageQueue(name)
	if err != nil {
		return 0, fmt.Errorf("clear %q: %w", name, err)
	}
	n := q.length
	if n == 0 {
		return 0, nil
	}
	if _, err := s.tx.Exec(deleteMessages, name, q.next); err != nil {
		return 0, fmt.Errorf("clear %q: %w", name, err)
	}
	q.length, q.changed = 0, true
	return n, nil
}

// MessageQueues is errand.Messages'.
func (s *Session) MessageQueues(now time.Time) ([]errand.MessageQueueInfo, error) {
	s.now = micro(now)
	var queues []messageQueue
	err := s.tx.Query(allMessageQueues, func(row Row) error {
		var q messageQueue
		q.read(row)
		if n := len(queues); n > 0 && queues[n-1].name == q.name { // Shared: another contribution
			queues[n-1].merge(&q)
		} else {
			queues = append(queues, q)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list message queues: %w", err)
	}
	var infos []errand.MessageQueueInfo
	for i := range queues {
		q := &queues[i]
		infos = append(infos, errand.MessageQueueInfo{Name: q.name, Len: q.length, Put: q.put.info(s.now), Got: q.got.info(s.now)})
	}
	return infos, nil
}

// Bury is errand.Messages'.
func (s *Session) Bury(now time.Time, spec errand.JobSpec, rec errand.AttemptRecord) error {
	if err := s.begin(now); err != nil {
		return fmt.Errorf("bury a job in %q: %w", spec.Queue, err)
	}
	if err := s.bury(&spec, &rec); err != nil {
		return fmt.Errorf("bury a job in %q: %w", spec.Queue, err)
	}
	return nil
}

func (s *Session) bury(spec *errand.JobSpec, rec *errand.AttemptRecord) error {
	key, ok := keyOf(spec.ID)
	if !ok {
		return fmt.Errorf("%w: job id %.100q: use the 36 characters of a UUID", errand.ErrInvalid, spec.ID)
	}
	options, err := encodeOptions(spec)
	if err != nil {
		return fmt.Errorf("%w: %w", errand.ErrInvalid, err)
	}
	args := []any{
		key, spec.Queue, int64(errand.StateFailed), micros(s.now), spec.Task, int64(spec.Priority), int64(0),
		micros(s.now), micros(s.now), int64(0), orNull(spec.Payload), orNull(options),
	}
	n, err := s.tx.Exec(insertJob, args...)
	if err != nil || n == 0 {
		return err // nil: it counts as in
	}
	q, err := s.queue(spec.Queue)
	if err != nil {
		return err
	}
	q.add(errand.StateFailed, 1)
	q.failed.add(s.now, 1)
	r, err := s.load(key)
	if err != nil {
		return err
	}
	if spec.UniqueKey != "" {
		r.flags |= flagUnique
	}
	if len(spec.DependsOn) > 0 {
		r.flags |= flagParents
	}
	r.job.StartedAt = micro(rec.StartedAt)
	r.job.Attempt, r.job.Token, r.job.Worker = rec.Attempt, rec.Token, rec.Worker
	r.job.Attempts = errand.AppendAttempt(nil, cleanAttempt(rec))
	s.tell(errand.JobTopic(spec.ID))
	return s.save(r)
}
