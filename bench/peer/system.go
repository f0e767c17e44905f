// Package peer has the job systems that are measured, each in a file of its own behind one interface, and beside them the
// raw limit of each store: the least work that keeps the promise.
//
// Every system is used as its documentation says, with the settings that its list entry names, and does the same work: a
// job carries the same JSON and its handler does nothing but tick its number off.
package peer

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Job is the work: its number and some text to carry.
type Job struct {
	N    int64  `json:"n"`
	Text string `json:"text"`
}

// System is an opened job system. Methods may be called from many goroutines.
type System interface {
	// Enqueue adds a job and returns when the system says that it is safe.
	Enqueue(ctx context.Context, job Job) error
	// EnqueueMany adds jobs in the best way that the system has for many.
	EnqueueMany(ctx context.Context, jobs []Job) error
	// Work starts a worker that runs jobs until stop is called, at most so many at a time. Run is called once per
	// attempt, with the job's number. Stop returns when what had begun has been settled.
	Work(ctx context.Context, concurrency int, run func(n int64)) (stop func() error, err error)
	// Left counts the jobs that are not done: those that wait and those that run or are not settled yet.
	Left(ctx context.Context) (int, error)
	// Close ends what opening began. The jobs stay.
	Close() error
}

// Scheduler is a system that can be told when to run a job.
type Scheduler interface {
	// EnqueueAt adds jobs in bulk that are to run at a time.
	EnqueueAt(ctx context.Context, jobs []Job, at time.Time) error
}

// Store is a kind of store.
type Store string

// The stores.
const (
	Redis    Store = "redis"
	Postgres Store = "postgres"
	SQLite   Store = "sqlite"
	MySQL    Store = "mysql"
)

// Stores lists them in the order of the report.
var Stores = []Store{Redis, Postgres, SQLite, MySQL}

// Title is the store's own name.
func (s Store) Title() string {
	return map[Store]string{Redis: "Redis", Postgres: "PostgreSQL", SQLite: "SQLite", MySQL: "MariaDB"}[s]
}

// Role says what a system is in the comparison.
type Role string

// The roles.
const (
	Ours  Role = "errand" // what the goals are about
	Style Role = "style"  // Errand's store used otherwise, for comparison
	Other Role = "peer"
	Raw   Role = "raw" // the raw limit
)

// Entry is a system of the list.
type Entry struct {
	Store    Store
	Name     string // unique within the store
	Role     Role
	Module   string // whose version is reported; empty: ours
	Settings string // how it is configured, where that is a choice
	Bulk     string // how EnqueueMany works
	Apart    bool   // several processes may use one store
	Slow     bool   // takes part in few measures, because it is slow by orders of magnitude
	NoWakeup bool   // has no way of waiting for work, so that pickup makes no sense
	Fixed    bool   // its concurrency is its own, whatever is asked
	// Open opens the system in an empty store, or in one where it has been before.
	Open func(ctx context.Context, url string) (System, error)
}

// All lists every system, in the order of the report.
var All = slices.Concat(redisEntries, postgresEntries, sqliteEntries, mysqlEntries)

// Find returns the entry of a name.
func Find(store Store, name string) (Entry, error) {
	for _, e := range All {
		if e.Store == store && e.Name == name {
			return e, nil
		}
	}
	return Entry{}, fmt.Errorf("no system %q on %s", name, store)
}

// Version returns the version of the module that the entry names, as this program was built with it.
func (e *Entry) Version() string {
	if e.Module == "" {
		return ""
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == e.Module {
			return m.Version
		}
	}
	return "unknown"
}

// queue is the name of the queue that all use.
const queue = "bench"

// lineOf returns the rest of the line "field:..." of a text.
func lineOf(text, field string) string {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name == field {
			return value
		}
	}
	return ""
}
