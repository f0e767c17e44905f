// Package measure does the measurements: it starts private servers, has the systems of package peer work, checks that
// every job was delivered exactly once, and keeps the figures.
package measure

import (
	"slices"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// Sample is one figure of one run of one system.
type Sample struct {
	Store   peer.Store `json:"store"`
	System  string     `json:"system"`
	Measure string     `json:"measure"` // such as drain-100; the report knows its unit
	Round   int        `json:"round"`
	Value   float64    `json:"value"`
	Jobs    int        `json:"jobs,omitempty"` // that it was measured with
	Void    string     `json:"void,omitempty"` // why the figure does not count
}

// Run is everything that one run of the benchmark found out.
type Run struct {
	Began    time.Time     `json:"began"`
	Took     time.Duration `json:"took"`
	Full     bool          `json:"full"`
	Rounds   int           `json:"rounds"`
	Phase    time.Duration `json:"phase"`
	Machine  []string      `json:"machine"`  // what it ran on
	Servers  []string      `json:"servers"`  // their versions and what decides durability
	Versions []string      `json:"versions"` // of the systems
	Notes    []string      `json:"notes"`    // what was left out, and why
	Samples  []Sample      `json:"samples"`
}

// Add takes over the figures of another run on the same machine.
func (r *Run) Add(other *Run) {
	r.Took += other.Took
	for _, list := range []struct {
		ours  *[]string
		other []string
	}{{&r.Servers, other.Servers}, {&r.Versions, other.Versions}, {&r.Notes, other.Notes}} {
		for _, line := range list.other {
			if !slices.Contains(*list.ours, line) {
				*list.ours = append(*list.ours, line)
			}
		}
	}
	r.Samples = append(r.Samples, other.Samples...)
}

// The measures, as Sample.Measure names them. Rates are jobs a second, times are milliseconds.
const (
	Enqueue1    = "enqueue-1"
	Enqueue64   = "enqueue-64"
	EnqueueBulk = "enqueue-bulk"
	Drain1      = "drain-1"
	Drain10     = "drain-10"
	Drain100    = "drain-100"
	Drain1000   = "drain-1000"
	PickupP50   = "pickup-p50"
	PickupP99   = "pickup-p99"
	PickupP999  = "pickup-p99.9"
	Memory      = "memory" // bytes a waiting job
	Backlog10k  = "backlog-10k"
	Backlog1M   = "backlog-1m"
	Backlog5M   = "backlog-5m"

	Large = "-10k" // a suffix: with payloads of 10 KB
)
