package cli

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
)

// demoJSON is what demo --json prints.
type demoJSON struct {
	Store    string       `json:"store"`
	Dir      string       `json:"dir"`
	Files    int          `json:"files"`
	Skipped  skippedJSON  `json:"skipped"`
	Cleared  int64        `json:"cleared"` // jobs of earlier runs
	Enqueued stretch      `json:"enqueued"`
	Ran      stretch      `json:"ran"`         // the files' jobs, from the first start to the last end
	RanAll   float64      `json:"all_seconds"` // of all jobs, with retries and timeouts
	Bytes    int64        `json:"bytes"`
	Lines    int64        `json:"lines"`
	Results  []fileResult `json:"results"` // sorted by path
	Failed   []wire.Job   `json:"failed"`  // as they were before they were requeued
	Requeued int64        `json:"requeued"`
	Again    []wire.Job   `json:"again"` // the same jobs after they had run again
}

// skippedJSON counts what the demo left out.
type skippedJSON struct {
	Links       int `json:"symbolic_links"`
	Unreadable  int `json:"unreadable_directories"`
	Special     int `json:"special_files"`
	OwnDatabase int `json:"own_database"`
}

func (d *demoRun) asJSON() demoJSON {
	j := demoJSON{
		Store: maskURL(d.url), Dir: d.dir, Files: len(d.files.Paths), Cleared: d.cleared, Enqueued: d.enqueued, Ran: d.ran, RanAll: d.ranAll.Seconds(),
		Skipped: skippedJSON{d.files.Links, d.files.Denied, d.files.Special, d.files.Database},
		Results: append([]fileResult{}, d.results...), Failed: []wire.Job{}, Requeued: d.retried, Again: []wire.Job{},
	}
	for _, r := range d.results {
		j.Bytes += r.Size
		j.Lines += r.Lines
	}
	for _, job := range d.failed {
		j.Failed = append(j.Failed, wire.NewJob(job))
	}
	for _, job := range d.again {
		j.Again = append(j.Again, wire.NewJob(job))
	}
	return j
}

// say prints a line of the demo's report, unless JSON is wanted.
func (d *demoRun) say(format string, args ...any) {
	if !d.s.json {
		d.s.out.printf(format+"\n", args...)
	}
}

// label is the name of a line of the title.
func (d *demoRun) label(name string) string {
	return name + strings.Repeat(" ", max(0, 8-lipgloss.Width(name)))
}

func (d *demoRun) heading(text string) {
	if !d.s.json {
		d.s.heading(text)
	}
}

func (d *demoRun) print(g *grid) {
	if !d.s.json {
		d.s.out.print(g)
	}
}

func (d *demoRun) title() {
	d.say("%s", bold.Render(d.s.t("One job per file under %s", cleanLine(d.dir))))
	d.say("  %s %s", faint.Render(d.label(d.s.t("store"))), maskURL(d.url))
}

func (d *demoRun) printFound() {
	if d.cleared > 0 {
		d.say("  %s %s", faint.Render(d.label(d.s.t("cleared"))), d.s.t("%s of an earlier run", d.s.n(d.cleared, "1 job", "%s jobs")))
	}
	line := d.s.n(int64(len(d.files.Paths)), "1 file", "%s files")
	if skipped := d.s.skipped(d.files); skipped != "" {
		line += " " + faint.Render("("+skipped+")")
	}
	d.say("  %s %s", faint.Render(d.label(d.s.t("found"))), line)
}

func (d *demoRun) printEnqueued() {
	d.say("  %s %s %s", faint.Render(d.label(d.s.t("enqueued"))), d.stretchText(d.enqueued), faint.Render(d.s.t("(4 of them are made to fail)")))
}

func (d *demoRun) stretchText(p stretch) string {
	return d.s.t("%s in %s: %s", d.s.n(p.Jobs, "1 job", "%s jobs"), d.s.span(p.Took), bold.Render(d.s.t("%s jobs/s", number(int64(p.PerSec)))))
}

func (d *demoRun) printSummary() {
	d.say("  %s %s %s", faint.Render(d.label(d.s.t("ran"))), d.stretchText(d.ran),
		faint.Render(d.s.t("(%d at a time)", d.concurrency)))
	d.say("  %s %s", d.label(""), faint.Render(d.s.t("the failing ones took until %s, with their retries and timeouts", d.s.span(d.ranAll))))
	if d.missing > 0 {
		d.say("  %s", warn.Render(d.s.t("%s are not to be found: did another demo run on this store?", d.s.n(int64(d.missing), "1 job", "%s jobs"))))
	}
	var size, lines int64
	for _, r := range d.results {
		size += r.Size
		lines += r.Lines
	}
	d.heading(d.s.t("Results: %s, %s, %s", d.s.n(int64(len(d.results)), "1 file", "%s files"), byteCount(size), d.s.n(lines, "1 line", "%s lines")))
	if len(d.results) == 0 {
		return
	}
	d.printKinds()
	d.printLargest()
}

// The demo's tables show this many rows at most.
const (
	topKinds   = 6
	topFiles   = 5
	topFailed  = 10
	stackLines = 9
)

type kind struct {
	name               string
	files, size, lines int64
}

func (d *demoRun) printKinds() {
	byName := map[string]*kind{}
	for _, r := range d.results {
		name := filepath.Ext(r.Path)
		if name == "" || name == filepath.Base(r.Path) {
			name = d.s.t("(none)")
		}
		k := byName[name]
		if k == nil {
			k = &kind{name: name}
			byName[name] = k
		}
		k.files++
		k.size += r.Size
		k.lines += r.Lines
	}
	kinds := slices.SortedFunc(maps.Values(byName), func(a, b *kind) int {
		return cmp.Or(cmp.Compare(b.files, a.files), cmp.Compare(a.name, b.name))
	})
	if len(kinds) > topKinds {
		others := &kind{name: d.s.t("%d others", len(kinds)-topKinds+1)}
		for _, k := range kinds[topKinds-1:] {
			others.files += k.files
			others.size += k.size
			others.lines += k.lines
		}
		kinds = append(kinds[:topKinds-1], others)
	}
	g := newGrid(column{title: d.s.t("EXTENSION"), flex: true}, column{title: d.s.t("FILES"), right: true}, column{title: d.s.t("BYTES"), right: true},
		column{title: d.s.t("LINES"), right: true})
	for _, k := range kinds {
		g.add(k.name, number(k.files), number(k.size), number(k.lines))
	}
	d.print(g)
}

func (d *demoRun) printLargest() {
	largest := slices.SortedFunc(slices.Values(d.results), func(a, b fileResult) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Path, b.Path))
	})
	d.say("")
	g := newGrid(column{title: d.s.t("LARGEST FILES"), flex: true}, column{title: d.s.t("BYTES"), right: true}, column{title: d.s.t("LINES"), right: true},
		column{title: "SHA-256", flex: true})
	for _, r := range largest[:min(topFiles, len(largest))] {
		name := r.Path
		if rel, err := filepath.Rel(d.dir, r.Path); err == nil {
			name = rel
		}
		g.add(name, number(r.Size), number(r.Lines), r.SHA256)
	}
	d.print(g)
	d.say("%s", faint.Render(d.s.t("'%s demo --json' prints every file.", d.s.invocation())))
}

func (d *demoRun) printFailed(ctx context.Context) error {
	d.heading(d.s.t("Failed jobs: %s", number(len(d.failed))))
	if len(d.failed) == 0 {
		return nil
	}
	g := newGrid(column{title: d.s.t("ID")}, column{title: d.s.t("TASK")}, column{title: d.s.t("ATTEMPTS"), right: true}, column{title: d.s.t("ERROR"), flex: true})
	for _, job := range d.failed[:min(topFailed, len(d.failed))] {
		rec, _ := job.LastError()
		g.add(job.ID, job.Task, number(job.Attempt), cell{clip(rec.Error, maxAbout), bad})
	}
	d.print(g)
	if more := len(d.failed) - topFailed; more > 0 {
		d.say("%s", faint.Render(d.s.t("and %s more", number(more))))
	}
	for _, job := range d.failed {
		if rec, ok := job.LastError(); ok && rec.Panic {
			d.heading(d.s.t("The panic among them, with its stack trace"))
			d.say("%s", bad.Render("  "+cleanLine(rec.Error)))
			d.say("%s", indent(firstLines(cleanBlock(rec.Stack), stackLines), "  "))
			break
		}
	}
	return d.printFlaky(ctx)
}

// printFlaky shows the job that failed twice and then succeeded.
func (d *demoRun) printFlaky(ctx context.Context) error {
	return d.each(ctx, errand.StateFinished, func(job *errand.Job) error {
		if job.Task == demoFlaky.Name() {
			rec, _ := job.LastError()
			d.heading(d.s.t("Retried until it worked"))
			d.say("  %s %s", job.ID, job.Task)
			d.say("  %s", bad.Render(d.s.t("attempts 1 and 2: %s", cleanLine(rec.Error))))
			d.say("  %s", good.Render(d.s.t("attempt %d: succeeded", job.Attempt)))
		}
		return nil
	})
}

func firstLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) <= n {
		return strings.Join(lines, "\n")
	}
	return strings.Join(lines[:n], "\n") + "\n..."
}

func (d *demoRun) printRequeued(counts map[errand.State]int64) {
	d.heading(d.s.t("Run again"))
	d.say("  %s", d.s.t("The price list that %s missed has come meanwhile.", demoImport.Name()))
	d.say("  %s", d.s.t("Requeued %s, payload and history unchanged: %s queued, %s failed.",
		d.s.n(d.retried, "1 failed job", "%s failed jobs"),
		number(counts[errand.StateQueued]), number(counts[errand.StateFailed])))
}

func (d *demoRun) printAgain() {
	g := newGrid(column{title: d.s.t("ID")}, column{title: d.s.t("TASK")}, column{title: d.s.t("NOW")}, column{title: d.s.t("ABOUT"), flex: true})
	for _, job := range d.again[:min(topFailed, len(d.again))] {
		text := cell{d.s.t("result %s", job.Result), plain}
		if rec, ok := job.LastError(); ok && job.State == errand.StateFailed {
			text = cell{clip(rec.Error, maxAbout), bad}
		}
		g.add(job.ID, job.Task, cell{d.s.state(job.State), stateStyles[job.State]}, text)
	}
	d.print(g)
}

// printHints says how to go on from here.
func (d *demoRun) printHints() {
	d.heading(d.s.t("Look further"))
	if strings.HasPrefix(d.url, "memory:") {
		d.say("  %s", d.s.t("The jobs were kept in memory and are gone now. Without --store they stay in %s.", demoFile))
		return
	}
	base := d.s.invocation() + " --store " + shellWord(maskURL(d.url))
	failed := "ID"
	for _, job := range d.again {
		if job.State == errand.StateFailed {
			failed = job.ID
			break
		}
	}
	hints := [][2]string{
		{"info", d.s.t("the queue as a bar")},
		{"jobs --state failed", d.s.t("the failed jobs")},
		{"job " + failed, d.s.t("one of them: payload, attempts, errors, stack trace")},
		{"requeue " + failed, d.s.t("put it back in its queue")},
		{"worker demo --burst", d.s.t("run what is queued")},
	}
	if d.mended != nil {
		hints = slices.Insert(hints, 3, [2]string{"job " + d.mended.ID, d.s.t("the one that was mended, with its history")})
	}
	for _, h := range hints {
		d.say("  %s", faint.Render("# "+h[1]))
		d.say("  %s", base+" "+h[0])
	}
	d.say("%s", faint.Render(d.s.t("Results are kept for %s, failed jobs for %s.", d.s.span(demoResultsKept), d.s.span(errand.DefaultFailedKeep))))
}

// invocation returns how this program is called, as far as can be told: under "go run" there is no binary to name.
func (s *session) invocation() string {
	file, err := os.Executable()
	if err != nil || !strings.Contains(file, "go-build") || !strings.Contains(filepath.ToSlash(file), "/exe/") {
		return s.name
	}
	build, ok := debug.ReadBuildInfo()
	if !ok || !strings.HasPrefix(build.Path, modulePath+"/") {
		return s.name
	}
	dir := "." + strings.TrimPrefix(build.Path, modulePath)
	if _, err := os.Stat(dir); err != nil {
		return s.name
	}
	return "go run " + dir
}

// shellWord quotes what a shell would take apart.
func shellWord(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
