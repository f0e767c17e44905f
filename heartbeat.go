package errand

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand/internal/footprint"
)

// heartbeat keeps this worker's leases and record alive, and carries out what people order, until over is closed.
func (e *engine) heartbeat(over <-chan struct{}) {
	var wake <-chan struct{}
	if n, ok := e.store.(Notifier); ok {
		var cancel func()
		wake, cancel = n.Subscribe(WorkerTopic(e.id))
		defer cancel()
	}
	beat, look := time.NewTicker(e.beat()), time.NewTicker(min(recordEvery, e.beat()))
	defer beat.Stop()
	defer look.Stop()
	if e.anew {
		e.sendRecord(true)
	}
	e.sendRecord(false)
	shown := e.activity()
	var asked time.Time        // when orders were last looked for
	var later <-chan time.Time // when they will be, because somebody woke us up
	follow := func() {
		asked, later = time.Now(), nil
		if e.followOrders() {
			shown = e.activity()
			e.sendRecord(false)
		}
	}
	for {
		select {
		case <-wake:
			if rest := idleOrders - time.Since(asked); e.ledger.len() > 0 || rest <= 0 {
				follow()
			} else if later == nil {
				later = time.After(rest)
			}
		case <-later:
			follow()
		case <-beat.C:
			e.renew()
			e.checkClock()
			follow()
			shown = e.activity()
			e.sendRecord(false)
		case <-look.C:
			if now := e.activity(); now != shown {
				shown = now
				e.sendRecord(false)
			}
		case <-over:
			e.sendRecord(true)
			return
		}
	}
}

// idleOrders is how often a worker that holds no job looks for orders at most: stores that cannot tell what happened wake it
// up whenever something did.
const idleOrders = time.Second

// recordEvery is how old what people see of a busy worker may be. An idle one sends its record with its beats only.
const recordEvery = 2 * time.Second

// activity is what changes when a worker does something.
type activity struct {
	held, ended int64
	stopping    bool
	quiet       bool
}

func (e *engine) activity() activity {
	return activity{held: int64(e.ledger.len()), ended: e.ended.Load(), stopping: e.stopping.Load(), quiet: e.quiet.Load()}
}

// beat is the time between heartbeats: three to a lease, so that one may fail.
func (e *engine) beat() time.Duration { return e.config.Lease / 3 }

// checkClock keeps the store's time measured, and says so when this machine's own clock is far from it. Nothing here
// goes by that clock; people who compare logs do.
func (e *engine) checkClock() {
	ctx, cancel := e.callContext()
	defer cancel()
	now, err := e.clock.Now(ctx)
	if err != nil {
		e.trouble("clock", err)
		return
	}
	if skew := time.Since(now).Abs(); skew > time.Second {
		e.trouble("clock", fmt.Errorf("this machine's clock and the store's differ by %v", skew.Round(time.Millisecond)))
	}
}

// renewBatch is how many leases go in one request.
const renewBatch = 1000

// renew extends the leases that would not live to see the beat after the next.
func (e *engine) renew() {
	now := e.now()
	for due := range slices.Chunk(e.ledger.due(now.Add(2*e.beat()), now), renewBatch) {
		leases := make([]Lease, len(due))
		for i, h := range due {
			leases[i] = h.lease()
		}
		ctx, cancel := e.callContext()
		refusals, err := e.store.Renew(ctx, RenewRequest{Now: now, Worker: e.id, Lease: e.config.Lease, Leases: leases})
		cancel()
		if err != nil {
			e.trouble("renew", err)
			return // the next beat tries again; the lease lasts three
		}
		for i, h := range due {
			if refusals[i] == nil {
				e.ledger.renewed(h, now.Add(e.config.Lease))
			} else {
				e.ledger.lose(h)
			}
		}
	}
}

// followOrders cancels what people have canceled, and has the worker be quiet, resume or stop. It reports whether that
// changed the worker.
func (e *engine) followOrders() (changed bool) {
	ctx, cancel := e.callContext()
	defer cancel()
	orders, err := e.store.Orders(ctx, e.id)
	if err != nil {
		e.trouble("orders", err)
		return false
	}
	for _, id := range orders.Cancel {
		e.ledger.cancelJob(id)
	}
	if e.quiet.Swap(orders.Quiet) != orders.Quiet {
		changed = true
		e.log.Info("errand: worker ordered to claim nothing, or to claim again", slog.String("worker", e.id), slog.Bool("quiet", orders.Quiet))
		poke(e.freed)
		poke(e.wake)
	}
	if orders.Stop && e.ordered.CompareAndSwap(false, true) {
		changed = true
		e.log.Info("errand: worker ordered to stop", slog.String("worker", e.id))
		e.stop()
	}
	return changed
}

// schemasEvery is how often a worker sends its tasks' schemas, so that they come back where the store has lost them.
const schemasEvery = time.Hour

func (e *engine) sendRecord(gone bool) {
	host, _ := os.Hostname()
	now := e.now()
	ctx, cancel := e.callContext()
	defer cancel()
	rec := WorkerRecord{
		ID: e.id, Kind: "worker", Host: host, PID: os.Getpid(), Version: Version(),
		Queues: e.config.Queues, Tasks: slices.Sorted(maps.Keys(e.tasks)), Concurrency: e.config.Concurrency,
		StartedAt: e.began, SeenAt: now, Every: e.beat(),
		Running: e.ledger.running(now, timeoutGrace), Held: e.ledger.len(),
		Finished: e.finished.Load(), Failed: e.failed.Load(), Memory: footprint.Bytes(),
		Quiet: e.quiet.Load(), Stopping: e.stopping.Load() || e.ordered.Load(), Gone: gone,
	}
	if !gone && (e.schemasSent.IsZero() || now.Sub(e.schemasSent) >= schemasEvery) {
		rec.Schemas = e.schemas()
	}
	if err := e.store.Heartbeat(ctx, rec); err != nil {
		e.trouble("heartbeat", err)
	} else if rec.Schemas != nil {
		e.schemasSent = now
	}
}

// schemas describes what this worker's tasks take.
func (e *engine) schemas() map[string]json.RawMessage {
	schemas := make(map[string]json.RawMessage, len(e.tasks))
	for name, task := range e.tasks {
		if s := task.schema(); s != nil {
			schemas[name] = s
		}
	}
	return schemas
}

// Version returns the version of this module that the program was built with, "devel" where that is not known.
var Version = sync.OnceValue(func() string {
	const path = "github.com/errandhq/errand"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == path && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
})
