package report

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/errandhq/errand/bench/measure"
	"github.com/errandhq/errand/bench/peer"
)

// method says how it is measured.
//
//go:embed method.md
var method string

// Write writes a report to a Markdown file, and its charts to the folder beside it that has the file's name without
// ending. Of remarks.md in that folder, which people write, it takes over what stands there.
func Write(run *measure.Run, path string) error {
	s, err := summarize(run)
	if err != nil {
		return err
	}
	folder := strings.TrimSuffix(path, filepath.Ext(path))
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // it is for everybody
		return err
	}
	var d document
	d.line("# Performance\n")
	d.line("This page is written by the benchmark in `bench/` (`make bench`, `make bench-full`) from what it measured; only the remarks")
	d.line("are by hand. Errand and its peers did the same work in the same run, and every run was checked: each job ran exactly once,")
	d.line("or the figure is void.\n")
	d.machine(run)
	d.goals(s, folder)
	remarks, err := os.ReadFile(filepath.Join(folder, "remarks.md"))
	if err == nil {
		d.line("## Remarks\n\n" + strings.TrimSpace(string(remarks)) + "\n")
	} else if !os.IsNotExist(err) {
		return err
	}
	for _, store := range peer.Stores {
		if err := d.store(s, store, folder); err != nil {
			return err
		}
	}
	d.line("## Method\n\n" + strings.TrimSpace(method) + "\n")
	d.line("## Versions and settings\n")
	for _, v := range run.Versions {
		d.line("- " + v)
	}
	return os.WriteFile(path, []byte(d.String()), 0o644) //nolint:gosec // it is for everybody
}

// document is Markdown that grows.
type document struct{ strings.Builder }

func (d *document) line(text string) { d.WriteString(text + "\n") }

// row is a line of a table.
func (d *document) row(cells ...string) { d.line("| " + strings.Join(cells, " | ") + " |") }

func (d *document) head(cells ...string) {
	d.row(cells...)
	d.line("|" + strings.Repeat("---|", len(cells)))
}

func (d *document) machine(run *measure.Run) {
	kind := "the goals"
	if run.Full {
		kind = "everything"
	}
	d.line(fmt.Sprintf("Measured on %s, %s in %v, %d rounds, about %v for each half of a cycle, client and store on one machine:\n",
		run.Began.UTC().Format("2006-01-02"), kind, run.Took.Round(time.Second), run.Rounds, run.Phase))
	for _, line := range run.Machine {
		d.line("- " + line)
	}
	for _, line := range run.Servers {
		d.line("- " + line)
	}
	for _, line := range run.Notes {
		d.line("- " + line)
	}
	d.line("")
}

func (d *document) goals(s *summary, folder string) {
	d.line("## Goals\n")
	d.line("Ratios of medians, in brackets the lowest and the highest of the rounds. Rates are jobs a second.")
	d.line("Unsure: the rounds lie on both sides of the goal.\n")
	d.head("store", "goal", "measured", "figures", "")
	reached, known := 0, 0
	for _, store := range peer.Stores {
		for _, g := range goals() {
			if g.store != store {
				continue
			}
			v := s.judge(g)
			if !v.known {
				continue
			}
			mark := "**missed**" + profileOf(g, folder)
			known++
			if v.reached {
				mark = "reached"
				reached++
			}
			if v.unsure {
				mark += ", unsure"
			}
			d.row(store.Title(), v.text, v.got, v.figures, mark)
		}
	}
	d.line(fmt.Sprintf("\n%d of %d goals that this run measured are reached.\n", reached, known))
}

// profileOf links to the profile of what missed its goal, if there is one.
func profileOf(g goal, folder string) string {
	name := fmt.Sprintf("%s-%s.pprof.txt", g.store, g.measure)
	if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
		return ""
	}
	return fmt.Sprintf(" ([profile](%s/%s))", filepath.Base(folder), name)
}

// group is a table of measures.
type group struct {
	heading  string
	unit     string
	measures []string
	charts   bool
}

var groups = []group{
	{"Throughput", "jobs/s", []string{
		measure.Enqueue1, measure.Enqueue64, measure.EnqueueBulk, measure.Drain1, measure.Drain10, measure.Drain100, measure.Drain1000,
	}, true},
	{"Throughput with payloads of 10 KB", "jobs/s", []string{
		measure.Enqueue1 + measure.Large, measure.Enqueue64 + measure.Large, measure.EnqueueBulk + measure.Large,
		measure.Drain1 + measure.Large, measure.Drain10 + measure.Large, measure.Drain100 + measure.Large, measure.Drain1000 + measure.Large,
	}, false},
	{"Processor time a job", "µs", costs(), false},
	{"Pickup by an idle worker", "ms", []string{measure.PickupP50, measure.PickupP99, measure.PickupP999}, false},
	{"Pickup by an idle worker in another process", "ms", []string{measure.ApartP50, measure.ApartP99, measure.ApartP999}, false},
	{"Latency under load", "ms; capacity in jobs/s", loads(), false},
	{"An idle worker", "% of a core; requests/s", []string{measure.IdleWorker, measure.IdleStore, measure.IdleRequests}, false},
	{"Memory", "bytes", []string{measure.Memory}, false},
	{"Many jobs waiting", "jobs/s", []string{measure.Backlog10k, measure.Backlog1M, measure.Backlog5M}, false},
	{"Several worker processes", "jobs/s", []string{measure.Processes(1), measure.Processes(2), measure.Processes(4)}, false},
	{"Jobs that are due at the same moment", "jobs/s; ms", []string{measure.TimerRate, measure.TimerLate}, false},
	{"Recovery after kill -9 of a worker", "s", []string{measure.Recovery}, false},
	{"A longer network", "jobs/s", []string{
		measure.Drain100 + "-0ms" + measure.Near, measure.Drain100 + measure.Near,
		measure.Drain100 + "-0ms" + measure.Far, measure.Drain100 + measure.Far,
	}, false},
}

// costs are the measures of processor time.
func costs() []string {
	var all []string
	for _, m := range measure.Profiled {
		all = append(all, measure.Cost(m, false), measure.Cost(m, true))
	}
	return all
}

// loads are the measures of latency at parts of the capacity.
func loads() []string {
	all := []string{measure.Capacity}
	for _, percent := range measure.Loads {
		for _, which := range []string{"p50", "p99", "p99.9"} {
			all = append(all, measure.Load(percent, which))
		}
	}
	return all
}

// charted are the measures that get a chart.
var charted = []string{measure.Enqueue64, measure.EnqueueBulk, measure.Drain100}

func (d *document) store(s *summary, store peer.Store, folder string) error {
	first := true
	for _, g := range groups {
		entries := s.systems(store, g.measures...)
		if len(entries) == 0 {
			continue
		}
		if first {
			d.line("## " + store.Title() + "\n")
			first = false
		}
		d.line("### " + g.heading + " (" + g.unit + ")\n")
		if g.charts {
			if err := d.charts(s, store, folder); err != nil {
				return err
			}
		}
		d.table(s, store, g, entries)
	}
	return nil
}

func (d *document) charts(s *summary, store peer.Store, folder string) error {
	for _, m := range charted {
		var bars []bar
		for _, e := range s.systems(store, m) {
			bars = append(bars, bar{e.Name, string(e.Role), s.get(store, e.Name, m)})
		}
		if len(bars) == 0 {
			continue
		}
		name := fmt.Sprintf("%s-%s.svg", store, m)
		heading := fmt.Sprintf("%s: %s (jobs/s)", store.Title(), title(m))
		if err := os.WriteFile(filepath.Join(folder, name), []byte(chart(heading, bars)), 0o644); err != nil { //nolint:gosec // it is for everybody
			return err
		}
		d.line(fmt.Sprintf("![%s](%s/%s)\n", heading, filepath.Base(folder), name))
	}
	return nil
}

func (d *document) table(s *summary, store peer.Store, g group, entries []peer.Entry) {
	var measures []string
	heads := []string{""}
	for _, m := range g.measures {
		for _, e := range entries {
			if s.get(store, e.Name, m) != nil {
				measures, heads = append(measures, m), append(heads, title(m))
				break
			}
		}
	}
	d.head(heads...)
	for _, e := range entries {
		cells := []string{e.Name}
		if e.Role == peer.Ours {
			cells[0] = "**" + e.Name + "**"
		}
		for _, m := range measures {
			f := s.get(store, e.Name, m)
			switch {
			case f == nil:
				cells = append(cells, "")
			case !f.ok():
				cells = append(cells, "void: "+strings.ReplaceAll(f.void, "|", "/"))
			default:
				cells = append(cells, number(f.median)+spread(f))
			}
		}
		d.row(cells...)
	}
	d.line("")
}
