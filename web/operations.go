package web

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/internal/wire"
)

// The bounds of what goes on in the background.
const (
	maxRunning     = 4               // operations at a time
	keepOperations = 100             // that are remembered, with those that run
	operationTime  = time.Hour       // for one operation
	operationPause = 2 * time.Second // how long a request waits for what may end soon
)

// operations runs what takes longer than a request: an action on all jobs that a search finds. It lives in this process
// only; what it has done is in the store, so that one that is interrupted can be begun again.
type operations struct {
	h       *Handler
	mu      sync.Mutex
	list    []*operation // the oldest first
	running int
	group   sync.WaitGroup
}

// operation is an action on many jobs, under way or ended.
type operation struct {
	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	state wire.Operation
}

// snapshot is how far the operation is.
func (o *operation) snapshot() wire.Operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state
}

func (o *operation) change(fn func(*wire.Operation)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fn(&o.state)
}

// wait returns once the operation has ended, ctx has, or d is over.
func (o *operation) wait(ctx context.Context, d time.Duration) wire.Operation {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case <-o.ended:
	case <-ctx.Done():
	}
	return o.snapshot()
}

var errTooMany = &problem{status: http.StatusTooManyRequests,
	text: lang.Mark("Too many actions run in the background. Wait until one of them has ended, or cancel one.")}

// begin starts to act on all jobs that a search finds, for the one who asks.
func (ops *operations) begin(req *request, act action, s search) (*operation, error) {
	total, exact, err := ops.h.count(req.Context(), s)
	if err != nil {
		return nil, err
	}
	ops.mu.Lock()
	defer ops.mu.Unlock()
	switch {
	case ops.h.stopped.Err() != nil:
		return nil, &problem{status: http.StatusServiceUnavailable, text: lang.Mark("The dashboard is being stopped.")}
	case ops.running >= maxRunning:
		return nil, errTooMany
	}
	ctx, cancel := context.WithTimeout(ops.h.stopped, operationTime)
	op := &operation{cancel: cancel, ended: make(chan struct{}), state: wire.Operation{
		ID: errand.NewID(), Action: act.name, Target: "all of " + act.which(s), Who: req.who.Name,
		State: wire.OperationRunning, StartedAt: time.Now().UTC(), Total: total, TotalExact: exact,
	}}
	ops.list = append(ops.list, op)
	ops.forget()
	ops.running++
	by := req.author()
	ops.group.Go(func() {
		defer cancel()
		ops.run(ctx, op, by, act, s)
	})
	return op, nil
}

// run does the work and writes down what became of it.
func (ops *operations) run(ctx context.Context, op *operation, by author, act action, s search) {
	err := ops.h.actOnAll(ctx, act, s, func(reply errand.CommandReply) {
		op.change(func(o *wire.Operation) { o.Add(reply) })
	})
	op.change(func(o *wire.Operation) {
		o.EndedAt = time.Now().UTC()
		switch {
		case err == nil:
			o.State = wire.OperationDone
		case ctx.Err() != nil:
			o.State = wire.OperationCanceled
		default:
			o.State, o.Error = wire.OperationFailed, lang.English.T(problemOf(err).text, problemOf(err).args...)
		}
	})
	if err != nil && ctx.Err() == nil {
		ops.h.config.Logger.Error("errand dashboard: operation failed", "operation", op.snapshot().ID, "error", err)
	}
	end := op.snapshot()
	ops.h.record(context.WithoutCancel(ctx), by, end.Action, end.Target, end.Done)
	ops.mu.Lock()
	ops.running--
	ops.mu.Unlock()
	close(op.ended)
}

// forget drops the oldest operations that have ended, past keepOperations. The caller holds the lock.
func (ops *operations) forget() {
	for i := 0; len(ops.list) > keepOperations && i < len(ops.list); {
		if ops.list[i].snapshot().State == wire.OperationRunning {
			i++
			continue
		}
		ops.list = slices.Delete(ops.list, i, i+1)
	}
}

// cancelOperation ends an operation, and writes that down.
func (h *Handler) cancelOperation(req *request, op *operation) wire.Operation {
	op.cancel()
	state := op.wait(req.Context(), operationPause)
	h.log(req, "cancel operation", state.Action+" "+state.Target, int(state.Done))
	return state
}

// underWay is how many operations run.
func (ops *operations) underWay() int {
	ops.mu.Lock()
	defer ops.mu.Unlock()
	return ops.running
}

// all returns the operations that are remembered, the newest first.
func (ops *operations) all() []wire.Operation {
	ops.mu.Lock()
	defer ops.mu.Unlock()
	found := make([]wire.Operation, 0, len(ops.list))
	for _, op := range slices.Backward(ops.list) {
		found = append(found, op.snapshot())
	}
	return found
}

// get returns the operation with an id, and false where there is none.
func (ops *operations) get(id string) (*operation, bool) {
	ops.mu.Lock()
	defer ops.mu.Unlock()
	i := slices.IndexFunc(ops.list, func(op *operation) bool { return op.snapshot().ID == id })
	if i < 0 {
		return nil, false
	}
	return ops.list[i], true
}
