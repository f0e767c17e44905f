// Package sqlroles has the roles of errand.Store that take no more than one operation of a [sqlstore.Session], written once
// for all SQL stores: how a transaction comes about is theirs.
package sqlroles

import (
	"context"
	"fmt"
	"slices"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Kind says what an operation that writes is about.
type Kind int

// The kinds. After a power cut those of Workers and Series may be undone though they were answered: who holds which job,
// until when, and how far it is; and what is counted and ordered.
const (
	Enqueues Kind = iota
	Jobs          // outcomes, and what people do to jobs and queues
	Workers
	Messages
	Series
	Audit
)

// Runner does operations, each in a transaction of its own or in one that several share.
type Runner interface {
	// Write does an operation. weight is roughly how many rows it touches. It may be done again after a rollback.
	Write(ctx context.Context, kind Kind, label Label, weight int, do func(*sqlstore.Session) error) error
	// Read looks at the store.
	Read(ctx context.Context, label Label, do func(*sqlstore.Session) error) error
}

// Roles are all that errand.Store has but Now, Claim and Close, and errand.Carrier.
type Roles struct{ on Runner }

// New makes the roles of a store.
func New(on Runner) Roles { return Roles{on} }

// Label names an operation and the queues that it is about, for errors.
type Label struct {
	Op     string
	Queues []string
}

func (l Label) String() string {
	if len(l.Queues) == 0 {
		return l.Op
	}
	return fmt.Sprintf("%s %q", l.Op, l.Queues)
}

// Enqueue implements [errand.Engine].
func (r *Roles) Enqueue(ctx context.Context, req errand.EnqueueRequest) (errs []error, err error) {
	to, weight := labelOf(&req)
	err = r.on.Write(ctx, Enqueues, to, weight, func(session *sqlstore.Session) error {
		refusals, err := session.Enqueue(req)
		errs = refusals
		return err
	})
	return Reply(errs, err)
}

// Settle implements [errand.Engine].
func (r *Roles) Settle(ctx context.Context, req errand.SettleRequest) (errs []error, err error) {
	err = r.on.Write(ctx, Jobs, Label{Op: "settle"}, len(req.Outcomes), func(session *sqlstore.Session) error {
		refusals, err := session.Settle(req)
		errs = refusals
		return err
	})
	return Reply(errs, err)
}

// Renew implements [errand.Engine].
func (r *Roles) Renew(ctx context.Context, req errand.RenewRequest) (errs []error, err error) {
	err = r.on.Write(ctx, Workers, Label{Op: "renew"}, len(req.Leases), func(session *sqlstore.Session) error {
		refusals, err := session.Renew(req)
		errs = refusals
		return err
	})
	return Reply(errs, err)
}

// Maintain implements [errand.Engine].
func (r *Roles) Maintain(ctx context.Context, req errand.MaintainRequest) (done errand.MaintainReply, err error) {
	err = r.on.Write(ctx, Jobs, Label{Op: "maintain"}, req.Limit, func(session *sqlstore.Session) error {
		answer, err := session.Maintain(req)
		done = answer
		return err
	})
	return Reply(done, err)
}

// labelOf names the queues of an enqueue, and weighs it.
func labelOf(req *errand.EnqueueRequest) (Label, int) {
	weight, to := 0, Label{Op: "enqueue to"}
	for _, group := range req.Groups {
		for i := range group {
			weight += weigh(group[i].Payload)
		}
		if len(group) > 0 && len(to.Queues) < 3 && !slices.Contains(to.Queues, group[0].Queue) {
			to.Queues = append(to.Queues, group[0].Queue)
		}
	}
	return to, weight
}

// weigh says how many rows the bytes of one count as.
func weigh(body []byte) int { return 1 + len(body)/4096 }

// Reply is what an operation replies: nothing besides an error.
func Reply[T any](value T, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return value, nil
}
