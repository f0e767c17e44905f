package hotqueue

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/footprint"
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
	w := errand.NewWorker(l.unlisted(), config)
	w.Register(task)
	return w
}

// The pace of heartbeats, the time that one may take, and how many running calls it names.
const (
	beat            = 10 * time.Second
	beatTimeout     = 5 * time.Second
	maxRunningShown = 100
)

// heartbeat keeps the worker's record in the store, and reports its time series, until over is closed.
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
			l.report(false, failures)
		case <-l.changed:
		case <-over:
			l.report(true, 0)
			if err := l.sendRecord(true); err != nil {
				l.trouble("heartbeat", err, 0)
			}
			return
		}
	}
}

// schemasEvery is how often the schema of parameters is sent, so that it comes back where the store has lost it.
const schemasEvery = time.Hour

func (l *loop) sendRecord(gone bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.calls), beatTimeout)
	defer cancel()
	host, _ := os.Hostname() // a record without a host is better than none
	now := l.clock.Known()
	rec := errand.WorkerRecord{
		ID: l.id, Kind: "hotqueue", Host: host, PID: os.Getpid(), Version: errand.Version(),
		Queues: []string{l.queue}, Tasks: []string{l.task}, Concurrency: l.concurrency,
		StartedAt: l.began, SeenAt: now, Every: beat, Memory: footprint.Bytes(),
		Quiet: l.quiet.Load(), Stopping: l.stopping.Load(), Gone: gone,
	}
	l.tally.fill(&rec)
	if !gone && (l.schemaSent.IsZero() || now.Sub(l.schemaSent) >= schemasEvery) {
		rec.Schemas = map[string]json.RawMessage{}
		if l.schema != nil {
			rec.Schemas[l.task] = l.schema
		}
	}
	err := l.store.Heartbeat(ctx, rec)
	if err == nil && rec.Schemas != nil {
		l.schemaSent = now
	}
	return err
}

// report adds to the time series what became of parameters, and how many wait.
func (l *loop) report(all bool, failures int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.calls), beatTimeout)
	defer cancel()
	now := l.clock.Known()
	infos, err := l.store.MessageQueues(ctx, now)
	var depths []errand.Depth
	for i := range infos {
		if info := &infos[i]; info.Name == l.queue {
			depths = append(depths, errand.Depth{
				Queue: info.Name, Messages: true, Counts: map[errand.State]int64{errand.StateQueued: info.Len},
				Enqueued: info.Put.Total, Finished: info.Got.Total,
			})
		}
	}
	if err = errors.Join(err, l.recorder.Flush(ctx, now, depths, all)); err != nil {
		l.trouble("series", err, failures)
	}
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

// unlisted returns the store as the worker sees it that is part of this parameter worker: without a record of its own,
// since one speaks for both; and what is asked of that worker is asked of both.
func (l *loop) unlisted() errand.Store {
	part := partStore{l.store, l}
	if n, ok := l.store.(errand.Notifier); ok {
		return partNotifier{part, n}
	}
	return part
}

type partStore struct {
	errand.Store
	loop *loop
}

func (partStore) Heartbeat(context.Context, errand.WorkerRecord) error { return nil }

// Orders has the parameters follow what the worker follows by itself: it asks at each wake-up and beat.
func (s partStore) Orders(ctx context.Context, worker string) (errand.Orders, error) {
	orders, err := s.Store.Orders(ctx, worker)
	if err == nil {
		s.loop.follow(orders)
	}
	return orders, err
}

type partNotifier struct {
	partStore
	errand.Notifier
}

// follow has the loop take no parameters, or take them again. An order to stop ends the loop with the worker that it is
// given to.
func (l *loop) follow(orders errand.Orders) {
	if l.quiet.Swap(orders.Quiet) == orders.Quiet && !orders.Stop {
		return
	}
	for _, signal := range []chan struct{}{l.resumed, l.changed} {
		select {
		case signal <- struct{}{}:
		default:
		}
	}
}
