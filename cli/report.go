package cli

import (
	"context"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
)

// report is what info, queues and workers show.
type report struct {
	url      string
	now      time.Time
	queues   []errand.QueueInfo
	messages []errand.MessageQueueInfo
	workers  []errand.WorkerRecord
}

// part says what of a report is wanted.
type part uint8

const (
	partQueues part = 1 << iota
	partWorkers
)

func (s *session) report(ctx context.Context, parts part) (*report, error) {
	var r *report
	err := s.lookInto(ctx, func(st errand.Store, now time.Time) (err error) {
		r, err = s.reportAt(ctx, st, now, parts)
		return err
	})
	return r, err
}

// reportAt is report on a store that is open.
func (s *session) reportAt(ctx context.Context, st errand.Store, now time.Time, parts part) (r *report, err error) {
	r = &report{url: maskURL(s.storeURL()), now: now}
	if parts&partQueues != 0 {
		if r.queues, err = st.Queues(ctx, now); err != nil {
			return nil, err
		}
		if r.messages, err = st.MessageQueues(ctx, now); err != nil {
			return nil, err
		}
	}
	if parts&partWorkers != 0 {
		r.workers, err = st.Workers(ctx)
	}
	return r, err
}

func (r *report) asJSON(parts part) wire.Info {
	j := wire.Info{Now: r.now.UTC()}
	if parts == partQueues|partWorkers {
		j.Store = r.url
	}
	if parts&partQueues != 0 {
		j.Queues, j.MessageQueues = []wire.Queue{}, []wire.MessageQueue{}
		for _, q := range r.queues {
			j.Queues = append(j.Queues, wire.NewQueue(q))
		}
		for _, q := range r.messages {
			j.MessageQueues = append(j.MessageQueues, wire.NewMessageQueue(q))
		}
	}
	if parts&partWorkers != 0 {
		j.Workers = []wire.Worker{}
		for i := range r.workers {
			j.Workers = append(j.Workers, wire.NewWorker(&r.workers[i], r.now))
		}
	}
	return j
}

// total counts a queue's jobs.
func total(q errand.QueueInfo) int64 {
	var n int64
	for _, count := range q.Counts {
		n += count
	}
	return n
}
