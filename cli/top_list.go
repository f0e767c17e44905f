package cli

import (
	"cmp"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/errandhq/errand"
)

// matches reports whether one of some texts holds a list's filter.
func (l *listState) matches(texts ...string) bool {
	if l.filter == "" {
		return true
	}
	want := strings.ToLower(l.filter)
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), want) })
}

// queues are the queues of a list: those with the most to tell first on the overview, by name on their own page.
func (m *topModel) queues(t tab) []errand.QueueInfo {
	if m.seen == nil {
		return nil
	}
	var list []errand.QueueInfo
	for _, q := range m.seen.queues {
		if m.lists[t].matches(q.Name) {
			list = append(list, q)
		}
	}
	if t == tabOverview {
		slices.SortStableFunc(list, func(a, b errand.QueueInfo) int {
			return cmp.Or(cmp.Compare(b.Counts[errand.StateStarted], a.Counts[errand.StateStarted]), cmp.Compare(depth(b), depth(a)),
				cmp.Compare(b.Counts[errand.StateFailed], a.Counts[errand.StateFailed]))
		})
	}
	return list
}

func (m *topModel) workers() []errand.WorkerRecord {
	if m.seen == nil {
		return nil
	}
	var list []errand.WorkerRecord
	for i := range m.seen.workers {
		w := &m.seen.workers[i]
		if m.lists[tabWorkers].matches(append([]string{w.ID, w.Kind}, w.Queues...)...) {
			list = append(list, *w)
		}
	}
	return list
}

func (m *topModel) jobs() []*errand.Job {
	if m.seen == nil {
		return nil
	}
	var list []*errand.Job
	for _, job := range m.seen.jobs {
		if m.lists[tabJobs].matches(job.ID, job.Queue, job.Task, m.s.about(job, m.seen.now).text) {
			list = append(list, job)
		}
	}
	return list
}

func (m *topModel) groups() []*failureGroup {
	if m.grouped == nil {
		return nil
	}
	var list []*failureGroup
	for _, g := range m.grouped.groups {
		if m.lists[tabFailures].matches(append([]string{g.task, g.text}, g.queues...)...) {
			list = append(list, g)
		}
	}
	return list
}

// openedJob is the job that is open, as last seen; nil where it is not known yet or gone.
func (m *topModel) openedJob() *errand.Job {
	if m.seen == nil || m.seen.opened == nil || m.seen.opened.id != m.open {
		return nil
	}
	return m.seen.opened.job
}

// lines draws a table of some width: its titles, and its rows. The row under the cursor is drawn the other way round.
func (g *grid) lines(width, cursor int) (titles string, rows []string) {
	g.fit(width, false)
	widths, _ := g.plan(width, leastWidth, false)
	draw := func(text func(col int) string, style func(col int) lipgloss.Style) string {
		var b strings.Builder
		for col := range g.columns {
			t := ansi.Truncate(text(col), widths[col], "…")
			space := strings.Repeat(" ", max(0, widths[col]-lipgloss.Width(t)))
			if g.columns[col].right {
				b.WriteString(space)
			}
			b.WriteString(style(col).Render(t))
			if !g.columns[col].right && col < len(g.columns)-1 {
				b.WriteString(space)
			}
			if col < len(g.columns)-1 {
				b.WriteString("  ")
			}
		}
		return ansi.Truncate(b.String(), width, "…")
	}
	titles = draw(func(col int) string { return g.columns[col].title }, func(int) lipgloss.Style { return faint })
	for i, row := range g.rows {
		line := draw(func(col int) string { return row[col].text }, func(col int) lipgloss.Style { return row[col].style })
		if i == cursor {
			line = reversed(line, width)
		}
		rows = append(rows, line)
	}
	return titles, rows
}

// reversed draws a line the other way round, as wide as there is room: so it is seen on light and on dark terminals.
func reversed(line string, width int) string {
	line = ansi.Strip(line)
	return lipgloss.NewStyle().Reverse(true).Render(line + strings.Repeat(" ", max(0, width-lipgloss.Width(line))))
}

// around returns the part of a list of some height that has the cursor in it, moved as little as can be from the start.
func around(rows []string, cursor, height int) []string {
	from := max(0, min(cursor-height/2, len(rows)-height))
	return rows[from:min(len(rows), from+height)]
}
