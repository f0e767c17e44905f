package history

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/errandhq/errand"
)

// Recorder is a store that writes down what passes through it: enqueues, claims, settles and renewals. Give its users
// [Recorder.Wrapped].
type Recorder struct {
	errand.Store
	journal *Journal

	// Settling, where not nil, is called before every Settle that has outcomes: a fault run kills there.
	Settling func()

	unknown atomic.Int64

	mu     sync.Mutex
	tokens map[string]int64 // of the jobs that this process has claimed
}

// Record wraps a store.
func Record(st errand.Store, journal *Journal) *Recorder {
	return &Recorder{Store: st, journal: journal, tokens: map[string]int64{}}
}

// Wrapped returns the recording store with the optional roles of the one that it wraps.
func (r *Recorder) Wrapped() errand.Store {
	notifier, notifies := r.Store.(errand.Notifier)
	tx, transacts := r.Store.(errand.Transactor)
	switch {
	case notifies && transacts:
		return struct {
			*Recorder
			errand.Notifier
			errand.Transactor
		}{r, notifier, tx}
	case notifies:
		return struct {
			*Recorder
			errand.Notifier
		}{r, notifier}
	case transacts:
		return struct {
			*Recorder
			errand.Transactor
		}{r, tx}
	default:
		return r
	}
}

// Unknown counts the operations whose result is unknown.
func (r *Recorder) Unknown() int64 { return r.unknown.Load() }

// Token returns the token under which this process claimed a job last.
func (r *Recorder) Token(id string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tokens[id]
}

// record writes events down as unknown, does what they tell of, and writes them down again with their results: a process
// that dies in between has asked all the same. What cannot be written down fails, since a history with holes proves
// nothing.
func (r *Recorder) record(events []Event, do func() error, result func(i int) error) error {
	called := time.Now().UnixNano()
	for i := range events {
		events[i].Result, events[i].Called = Unknown, called
	}
	if err := r.journal.Add(events...); err != nil {
		return err
	}
	err := do()
	if err != nil {
		r.unknown.Add(int64(len(events)))
		return err
	}
	returned := time.Now().UnixNano()
	for i := range events {
		events[i].Result, events[i].Returned = resultOf(result(i)), returned
	}
	return r.journal.Add(events...)
}

// Enqueue is errand.Engine's.
func (r *Recorder) Enqueue(ctx context.Context, req errand.EnqueueRequest) ([]error, error) {
	var events []Event
	var group []int // of each event
	for i, specs := range req.Groups {
		for j := range specs {
			events = append(events, Event{Op: Enqueue, ID: specs[j].ID, Retries: specs[j].Retry.Max})
			group = append(group, i)
		}
	}
	var errs []error
	err := r.record(events, func() (err error) {
		errs, err = r.Store.Enqueue(ctx, req)
		return err
	}, func(i int) error { return errs[group[i]] })
	return errs, err
}

// Claim is errand.Engine's. What a claim took is known only from its reply.
func (r *Recorder) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	called := time.Now()
	reply, err := r.Store.Claim(ctx, req)
	returned := time.Now()
	events := make([]Event, len(reply.Jobs))
	r.mu.Lock()
	for i, job := range reply.Jobs {
		r.tokens[job.ID] = job.Token
		events[i] = Event{
			Op: Claim, ID: job.ID, Worker: req.Worker, Number: req.Number, Token: job.Token, Result: OK,
			Now: req.Now, Lease: req.Lease, Called: called.UnixNano(), Returned: returned.UnixNano(),
		}
	}
	r.mu.Unlock()
	if err != nil {
		return reply, err
	}
	return reply, r.journal.Add(events...)
}

// Settle is errand.Engine's.
func (r *Recorder) Settle(ctx context.Context, req errand.SettleRequest) ([]error, error) {
	if r.Settling != nil && len(req.Outcomes) > 0 {
		r.Settling()
	}
	events := make([]Event, len(req.Outcomes))
	for i := range req.Outcomes {
		o := &req.Outcomes[i]
		events[i] = Event{Op: Settle, ID: o.ID, Worker: req.Worker, Token: o.Token, Outcome: o.Event, Now: req.Now}
	}
	var errs []error
	err := r.record(events, func() (err error) {
		errs, err = r.Store.Settle(ctx, req)
		return err
	}, func(i int) error { return errs[i] })
	return errs, err
}

// Renew is errand.Engine's.
func (r *Recorder) Renew(ctx context.Context, req errand.RenewRequest) ([]error, error) {
	events := make([]Event, len(req.Leases))
	for i, lease := range req.Leases {
		events[i] = Event{Op: Renew, ID: lease.ID, Worker: req.Worker, Token: lease.Token, Now: req.Now, Lease: req.Lease}
	}
	var errs []error
	err := r.record(events, func() (err error) {
		errs, err = r.Store.Renew(ctx, req)
		return err
	}, func(i int) error { return errs[i] })
	return errs, err
}
