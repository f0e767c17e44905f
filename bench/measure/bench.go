package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// Config says what is measured.
type Config struct {
	Full     bool         // everything, in two hours; else the goals, in minutes
	Rounds   int          // of each comparison; 0: 5
	Stores   []peer.Store // empty: all
	Only     []string     // names of systems; empty: all
	Parts    []string     // of the measurement; empty: those of the goals, or with Full all
	Phase    time.Duration
	Profiles string    // directory for profiles of Errand; empty: none are made
	Log      io.Writer // says what goes on
}

// bench is a run under way.
type bench struct {
	Config
	*servers
	run   *Run
	sized map[string]sizes // by system and cycle
}

// Measure does the measurements.
func Measure(ctx context.Context, cfg Config) (*Run, error) {
	cfg.setDefaults()
	s, err := newServers()
	if err != nil {
		return nil, err
	}
	b := &bench{Config: cfg, servers: s, sized: map[string]sizes{}, run: &Run{
		Began: time.Now(), Full: cfg.Full, Rounds: cfg.Rounds, Phase: cfg.Phase, Machine: describeMachine(s.dir),
	}}
	if err = b.all(ctx); err != nil {
		b.note("The run ended early: %v", err)
	}
	b.run.Took = time.Since(b.run.Began)
	return b.run, errors.Join(err, s.close())
}

func (c *Config) setDefaults() {
	if c.Rounds == 0 {
		c.Rounds = 5
	}
	if len(c.Stores) == 0 {
		c.Stores = peer.Stores
	}
	if c.Phase == 0 {
		c.Phase = 500 * time.Millisecond
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
}

// part is a piece of the measurement.
type part struct {
	name string
	full bool // only in a full run
	do   func(b *bench, ctx context.Context, store peer.Store, entries []peer.Entry) error
}

var parts = []part{
	{"cycles", false, (*bench).cycles},
	{"pickup", false, (*bench).pickups},
	{"memory", false, (*bench).memories},
	{"network", false, (*bench).networks},
	{"apart", false, (*bench).pickupsApart},
	{"load", true, (*bench).loads},
	{"idle", true, (*bench).idles},
	{"timers", true, (*bench).timers},
	{"processes", true, (*bench).processes},
	{"backlog", true, (*bench).backlogs},
	{"recovery", true, (*bench).recoveries},
	{"profiles", false, (*bench).profiles},
}

// Parts names the pieces of the measurement.
func Parts() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

func (b *bench) wants(p part) bool {
	if len(b.Parts) > 0 {
		return slices.Contains(b.Parts, p.name)
	}
	return b.Full || !p.full
}

func (b *bench) all(ctx context.Context) error {
	for _, store := range b.Stores {
		entries := b.entries(ctx, store)
		if len(entries) == 0 {
			continue
		}
		if _, err := b.server(store); err != nil {
			b.note("%s was left out: %v", store.Title(), err)
			continue
		}
		b.describe(ctx, store, entries)
		for _, p := range parts {
			if !b.wants(p) {
				continue
			}
			began := time.Now()
			if err := p.do(b, ctx, store, entries); err != nil {
				return fmt.Errorf("%s on %s: %w", p.name, store.Title(), err)
			}
			b.say("%s, %s: %.0f s", store.Title(), p.name, time.Since(began).Seconds())
		}
	}
	return nil
}

// entries are the systems that take part.
func (b *bench) entries(ctx context.Context, store peer.Store) []peer.Entry {
	var found []peer.Entry
	for _, e := range peer.All {
		if e.Store != store || len(b.Only) > 0 && !slices.Contains(b.Only, e.Name) {
			continue
		}
		if strings.HasPrefix(e.Name, "RQ") {
			if _, _, err := peer.RQPython(ctx); err != nil {
				b.note("%s was left out: %v", e.Name, err)
				continue
			}
		}
		found = append(found, e)
	}
	return found
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.Log, format+"\n", args...) }

func (b *bench) note(format string, args ...any) {
	b.say(format, args...)
	b.run.Notes = append(b.run.Notes, fmt.Sprintf(format, args...))
}

// record keeps a figure. With an error it is void.
func (b *bench) record(e peer.Entry, measure string, round int, value float64, jobs int, err error) {
	s := Sample{Store: e.Store, System: e.Name, Measure: measure, Round: round, Value: value, Jobs: jobs}
	if err != nil {
		s.Void, s.Value = err.Error(), 0
		b.say("%s, %s, %s: void: %v", e.Store.Title(), e.Name, measure, err)
	}
	b.run.Samples = append(b.run.Samples, s)
}

// opened has something done with a system in an empty place.
func (b *bench) opened(ctx context.Context, e peer.Entry, do func(s peer.System, url string) error) (err error) {
	where, err := b.fresh(ctx, e.Store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, where.drop(context.WithoutCancel(ctx))) }()
	s, err := e.Open(ctx, where.url)
	if err != nil {
		return fmt.Errorf("open %s: %w", e.Name, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s, where.url)
}

// alternate goes through the systems round by round, the order turned around every other round, so that what the machine
// does meanwhile meets all of them. One that fails is left out from then on.
func (b *bench) alternate(ctx context.Context, rounds int, entries []peer.Entry, do func(round int, e peer.Entry) error) error {
	failed := map[string]bool{}
	for round := 1; round <= rounds; round++ {
		order := slices.Clone(entries)
		if round%2 == 0 {
			slices.Reverse(order)
		}
		for _, e := range order {
			if failed[e.Name] {
				continue
			}
			err := do(round, e)
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if err != nil {
				failed[e.Name] = true
				b.note("%s on %s was left out from round %d on: %v", e.Name, e.Store.Title(), round, err)
			}
		}
	}
	return nil
}

// text is what a job carries so that its JSON has about so many bytes.
func text(size int) string { return strings.Repeat("x", max(size-22, 1)) }

const small, large = 100, 10_000

// work makes jobs numbered from a start.
func work(from, n int, carry string) []peer.Job {
	jobs := make([]peer.Job, n)
	for i := range jobs {
		jobs[i] = peer.Job{N: int64(from + i), Text: carry}
	}
	return jobs
}
