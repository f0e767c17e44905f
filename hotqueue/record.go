package hotqueue

import (
	"context"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// jobWorker makes the worker that calls the function for failed parameters that were requeued. It takes part in the
// loop's slots, and the loop's record speaks for both.
func (l *loop) jobWorker() *errand.Worker {
	task := errand.DefineFunc(l.task, l.callAgain, errand.WithCodec(Raw))
	config := errand.WorkerConfig{
		Queues: []string{l.queue}, Concurrency: 1, Timeout: -1, StopTimeout: l.stopTimeout, Logger: l.logger,
	}
	if config.StopTimeout == 0 {
		config.StopTimeout = -1 // at once
	}
	w := errand.NewWorker(unlisted(l.store), config)
	w.Register(task)
	return w
}

// The pace of heartbeats, the time that one may take, and how many running calls it names.
const (
	beat            = 10 * time.Second
	beatTimeout     = 5 * time.Second
	maxRunningShown = 100
)

// heartbeat keeps the worker's record in the store until over is closed.
func (l *loop) heartbeat(over <-chan struct{}) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	failures := 0
	for {
		if err := l.sendRecord(false); err != nil {
			l.trouble("heartbeat", err, failures)
			failures++
		} else {
			failures = 0
		}
		select {
		case <-ticker.C:
		case <-over:
			if err := l.sendRecord(true); err != nil {
				l.trouble("heartbeat", err, 0)
			}
			return
		}
	}
}

func (l *loop) sendRecord(gone bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.calls), beatTimeout)
	defer cancel()
	host, _ := os.Hostname() // a record without a host is better than none
	rec := errand.WorkerRecord{
		ID: l.id, Kind: "hotqueue", Host: host, PID: os.Getpid(), Version: errand.Version(),
		Queues: []string{l.queue}, Tasks: []string{l.task}, Concurrency: l.concurrency,
		StartedAt: l.began, SeenAt: l.clock.Known(), Every: beat, Stopping: l.stopping.Load(), Gone: gone,
	}
	l.tally.fill(&rec)
	return l.store.Heartbeat(ctx, rec)
}

// tally is what the record says of calls. The zero value is ready.
type tally struct {
	mu       sync.Mutex
	running  map[string]errand.RunningJob
	finished int64
	failed   int64
}

func (t *tally) begin(run errand.RunningJob) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running == nil {
		t.running = map[string]errand.RunningJob{}
	}
	t.running[run.ID] = run
}

func (t *tally) end(id string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, id)
	if ok {
		t.finished++
	} else {
		t.failed++
	}
}

// len returns how many calls have not returned.
func (t *tally) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.running)
}

// fill completes a record. Of the running calls it names those that run longest.
func (t *tally) fill(rec *errand.WorkerRecord) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rec.Held, rec.Finished, rec.Failed = len(t.running), t.finished, t.failed
	rec.Running = slices.SortedFunc(maps.Values(t.running), func(a, b errand.RunningJob) int {
		return a.StartedAt.Compare(b.StartedAt)
	})
	rec.Running = rec.Running[:min(len(rec.Running), maxRunningShown)]
}

// unlisted returns the store without the record of a worker in it: the worker is part of a parameter worker, which sends
// one record for both.
func unlisted(st errand.Store) errand.Store {
	quiet := quietStore{st}
	if n, ok := st.(errand.Notifier); ok {
		return quietNotifier{quiet, n}
	}
	return quiet
}

type quietStore struct{ errand.Store }

func (quietStore) Heartbeat(context.Context, errand.WorkerRecord) error { return nil }

type quietNotifier struct {
	quietStore
	errand.Notifier
}
