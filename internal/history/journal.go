// Package history writes down what processes asked of a store, what they were told and which handlers ran, and then
// checks it against what the store promises: the invariants I1 to I8 of a fault run.
//
// Every process wraps its store with [Record] and appends to one journal, a file; a line outlives the process that wrote
// it. When all is at rest, [Read] and [Check] say what was broken.
package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/errandhq/errand"
)

// Op is what an event tells of.
type Op string

// The operations that are written down.
const (
	Enqueue Op = "enqueue"
	Claim   Op = "claim"
	Start   Op = "start" // of a handler
	Settle  Op = "settle"
	Renew   Op = "renew"
)

// Result is what is known of an operation.
type Result string

// The results. An operation whose reply was lost is unknown, never refused.
const (
	OK      Result = "ok"
	Refused Result = "refused" // certainly not applied
	Unknown Result = "unknown"
)

// Event is one operation on one job.
type Event struct {
	Op       Op            `json:"op"`
	ID       string        `json:"id"`
	Worker   string        `json:"worker,omitempty"`
	Number   int64         `json:"number,omitempty"` // of the worker's claim
	Token    int64         `json:"token,omitempty"`
	Result   Result        `json:"result"`
	Outcome  errand.Event  `json:"outcome,omitempty"` // of a settle
	Retries  int           `json:"retries,omitempty"` // of an enqueue: attempts allowed beyond the first
	Now      time.Time     `json:"now,omitzero"`      // the request's time; of a start, when the worker began the attempt
	Lease    time.Duration `json:"lease,omitempty"`
	Called   int64         `json:"called"`   // when it began, by the machine's clock, in nanoseconds
	Returned int64         `json:"returned"` // when its result was known; 0: it never was
}

// Journal is a file of events. Its methods may be called at once, and several processes may write to one file.
type Journal struct{ file *os.File }

// Open opens a journal for appending, and makes it where it is missing.
func Open(path string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Journal{file}, nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

// Add appends events. One write to a file opened for appending is whole, and outlives kill -9.
func (j *Journal) Add(events ...Event) error {
	var text []byte
	for i := range events {
		line, err := json.Marshal(&events[i])
		if err != nil {
			return err
		}
		text = append(append(text, line...), '\n')
	}
	_, err := j.file.Write(text)
	return err
}

// Started writes down that a handler runs, with the token under which this process claimed the job, and the store's time
// at which the worker began it: a process may be frozen between that and this.
func (j *Journal) Started(id string, token int64, began time.Time) error {
	now := time.Now().UnixNano()
	return j.Add(Event{Op: Start, ID: id, Token: token, Result: OK, Now: began, Called: now, Returned: now})
}

// Read returns what was written, in the order of writing: of each operation what was written last.
func Read(path string) ([]Event, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var events []Event
	type operation struct {
		op     Op
		id     string
		called int64
	}
	place := map[operation]int{}
	scan := bufio.NewScanner(file)
	for line := 1; scan.Scan(); line++ {
		var e Event
		if err := json.Unmarshal(scan.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("line %d of the journal: %w", line, err)
		}
		key := operation{e.Op, e.ID, e.Called}
		if i, again := place[key]; again {
			events[i] = e
			continue
		}
		place[key] = len(events)
		events = append(events, e)
	}
	return events, scan.Err()
}

// resultOf says what an error leaves known.
func resultOf(err error) Result {
	var duplicate *errand.DuplicateError
	switch {
	case err == nil:
		return OK
	case errors.Is(err, errand.ErrLeaseLost), errors.Is(err, errand.ErrInvalid), errors.As(err, &duplicate):
		return Refused
	default:
		return Unknown
	}
}
