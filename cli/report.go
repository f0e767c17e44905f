package cli

import (
	"context"
	"time"

	"github.com/errandhq/errand"
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
	r := &report{url: maskURL(s.storeURL())}
	err := s.lookInto(ctx, func(st errand.Store, now time.Time) (err error) {
		r.now = now
		if parts&partQueues != 0 {
			if r.queues, err = st.Queues(ctx, now); err != nil {
				return err
			}
			if r.messages, err = st.MessageQueues(ctx, now); err != nil {
				return err
			}
		}
		if parts&partWorkers != 0 {
			r.workers, err = st.Workers(ctx)
		}
		return err
	})
	return r, err
}

func (r *report) asJSON(parts part) infoJSON {
	j := infoJSON{Now: r.now.UTC()}
	if parts == partQueues|partWorkers {
		j.Store = r.url
	}
	if parts&partQueues != 0 {
		j.Queues, j.MessageQueues = []queueJSON{}, []messageQueueJSON{}
		for _, q := range r.queues {
			j.Queues = append(j.Queues, newQueueJSON(q))
		}
		for _, q := range r.messages {
			j.MessageQueues = append(j.MessageQueues, newMessageQueueJSON(q))
		}
	}
	if parts&partWorkers != 0 {
		j.Workers = []workerJSON{}
		for i := range r.workers {
			j.Workers = append(j.Workers, newWorkerJSON(&r.workers[i], r.now))
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

// workerStatus says whether a worker lives.
func workerStatus(w *errand.WorkerRecord, now time.Time) string {
	switch {
	case w.Lost(now):
		return "lost"
	case w.Stopping:
		return "stopping"
	default:
		return "alive"
	}
}
