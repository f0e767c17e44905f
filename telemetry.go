package errand

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Telemetry is the role that keeps what workers say of themselves and of how their work goes, what people ask of them,
// and who did what.
type Telemetry interface {
	// Heartbeat stores a worker's record in place of its last one; a record that is Gone removes it, with its schemas and
	// orders. Schemas that are not nil are stored in place of the worker's last ones; nil leaves those as they are.
	Heartbeat(ctx context.Context, rec WorkerRecord) error
	// Workers returns the records, without schemas, sorted by id, also of workers that have not been heard of lately, until
	// Maintain forgets them a day after their last heartbeat.
	Workers(ctx context.Context) ([]WorkerRecord, error)
	// Schemas returns, by task, the schemas that the workers with a record have sent; of a task for which there are
	// several, that of the worker heard of last.
	Schemas(ctx context.Context) (map[string]json.RawMessage, error)

	// Report stores the progress of running attempts. The reply has an error per report: nil, or ErrLeaseLost.
	Report(ctx context.Context, reports []ProgressReport) ([]error, error)

	// Orders returns what people ask of a worker. It is cheap: workers call it at every wake-up.
	Orders(ctx context.Context, worker string) (Orders, error)
	// Order asks something of a worker, which is woken up. It holds until another order replaces it or the worker's record
	// is removed or forgotten. ErrWorkerNotFound: there is no record of that worker.
	Order(ctx context.Context, now time.Time, worker string, order Order) error

	// RecordSeries adds samples to those that the store has of the same step, slot, queue and task, and puts depths in the
	// place of those of the same step, slot and queue. A request with a Writer and Number that were recorded before is not
	// added again. What it means exactly is what [SeriesReport.Tidy] returns; an error of Tidy refuses it.
	RecordSeries(ctx context.Context, report SeriesReport) error
	// Series returns what was recorded. A slot is kept for its step's time (see [SeriesSteps]), then Maintain deletes it.
	Series(ctx context.Context, query SeriesQuery) (SeriesReply, error)

	// RecordAudit notes what somebody did; an entry whose ID is there already changes nothing. What is stored is what
	// [AuditEntry.Tidy] returns; an error of Tidy refuses it. Maintain keeps the newest MaxAudit entries, none for longer
	// than KeepAudit.
	RecordAudit(ctx context.Context, entry AuditEntry) error
	// Audit returns entries, newest first, a page at a time.
	Audit(ctx context.Context, filter AuditFilter) (AuditPage, error)
}

// WorkerRecord is what a worker says of itself.
type WorkerRecord struct {
	ID          string        `json:"id"`   // unique: host, process and a random part
	Kind        string        `json:"kind"` // "worker", or "hotqueue" for a parameter worker
	Host        string        `json:"host"`
	PID         int           `json:"pid"`
	Version     string        `json:"version"`
	Queues      []string      `json:"queues"`
	Tasks       []string      `json:"tasks"`
	Concurrency int           `json:"concurrency"`
	StartedAt   time.Time     `json:"started_at"`
	SeenAt      time.Time     `json:"seen_at"`
	Every       time.Duration `json:"every"` // the time between its heartbeats; it is lost after three
	Running     []RunningJob  `json:"running"`
	Held        int           `json:"held"` // jobs that it has claimed, running or not
	Finished    int64         `json:"finished"`
	Failed      int64         `json:"failed"`
	Memory      int64         `json:"memory"`          // bytes that its process has from the system, as far as Go knows
	Quiet       bool          `json:"quiet,omitempty"` // it claims nothing, because it was ordered so
	Stopping    bool          `json:"stopping"`
	Gone        bool          `json:"-"`

	// Schemas are JSON Schemas of what the tasks take, by task. A worker sends them with its first record and rarely after
	// that; a store keeps them apart from the record, and Workers leaves them out: see [Telemetry] Schemas.
	Schemas map[string]json.RawMessage `json:"-"`
}

// Lost reports whether the worker has missed three heartbeats.
func (r *WorkerRecord) Lost(now time.Time) bool { return now.Sub(r.SeenAt) > 3*r.Every }

// RunningJob is a job that a runner of a worker is busy with.
type RunningJob struct {
	ID        string    `json:"id"`
	Queue     string    `json:"queue"`
	Task      string    `json:"task"`
	Attempt   int       `json:"attempt"`
	StartedAt time.Time `json:"started_at"`
	Stuck     bool      `json:"stuck,omitempty"` // its context has ended and it has not returned
}

// ProgressReport is what a running attempt says of itself.
type ProgressReport struct {
	Lease
	Progress Progress
}

// Orders is what people ask of a worker. It says what should be, not what to do next, so that it can be read again.
type Orders struct {
	Cancel []string // ids of jobs that it holds and that were canceled, sorted
	Quiet  bool     // it should claim nothing
	Stop   bool     // it should stop, as at the first signal
}

// Order is something that a person asks of a worker as a whole.
type Order uint8

// The orders.
const (
	OrderQuiet  Order = iota + 1 // claim no more; what runs goes on, what was not begun goes back, and the worker stays up
	OrderResume                  // undo OrderQuiet
	OrderStop                    // stop, as at the first signal: Run returns; it cannot be undone
)

var orderNames = [...]string{OrderQuiet: "quiet", OrderResume: "resume", OrderStop: "stop"}

// String returns "quiet", "resume" or "stop".
func (o Order) String() string {
	if o.Valid() {
		return orderNames[o]
	}
	return fmt.Sprintf("order %d", uint8(o))
}

// Valid reports whether o is one of the orders.
func (o Order) Valid() bool { return o >= OrderQuiet && o <= OrderStop }

// Apply returns what is asked of a worker when o is added to it: stores keep Quiet and Stop so.
func (o Order) Apply(orders Orders) Orders {
	switch o {
	case OrderQuiet:
		orders.Quiet = true
	case OrderResume:
		orders.Quiet = false
	case OrderStop:
		orders.Stop = true
	}
	return orders
}

// ParseOrder reads "quiet", "resume" or "stop".
func ParseOrder(name string) (Order, error) {
	if i := slices.Index(orderNames[:], name); i > 0 {
		return Order(i), nil //nolint:gosec // an index of three names
	}
	return 0, fmt.Errorf("%w: order %q: use one of %v", ErrInvalid, name, orderNames[1:])
}
