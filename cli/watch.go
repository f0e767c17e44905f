package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wait"
)

// watchInfo shows the report again and again.
func (s *session) watchInfo(ctx context.Context, interval time.Duration) error {
	return s.lookInto(ctx, func(st errand.Store, _ time.Time) error {
		look := func(ctx context.Context) (*report, error) {
			ctx, cancel := context.WithTimeout(ctx, lookTime)
			defer cancel()
			now, err := st.Now(ctx)
			if err != nil {
				return nil, err
			}
			return s.reportAt(ctx, st, now, infoParts)
		}
		if !s.out.terminal || s.json {
			return s.watchBlocks(ctx, interval, look)
		}
		watching, stop := context.WithCancel(ctx)
		defer stop()
		m := &watchModel{s: s, ctx: watching, interval: interval, look: look}
		err := s.live(watching, m)
		stop()
		m.gate.shut()
		if err != nil {
			return err
		}
		if m.report != nil {
			s.printInfo(m.report) // the last sight stays
		}
		return nil
	})
}

// watchBlocks prints one block after another, or one line of JSON.
func (s *session) watchBlocks(ctx context.Context, interval time.Duration, look func(context.Context) (*report, error)) error {
	var away *absence
	for first := true; ; first = false {
		r, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if away == nil {
				away = &absence{since: time.Now()}
			}
			away.err = err
			s.err.printf("%s\n", s.awayText(away))
		case s.json:
			away = nil
			line, err := json.Marshal(r.asJSON(infoParts))
			if err != nil {
				return fmt.Errorf("write JSON: %w", err)
			}
			s.out.printf("%s\n", escapeHidden(string(line)))
		default:
			away = nil
			if !first {
				s.out.printf("\n")
			}
			s.printInfo(r)
		}
		if wait.For(ctx, interval) != nil {
			return nil
		}
	}
}

// watchModel is the report on a terminal, in place.
type watchModel struct {
	s        *session
	ctx      context.Context // the program's: what it starts ends with it
	interval time.Duration
	look     func(context.Context) (*report, error)
	gate     gate

	report        *report
	away          *absence
	width, height int
	from          int // the first line that is shown
}

// watchedMsg is the outcome of a look; lookMsg asks for one.
type (
	watchedMsg struct {
		report *report
		err    error
	}
	lookMsg struct{}
)

// Init takes the first look.
func (m *watchModel) Init() tea.Cmd { return m.gate.command(m.lookNow) }

func (m *watchModel) lookNow() tea.Msg {
	r, err := m.look(m.ctx)
	return watchedMsg{r, err}
}

// Update takes what has happened.
func (m *watchModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case lookMsg:
		return m, m.gate.command(m.lookNow)
	case watchedMsg:
		if msg.err == nil {
			m.report, m.away = msg.report, nil
		} else if m.away == nil {
			m.away = &absence{time.Now(), msg.err}
		}
		return m, tea.Tick(m.interval, func(time.Time) tea.Msg { return lookMsg{} })
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "ctrl+c", "esc":
			return m, tea.Quit
		case "ctrl+z":
			return m, tea.Suspend
		case "down", "j":
			m.from++
		case "up", "k":
			m.from = max(0, m.from-1)
		case "pgdown", "space":
			m.from += m.page()
		case "pgup":
			m.from = max(0, m.from-m.page())
		case "home", "g":
			m.from = 0
		}
	}
	return m, nil
}

func (m *watchModel) page() int { return max(1, m.height-1) }

// View draws the report, as much of it as fits, and a last line.
func (m *watchModel) View() tea.View {
	view := tea.NewView("")
	view.AltScreen = true
	if m.report == nil && m.away == nil || m.width == 0 {
		return view
	}
	var lines []string
	if m.report != nil {
		lines = m.s.framed(m.width, func(s *session) { s.printInfo(m.report) })
	}
	shown, from := window(lines, m.from, m.page())
	m.from = from
	foot := m.s.t("every %s · q quits", m.s.span(m.interval))
	if below := len(lines) - from - len(shown); below > 0 || from > 0 {
		foot = m.s.n(int64(below), "1 more line below", "%s more lines below") + " · " + m.s.t("↑ ↓ move") + " · " + foot
	}
	view.SetContent(screenful(shown, m.foot(foot), m.width, m.height))
	return view
}

func (m *watchModel) foot(otherwise string) string {
	if m.away != nil {
		return bad.Render(m.s.awayText(m.away))
	}
	return faint.Render(otherwise)
}
