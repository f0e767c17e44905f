package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// Put implements [errand.Messages]. A producer's numbers are apart for each queue.
func (s *Store) Put(ctx context.Context, req errand.PutRequest) error {
	c, err := s.begin(ctx, req.Now, "put to %q", req.Queue)
	if err != nil {
		return err
	}
	defer c.done()
	if len(req.Messages) == 0 {
		return nil
	}
	if err := s.list(c, s.messageQueuesKey(), req.Queue); err != nil {
		return s.fail(c, err)
	}
	args := make([]string, 0, 3+len(req.Messages))
	seen := int64(0)
	if req.Remember > silentFor {
		seen = micros(micro(req.Now.Add(req.Remember)))
	}
	args = append(args, req.Producer, itoa(req.Number), itoa(seen))
	for _, message := range req.Messages {
		args = append(args, rueidis.BinaryString(message))
	}
	made, err := s.runAll(c.ctx, s.invokeKey(c, putScript, s.messagesKey(req.Queue), args...))[0].AsInt64()
	if err == nil && made == 1 {
		err = s.listAgain(c, s.messageQueuesKey(), req.Queue)
	}
	return s.fail(c, err)
}

// Pop implements [errand.Messages].
func (s *Store) Pop(ctx context.Context, now time.Time, queue string, limit int) ([][]byte, error) {
	c, err := s.begin(ctx, now, "pop from %q", queue)
	if err != nil {
		return nil, err
	}
	defer c.done()
	if limit <= 0 {
		return nil, nil
	}
	list, err := s.runAll(c.ctx, s.invokeKey(c, popScript, s.messagesKey(queue), itoa(limit)))[0].AsStrSlice()
	if err != nil {
		return nil, s.fail(c, err)
	}
	popped := make([][]byte, len(list))
	for i, message := range list {
		popped[i] = []byte(message)
	}
	return popped, nil
}

// Len implements [errand.Messages].
func (s *Store) Len(ctx context.Context, queue string) (int64, error) {
	c, err := s.begin(ctx, time.Time{}, "length of %q", queue)
	if err != nil {
		return 0, err
	}
	defer c.done()
	n, err := s.client.Do(c.ctx, s.client.B().Llen().Key(s.messagesKey(queue)+":list").Build()).AsInt64()
	return n, s.fail(c, err)
}

// Clear implements [errand.Messages].
func (s *Store) Clear(ctx context.Context, now time.Time, queue string) (int64, error) {
	c, err := s.begin(ctx, now, "clear %q", queue)
	if err != nil {
		return 0, err
	}
	defer c.done()
	n, err := s.runAll(c.ctx, s.invokeKey(c, clearScript, s.messagesKey(queue)))[0].AsInt64()
	return n, s.fail(c, err)
}

// MessageQueues implements [errand.Messages].
func (s *Store) MessageQueues(ctx context.Context, now time.Time) ([]errand.MessageQueueInfo, error) {
	c, err := s.begin(ctx, now, "list message queues")
	if err != nil {
		return nil, err
	}
	defer c.done()
	names, err := s.names(c, s.messageQueuesKey())
	if err != nil || len(names) == 0 {
		return nil, s.fail(c, err)
	}
	calls := make([]invocation, len(names))
	for i, name := range names {
		calls[i] = s.invokeKey(c, messagesScript, s.messagesKey(name), "")
	}
	var infos []errand.MessageQueueInfo
	for i, result := range s.runAll(c.ctx, calls...) {
		parts, err := result.ToArray()
		if err != nil {
			return nil, s.fail(c, err)
		}
		if parts[0].IsNil() {
			continue
		}
		info := errand.MessageQueueInfo{Name: names[i]}
		for n, into := range map[int]*errand.Meter{1: &info.Put, 2: &info.Got} {
			raw := ""
			if !parts[n].IsNil() {
				raw, err = parts[n].ToString()
			}
			if err != nil {
				return nil, s.fail(c, err)
			}
			*into = meterOf(raw, timeOf(c.now))
		}
		if info.Len, err = parts[3].AsInt64(); err != nil {
			return nil, s.fail(c, err)
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// Bury implements [errand.Messages].
func (s *Store) Bury(ctx context.Context, now time.Time, spec errand.JobSpec, rec errand.AttemptRecord) error {
	c, err := s.begin(ctx, now, "bury in %q", spec.Queue)
	if err != nil {
		return err
	}
	defer c.done()
	key, ok := rawKeyOf(spec.ID)
	if !ok {
		return fmt.Errorf("%s: %w: job id %.100q", c.op, errand.ErrInvalid, spec.ID)
	}
	parents := parentsOf(&spec, string(key[:]))
	_, text, err := encodeNew(nil, key, &spec, parents, nil, now)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", c.op, errand.ErrInvalid, err)
	}
	attempt, err := encodeAttempt(&rec)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", c.op, errand.ErrInvalid, err)
	}
	if err := s.list(c, s.queuesKey(), spec.Queue); err != nil {
		return s.fail(c, err)
	}
	order := int64(0)
	if len(parents) > 0 {
		if order, err = s.client.Do(c.ctx, s.client.B().Incr().Key(s.orderKey()).Build()).AsInt64(); err != nil {
			return s.fail(c, err)
		}
	}
	made, err := s.runOn(c, buryScript, spec.Queue, text, attempt, itoa(micros(micro(rec.StartedAt))), itoa(rec.Attempt),
		itoa(rec.Token), rec.Worker, itoa(order)).AsInt64()
	if err == nil && made == 1 {
		err = s.listAgain(c, s.queuesKey(), spec.Queue)
	}
	return s.fail(c, err)
}
