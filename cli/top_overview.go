package cli

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/errandhq/errand"
)

// wideWidth is from how many columns on the overview has two parts beside each other under the charts.
const wideWidth = 110

// overviewBody is the charts, and below them the queues, the workers and the failures, each as far as there is room.
func (m *topModel) overviewBody() []string {
	height := m.bodyHeight()
	charts := max(4, min(10, height/3))
	lines := append(m.charts(charts), "")
	room := height - len(lines)
	if m.width >= wideWidth {
		left := m.width * 11 / 20
		right := m.width - left - 3
		half := max(2, room/2)
		return append(lines, beside(m.queuesPart(left, room), append(padTo(m.workersPart(right, half-1), half), m.failuresPart(right, room-half)...), left, 3)...)
	}
	queues := max(3, room/2)
	others := max(2, (room-queues-2)/2)
	lines = append(lines, m.queuesPart(m.width, queues)...)
	lines = append(append(lines, ""), m.workersPart(m.width, others)...)
	return append(append(lines, ""), m.failuresPart(m.width, room-queues-others-2)...)
}

func padTo(lines []string, height int) []string {
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines
}

// beside puts two columns of lines beside each other, the left one some columns wide.
func beside(left, right []string, width, gap int) []string {
	var lines []string
	for i := range max(len(left), len(right)) {
		line := ""
		if i < len(left) {
			line = left[i]
		}
		if i < len(right) {
			line += strings.Repeat(" ", max(0, width-lipgloss.Width(line))+gap) + right[i]
		}
		lines = append(lines, line)
	}
	return lines
}

// charts are throughput, failures and depth over the time since top began.
func (m *topModel) charts(height int) []string {
	h := m.history.of("")
	width := (m.width - 4) / 3
	parts := [][]string{
		m.chart(m.s.t("finished/s"), h.done, width, height, good),
		m.chart(m.s.t("failed/s"), h.bad, width, height, bad),
		m.chart(m.s.t("still to do"), h.depth, width, height, stateStyles[errand.StateQueued]),
	}
	return beside(beside(parts[0], parts[1], width, 2), parts[2], 2*width+2, 2)
}

// chart is a title with the value of now, an area, and what its height and width stand for.
func (m *topModel) chart(title string, values []float64, width, height int, style lipgloss.Style) []string {
	title = ansi.Truncate(title, width-9, "…")
	lines := []string{bold.Render(title) + " " + style.Bold(true).Render(rate(now(values)))}
	shown := values[max(0, len(values)-2*width):]
	top := roundTop(shown)
	for _, line := range areaChart(shown, width, height-2, top) {
		lines = append(lines, style.Render(line))
	}
	scale := m.s.t("height %s", rate(top))
	span := m.s.span(m.interval * time.Duration(2*width))
	space := max(1, width-lipgloss.Width(scale)-lipgloss.Width(span))
	return append(lines, faint.Render(ansi.Truncate(scale+strings.Repeat("─", space)+span, width, "")))
}

func (m *topModel) queuesPart(width, height int) []string {
	s := m.s
	list := m.queues(tabOverview)
	if len(list) == 0 {
		return append([]string{bold.Render(s.t("Queues"))}, m.nothing(s.t("No queues yet."))...)
	}
	most, names := int64(1), 0
	for _, q := range list {
		most, names = max(most, total(q)), max(names, lipgloss.Width(q.Name))
	}
	room := max(6, min(40, width-names-46))
	g := newGrid(column{title: s.t("QUEUES"), flex: true}, column{title: ""}, column{title: s.t("QUEUED"), right: true},
		column{title: s.t("STARTED"), right: true}, column{title: s.t("FAILED"), right: true}, column{title: s.t("DONE/S"), right: true}, column{title: ""})
	var bars []string
	for _, q := range list {
		note := cell{}
		if q.Paused {
			note = cell{s.t("paused"), warn}
		}
		bars = append(bars, ansi.Truncate(queueBar(q, most, room-4), room, ""))
		g.add(cell{q.Name, bold}, strings.Repeat("█", lipgloss.Width(bars[len(bars)-1])), cell{number(q.Counts[errand.StateQueued]), countStyle(q, errand.StateQueued)},
			cell{number(q.Counts[errand.StateStarted]), countStyle(q, errand.StateStarted)},
			cell{number(q.Counts[errand.StateFailed]), countStyle(q, errand.StateFailed)}, rate(now(m.history.of(q.Name).done)), note)
	}
	cursor := m.lists[tabOverview].cursor
	titles, rows := g.lines(width, cursor)
	for i, bar := range bars {
		if i != cursor { // the bar in its colours, where the table had it in one
			rows[i] = strings.Replace(rows[i], strings.Repeat("█", lipgloss.Width(bar)), bar, 1)
		}
	}
	return append([]string{bold.Render(titles)}, around(rows, cursor, height-1)...)
}

func countStyle(q errand.QueueInfo, state errand.State) lipgloss.Style {
	if q.Counts[state] == 0 {
		return faint
	}
	return stateStyles[state]
}

func (m *topModel) workersPart(width, height int) []string {
	s := m.s
	r := &m.seen.report
	alive, running, places := 0, 0, 0
	for i := range r.workers {
		if w := &r.workers[i]; !w.Lost(r.now) {
			alive++
			running += len(w.Running)
			places += w.Concurrency
		}
	}
	lines := []string{bold.Render(s.t("Workers")) + faint.Render("  "+s.t("%d of %d alive", alive, len(r.workers))+s.t(", ")+s.t("%d of %d runners busy", running, places))}
	if len(r.workers) == 0 {
		lines[0] = bold.Render(s.t("Workers"))
		return append(lines, faint.Render("  "+s.t("No workers.")))
	}
	for i := range r.workers {
		w := &r.workers[i]
		if len(lines) == height-1 && i < len(r.workers)-1 && height > 2 {
			return append(lines, faint.Render("  "+s.t("and %d more", len(r.workers)-i)))
		}
		if len(lines) >= height {
			break
		}
		line := fmt.Sprintf("%s %s %d/%d %s", workerMark(w, r), bold.Render(cleanLine(w.ID)), len(w.Running), w.Concurrency, faint.Render(cleanLine(strings.Join(w.Queues, ", "))))
		if len(w.Running) > 0 {
			line += "  " + cleanLine(w.Running[0].Task) + " " + s.runningFor(w.Running[0], r.now)
		}
		lines = append(lines, ansi.Truncate(line, width, "…"))
	}
	return lines
}

func (m *topModel) failuresPart(width, height int) []string {
	s := m.s
	if m.grouped == nil || len(m.grouped.groups) == 0 {
		return []string{bold.Render(s.t("Failures")), faint.Render("  " + s.t("No job has failed."))}
	}
	g := m.failuresGrid(m.grouped.groups[:min(len(m.grouped.groups), max(1, height-1))])
	g.columns[0].title = s.t("FAILURES")
	titles, rows := g.lines(width, -1)
	return append([]string{bold.Render(titles)}, rows...)
}
