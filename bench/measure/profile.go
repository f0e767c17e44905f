package measure

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// Profiled are the measures of which there are profiles.
var Profiled = []string{Enqueue64, EnqueueBulk, Drain100, Drain1000}

// Cost is a measure: microseconds of processor time a job, of Errand's process or of the server.
func Cost(of string, server bool) string {
	if server {
		return of + "-server"
	}
	return of + "-process"
}

// profile is what one kind of work costs, over the rounds.
type profile struct {
	what  string // the measure
	files []string
	jobs  int
	took  time.Duration
}

// profiles finds out what Errand's process and the server spend their time on, and writes down, in Config.Profiles, the most
// expensive functions of the process: enqueueing by 64 producers, in bulk, and draining at concurrency 100 and 1,000, one
// after the other in each round.
func (b *bench) profiles(ctx context.Context, store peer.Store, _ []peer.Entry) error {
	if b.Profiles == "" {
		return nil
	}
	if err := os.MkdirAll(b.Profiles, 0o755); err != nil { //nolint:gosec // it is for everybody
		return err
	}
	e, err := peer.Find(store, "Errand")
	if err != nil {
		return err
	}
	return b.opened(ctx, e, func(s peer.System, _ string) error {
		size, err := b.size(ctx, e, s, cycle{enqueue: Enqueue64, producers: 64, drain: "profile", concurrency: 100, bytes: small})
		if err != nil {
			return err
		}
		jobs := work(0, max(size.enqueue, size.drain), text(small))
		produced, drained := jobs[:size.enqueue], jobs[:size.drain]
		fill := func() error { return bulk(ctx, s, drained) }
		empty := func(concurrency int, jobs []peer.Job) func() error {
			return func() error {
				_, err := drain(ctx, s, concurrency, len(jobs))
				return err
			}
		}
		steps := []struct {
			*profile // nil: the step is there for the next one
			jobs     []peer.Job
			do       func() error
		}{
			{&profile{what: Enqueue64}, produced, func() error { return produce(ctx, s, 64, produced) }},
			{nil, produced, empty(100, produced)},
			{&profile{what: EnqueueBulk}, drained, fill},
			{&profile{what: Drain100}, drained, empty(100, drained)},
			{nil, drained, fill},
			{&profile{what: Drain1000}, drained, empty(1000, drained)},
		}
		for round := range b.Rounds {
			for _, step := range steps {
				do := step.do
				if step.profile != nil {
					do = func() error { return b.add(step.profile, e, round+1, len(step.jobs), step.do) }
				}
				if err := do(); err != nil {
					return err
				}
			}
		}
		for _, step := range steps {
			if step.profile == nil {
				continue
			}
			if err := b.write(ctx, step.profile, store); err != nil {
				return err
			}
		}
		return nil
	})
}

// add does the work, adds it to the profile and records what it cost.
func (b *bench) add(p *profile, e peer.Entry, round, jobs int, do func() error) error {
	f, err := os.CreateTemp(b.dir, "*.pprof")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	all, server, began := cpuSeconds([]int{os.Getpid()}), cpuSeconds(b.pids(e.Store)), time.Now()
	err = do()
	p.took += time.Since(began)
	server = cpuSeconds(b.pids(e.Store)) - server
	process := cpuSeconds([]int{os.Getpid()}) - all - server // the server is our child
	pprof.StopCPUProfile()
	p.files = append(p.files, f.Name())
	p.jobs += jobs
	b.record(e, Cost(p.what, false), round, process/float64(jobs)*1e6, jobs, err)
	if e.Store != peer.SQLite {
		b.record(e, Cost(p.what, true), round, server/float64(jobs)*1e6, jobs, err)
	}
	return err
}

// write makes a page of a profile: where the time went, by function alone and with what it called.
func (b *bench) write(ctx context.Context, p *profile, store peer.Store) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var page bytes.Buffer
	fmt.Fprintf(&page, "%s, %s: Errand's process, %d jobs in %.2f s\n\n", store.Title(), p.what, p.jobs, p.took.Seconds())
	for _, order := range []string{"-flat", "-cum"} {
		cmd := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-top", order, "-nodecount=25", self}, p.files...)...)
		cmd.Stdout = &page
		if err := cmd.Run(); err != nil {
			return err
		}
		page.WriteString("\n")
	}
	return os.WriteFile(filepath.Join(b.Profiles, fmt.Sprintf("%s-%s.pprof.txt", store, p.what)), page.Bytes(), 0o644) //nolint:gosec // it is for everybody
}
