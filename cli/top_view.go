package cli

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// tabNames are the titles of the pages.
var tabNames = [tabCount]string{
	lang.Mark("Overview"), lang.Mark("Queues"), lang.Mark("Workers"), lang.Mark("Jobs"), lang.Mark("Failures"),
}

// The lines above and below the body: title, tabs, an empty one; what is said, keys.
const (
	headLines = 3
	footLines = 2
)

func (m *topModel) bodyHeight() int { return max(1, m.height-headLines-footLines) }

// View draws the screen: always as many lines as it has, none longer than it is wide.
func (m *topModel) View() tea.View {
	view := tea.NewView("")
	view.AltScreen = true
	view.WindowTitle = m.s.name + " top"
	if m.width == 0 || m.height == 0 {
		return view
	}
	lines := []string{m.titleLine(), m.tabLine(), ""}
	body := m.body()
	for i := range m.bodyHeight() {
		line := ""
		if i < len(body) {
			line = body[i]
		}
		lines = append(lines, line)
	}
	lines = append(lines, m.sayLine())
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, m.width, "…")
	}
	view.SetContent(screenful(lines[:min(len(lines), m.height-1)], m.keyLine(), m.width, m.height))
	return view
}

func (m *topModel) titleLine() string {
	left := bold.Render(m.s.name+" top") + "  " + maskURL(m.s.storeURL())
	right := m.s.t("every %s", m.s.span(m.interval))
	if m.seen != nil {
		right = m.seen.now.Local().Format("15:04:05") + "  " + right
	}
	space := m.width - lipgloss.Width(left) - lipgloss.Width(right)
	if space < 2 {
		return left
	}
	return left + strings.Repeat(" ", space) + faint.Render(right)
}

func (m *topModel) tabLine() string {
	var b strings.Builder
	for t, name := range tabNames {
		text := fmt.Sprintf(" %d %s ", t+1, m.s.t(name))
		switch {
		case tab(t) == m.tab:
			b.WriteString(lipgloss.NewStyle().Reverse(true).Bold(true).Render(text))
		default:
			b.WriteString(faint.Render(text))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// body draws what is between the tabs and the line at the bottom.
func (m *topModel) body() []string {
	switch {
	case m.help:
		return m.helpBody()
	case m.seen == nil && m.away != nil:
		return nil
	case m.seen == nil:
		return []string{faint.Render(m.s.t("Looking…"))}
	case m.open != "":
		return m.jobBody()
	}
	switch m.tab {
	case tabQueues:
		return m.queuesBody()
	case tabWorkers:
		return m.workersBody()
	case tabJobs:
		return m.jobsBody()
	case tabFailures:
		return m.failuresBody()
	default:
		return m.overviewBody()
	}
}

// sayLine is what a person should read first: a question, what is being typed, a store that is away, what came of an action.
func (m *topModel) sayLine() string {
	switch {
	case m.asking != nil:
		return warn.Bold(true).Render(cleanLine(m.asking.text)) + " " + bold.Render("[y/n]")
	case m.typing:
		return bold.Render("/"+m.lists[m.tab].filter) + "▏"
	case m.away != nil:
		return bad.Render(m.s.awayText(m.away))
	case m.doing != "":
		return warn.Render(m.doing)
	case m.said != "" && m.failed:
		return bad.Render(cleanLine(m.said))
	case m.said != "":
		return good.Render(cleanLine(m.said))
	case m.lists[m.tab].filter != "" && m.open == "":
		return faint.Render(m.s.t("filter: %s", cleanLine(m.lists[m.tab].filter)))
	default:
		return ""
	}
}

// keyLine names the keys that matter where a person is.
func (m *topModel) keyLine() string {
	t := m.s.t
	var keys []string
	switch {
	case m.asking != nil:
		keys = []string{"y", t("yes"), "n", t("no")}
	case m.typing:
		keys = []string{"enter", t("keep"), "esc", t("take away")}
	case m.help:
		keys = []string{"esc", t("back"), "q", t("quit")}
	case m.open != "":
		keys = []string{"esc", t("back"), "↑↓", t("move"), "r", t("requeue"), "?", t("help"), "q", t("quit")}
	default:
		keys = []string{"tab", t("next page"), "↑↓", t("move"), "enter", t("open"), "/", t("filter")}
		switch m.tab {
		case tabOverview, tabQueues:
			keys = append(keys, "p", t("pause"))
		case tabWorkers:
			keys = append(keys, "p", t("quiet or resume"), "x", t("stop"))
		case tabJobs:
			keys = append(keys, "s", t("state"), "r", t("requeue"))
		case tabFailures:
			keys = append(keys, "r", t("requeue all"))
		default:
		}
		keys = append(keys, "?", t("help"), "q", t("quit"))
	}
	var b strings.Builder
	for i := 0; i < len(keys); i += 2 {
		b.WriteString(bold.Render(keys[i]) + " " + faint.Render(keys[i+1]) + "  ")
	}
	return strings.TrimRight(b.String(), " ")
}

func (m *topModel) helpBody() []string {
	lines := []string{bold.Render(m.s.t("Keys")), ""}
	left := 0
	for _, k := range keyHelp {
		left = max(left, lipgloss.Width(k[0]))
	}
	for _, k := range keyHelp {
		text := ansi.Wrap(m.s.t(k[1]), max(20, m.width-left-4), "")
		for i, part := range strings.Split(text, "\n") {
			name := ""
			if i == 0 {
				name = k[0]
			}
			lines = append(lines, "  "+pad(name, left, bold)+"  "+part)
		}
	}
	var shown []string
	shown, m.from = window(lines, m.from, m.bodyHeight())
	return shown
}

// jobBody is the job that is open, with its stack traces; long lines go on below.
func (m *topModel) jobBody() []string {
	opened := m.seen.opened
	if opened == nil || opened.id != m.open {
		return []string{faint.Render(m.s.t("Looking…"))}
	}
	if opened.job == nil {
		return []string{warn.Render(m.s.t("Job %s is no longer in the store.", cleanLine(m.open)))}
	}
	frame, text := newFrame(m.width)
	inFrame := *m.s
	inFrame.out = frame
	inFrame.printJob(opened.job, opened.parents, m.seen.now)
	wrapped := ansi.Wrap(strings.ReplaceAll(strings.TrimRight(text.String(), "\n"), "\t", "    "), m.width, "")
	var shown []string
	shown, m.from = window(strings.Split(wrapped, "\n"), m.from, m.bodyHeight())
	return shown
}

// tableBody draws a table under a line about it, around the cursor.
func (m *topModel) tableBody(about string, g *grid) []string {
	titles, rows := g.lines(m.width, m.lists[m.tab].cursor)
	lines := []string{about, titles}
	return append(lines, around(rows, m.lists[m.tab].cursor, m.bodyHeight()-len(lines))...)
}

func (m *topModel) nothing(text string) []string {
	if m.lists[m.tab].filter != "" {
		text = m.s.t("Nothing matches the filter.")
	}
	return []string{faint.Render(text)}
}

func (m *topModel) queuesBody() []string {
	list := m.queues(tabQueues)
	if len(list) == 0 {
		return m.nothing(m.s.t("No queues yet."))
	}
	s := m.s
	g := newGrid(column{title: s.t("QUEUE"), flex: true}, column{title: s.t("DONE/S"), right: true}, column{title: "", spare: 2})
	for _, state := range errand.States() {
		spare := map[errand.State]int{errand.StateCanceled: 3, errand.StateDeferred: 3, errand.StateFinished: 3, errand.StateScheduled: 1}[state]
		g.columns = append(g.columns, column{title: s.t(stateTitles[state]), right: true, spare: spare})
	}
	g.columns = append(g.columns, column{title: s.t("OLDEST"), right: true, spare: 2}, column{title: s.t("NOTE")})
	for _, q := range list {
		h := m.history.of(q.Name)
		row := []any{cell{q.Name, bold}, rate(now(h.done)), cell{blocks(h.done, 16, roundTop(h.done)), good}}
		for _, state := range errand.States() {
			style := stateStyles[state]
			if q.Counts[state] == 0 {
				style = faint
			}
			row = append(row, cell{number(q.Counts[state]), style})
		}
		oldest, note := "", cell{}
		if !q.Oldest.IsZero() {
			oldest = s.age(m.seen.now, q.Oldest)
		}
		if q.Paused {
			note = cell{s.t("paused"), warn}
		}
		g.add(append(row, oldest, note)...)
	}
	return m.tableBody(faint.Render(s.n(int64(len(list)), "1 queue", "%s queues")), g)
}

func (m *topModel) workersBody() []string {
	list := m.workers()
	if len(list) == 0 {
		return m.nothing(m.s.t("No workers."))
	}
	s := m.s
	g := newGrid(column{title: s.t("WORKER"), flex: true}, column{title: s.t("STATUS")}, column{title: s.t("SEEN"), spare: 2},
		column{title: s.t("UP"), spare: 2}, column{title: s.t("RUNS"), right: true}, column{title: s.t("FINISHED"), right: true, spare: 1},
		column{title: s.t("FAILED"), right: true, spare: 1},
		column{title: s.t("MEMORY"), right: true, spare: 3}, column{title: s.t("QUEUES"), flex: true})
	for i := range list {
		w := &list[i]
		g.add(cell{w.ID, bold}, s.statusCell(w, m.seen.now), s.ago(m.seen.now, w.SeenAt), s.age(w.SeenAt, w.StartedAt),
			fmt.Sprintf("%d/%d", len(w.Running), w.Concurrency), number(w.Finished), number(w.Failed), memoryOf(w), strings.Join(w.Queues, ","))
	}
	cursor := m.lists[tabWorkers].cursor
	titles, rows := g.lines(m.width, cursor)
	room := m.bodyHeight() - 3
	lines := append([]string{titles}, around(rows, cursor, max(1, min(len(rows), room/2)))...)
	lines = append(lines, "")
	w := &list[cursor]
	lines = append(lines, bold.Render(s.t("%s runs", cleanLine(w.ID))))
	if len(w.Running) == 0 {
		return append(lines, faint.Render("  "+s.t("nothing")))
	}
	running := newGrid(column{title: s.t("FOR"), right: true}, column{title: s.t("TASK"), flex: true}, column{title: s.t("QUEUE"), flex: true},
		column{title: s.t("ATTEMPT"), right: true, spare: 2}, column{title: s.t("JOB"), spare: 2}, column{title: s.t("NOTE"), flex: true})
	for _, run := range w.Running {
		note := cell{}
		if run.Stuck {
			note = cell{s.t("stuck: its context has ended"), bad}
		}
		running.add(s.age(m.seen.now, run.StartedAt), cell{run.Task, bold}, run.Queue, number(run.Attempt), cell{run.ID, faint}, note)
	}
	titles, rows = running.lines(m.width, -1)
	return append(append(lines, titles), rows...)
}

func (m *topModel) jobsBody() []string {
	s := m.s
	about := stateStyles[m.state].Bold(true).Render(s.state(m.state))
	if m.queue != "" {
		about += "  " + s.t("queue %s", cleanLine(m.queue)) + faint.Render("  "+s.t("esc: every queue"))
	}
	list := m.jobs()
	if m.seen.jobs == nil {
		return []string{about, "", faint.Render(s.t("Looking…"))}
	}
	if len(list) == 0 {
		return append([]string{about, ""}, m.nothing(s.t("No such jobs."))...)
	}
	if job, ok := at(list, m.lists[tabJobs].cursor); ok {
		about += "  " + faint.Render(cleanLine(job.ID))
	}
	if m.seen.more {
		about += faint.Render("  " + s.t("the first %d", len(m.seen.jobs)))
	}
	g := newGrid(column{title: s.t("ID"), spare: 2}, column{title: s.t("QUEUE"), flex: true}, column{title: s.t("TASK"), flex: true},
		column{title: s.t("ATTEMPT"), right: true, spare: 3}, column{title: s.t("WHEN")}, column{title: s.t("ABOUT"), flex: true})
	for _, job := range list {
		g.add(cell{job.ID, faint}, job.Queue, cell{job.Task, bold}, number(job.Attempt), s.when(job, m.seen.now), s.about(job, m.seen.now))
	}
	return m.tableBody(about, g)
}

func (m *topModel) failuresBody() []string {
	list := m.groups()
	if len(list) == 0 {
		return m.nothing(m.s.t("No job has failed."))
	}
	about := m.s.n(int64(m.grouped.scanned), "1 failed job", "%s failed jobs") + m.s.t(", ") +
		m.s.n(int64(len(m.grouped.groups)), "1 cause", "%s causes")
	if m.grouped.more {
		about = m.s.t("the newest %s failed jobs", number(m.grouped.scanned)) + m.s.t(", ") + m.s.n(int64(len(m.grouped.groups)), "1 cause", "%s causes")
	}
	return m.tableBody(faint.Render(about), m.failuresGrid(list))
}

func (m *topModel) failuresGrid(list []*failureGroup) *grid {
	s := m.s
	g := newGrid(column{title: s.t("JOBS"), right: true}, column{title: s.t("TASK"), flex: true},
		column{title: s.t("QUEUE"), flex: true, spare: 2}, column{title: s.t("LAST")}, column{title: s.t("ERROR"), flex: true})
	for _, f := range list {
		line, _, _ := strings.Cut(f.text, "\n")
		g.add(cell{number(f.count), bold}, cell{f.task, bold}, strings.Join(f.queues, ","), s.ago(m.seen.now, f.last), cell{clip(line, maxAbout), bad})
	}
	return g
}
