package cli

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// keyHelp lists the keys, for the help.
var keyHelp = [][2]string{
	{"tab  shift+tab  1-5", lang.Mark("the next page, the one before, or a certain one")},
	{"↑ ↓  j k  pgup pgdn  home end", lang.Mark("move")},
	{"enter", lang.Mark("open: the jobs of a queue; a job with its stack trace; the newest job of a cause")},
	{"esc", lang.Mark("back")},
	{"/", lang.Mark("filter the list; esc takes the filter away")},
	{"s  S", lang.Mark("jobs: the next state, the one before")},
	{"r", lang.Mark("requeue the job, or all that failed for the cause")},
	{"p", lang.Mark("pause the queue or quiet the worker, or resume it")},
	{"x", lang.Mark("stop the worker")},
	{"ctrl+z", lang.Mark("suspend")},
	{"?", lang.Mark("this help")},
	{"q  ctrl+c", lang.Mark("quit")},
}

// key does what a key stands for, in the innermost of what is open.
func (m *topModel) key(msg tea.KeyPressMsg) tea.Cmd {
	key := msg.String()
	switch {
	case key == "ctrl+c":
		return tea.Quit
	case key == "ctrl+z":
		return tea.Suspend
	case m.asking != nil:
		return m.answer(key)
	case m.typing:
		m.typingKey(msg)
		return nil
	}
	m.said = ""
	switch {
	case key == "q":
		return tea.Quit
	case m.help:
		if !m.scroll(key) {
			m.help, m.from = false, 0
		}
		return nil
	case key == "?":
		m.help, m.from = true, 0
		return nil
	case m.open != "":
		return m.jobKey(key)
	}
	return m.listKey(key)
}

// answer takes the answer to a question.
func (m *topModel) answer(key string) tea.Cmd {
	asked := m.asking
	switch strings.ToLower(key) {
	case "y", "enter":
		m.asking, m.doing = nil, asked.busy
		return asked.yes
	case "n", "q", "esc":
		m.asking = nil
		m.said, m.failed = m.s.t("nothing done"), false
	}
	return nil
}

// typingKey takes a key of a filter that is being typed.
func (m *topModel) typingKey(msg tea.KeyPressMsg) {
	l := &m.lists[m.tab]
	switch msg.String() {
	case "enter":
		m.typing = false
	case "esc":
		m.typing, l.filter = false, ""
	case "backspace":
		_, size := utf8.DecodeLastRuneInString(l.filter)
		l.filter = l.filter[:len(l.filter)-size]
	default:
		m.typed(msg.Text)
	}
	m.move(m.tab, 0)
}

// maxFilter bounds a filter.
const maxFilter = 100

func (m *topModel) typed(text string) {
	l := &m.lists[m.tab]
	l.filter = clipTo(l.filter+cleanLine(text), maxFilter)
	m.move(m.tab, 0)
}

// clipTo cuts text to a number of bytes, without breaking a character.
func clipTo(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}

// scroll moves a text; false for a key that does not.
func (m *topModel) scroll(key string) bool {
	page := max(1, m.bodyHeight()-1)
	switch key {
	case "down", "j":
		m.from++
	case "up", "k":
		m.from--
	case "pgdown", "space", "ctrl+f":
		m.from += page
	case "pgup", "ctrl+b":
		m.from -= page
	case "home", "g":
		m.from = 0
	case "end", "G":
		m.from = 1 << 30
	default:
		return false
	}
	m.from = max(0, m.from)
	return true
}

// jobKey takes a key while a job is open.
func (m *topModel) jobKey(key string) tea.Cmd {
	switch {
	case m.scroll(key):
	case key == "esc" || key == "backspace" || key == "enter" || key == "left":
		m.open, m.from = "", 0
	case key == "r":
		if job := m.openedJob(); job != nil {
			return m.askRequeue(job)
		}
	}
	return nil
}

// listKey takes a key while a list is shown.
func (m *topModel) listKey(key string) tea.Cmd {
	l := &m.lists[m.tab]
	page := max(1, m.bodyHeight()-2)
	switch key {
	case "tab", "right", "l":
		return m.show((m.tab + 1) % tabCount)
	case "shift+tab", "left", "h":
		return m.show((m.tab + tabCount - 1) % tabCount)
	case "1", "2", "3", "4", "5":
		return m.show(tab(key[0] - '1'))
	case "down", "j":
		m.move(m.tab, 1)
	case "up", "k":
		m.move(m.tab, -1)
	case "pgdown", "space", "ctrl+f":
		m.move(m.tab, page)
	case "pgup", "ctrl+b":
		m.move(m.tab, -page)
	case "home", "g":
		m.move(m.tab, -1<<30)
	case "end", "G":
		m.move(m.tab, 1<<30)
	case "/":
		m.typing = true
	case "esc", "backspace":
		l.filter = ""
		if m.tab == tabJobs && m.queue != "" {
			m.queue = ""
			return m.look()
		}
	case "s", "S":
		return m.nextState(key == "S")
	case "enter":
		return m.enter()
	case "r":
		return m.requeueKey()
	case "p":
		if m.tab == tabWorkers {
			return m.restKey()
		}
		return m.pauseKey()
	case "x":
		return m.orderKey(stopOrder)
	}
	return nil
}

// show turns to a page.
func (m *topModel) show(t tab) tea.Cmd {
	m.tab = t
	return m.look()
}

func (m *topModel) nextState(back bool) tea.Cmd {
	if m.tab != tabJobs {
		return nil
	}
	states := errand.States()
	for i, state := range states {
		if state == m.state {
			step := 1
			if back {
				step = len(states) - 1
			}
			m.showJobs(m.queue, states[(i+step)%len(states)])
			break
		}
	}
	return m.look()
}

// showJobs turns to the jobs of a queue in a state.
func (m *topModel) showJobs(queue string, state errand.State) {
	m.tab, m.queue, m.state = tabJobs, queue, state
	m.lists[tabJobs] = listState{}
	if m.seen != nil {
		m.seen.jobs = nil
	}
}

// enter opens what the cursor is on.
func (m *topModel) enter() tea.Cmd {
	switch m.tab {
	case tabOverview, tabQueues:
		q, ok := at(m.queues(m.tab), m.lists[m.tab].cursor)
		if !ok {
			return nil
		}
		m.showJobs(q.Name, busiest(q))
		return m.look()
	case tabWorkers:
		w, ok := at(m.workers(), m.lists[m.tab].cursor)
		if ok && len(w.Running) > 0 {
			return m.openID(w.Running[0].ID)
		}
	case tabJobs:
		if job, ok := at(m.jobs(), m.lists[m.tab].cursor); ok {
			return m.openID(job.ID)
		}
	case tabFailures:
		if g, ok := at(m.groups(), m.lists[m.tab].cursor); ok {
			return m.openID(g.newest)
		}
	case tabCount:
	}
	return nil
}

// busiest is the state of a queue's jobs that a person most likely wants to see.
func busiest(q errand.QueueInfo) errand.State {
	for _, state := range []errand.State{errand.StateFailed, errand.StateStarted, errand.StateQueued} {
		if q.Counts[state] > 0 {
			return state
		}
	}
	for _, state := range errand.States() {
		if q.Counts[state] > 0 {
			return state
		}
	}
	return errand.StateQueued
}

func at[T any](list []T, i int) (T, bool) {
	if i < 0 || i >= len(list) {
		var none T
		return none, false
	}
	return list[i], true
}

func (m *topModel) openID(id string) tea.Cmd {
	m.open, m.from = id, 0
	return m.look()
}
