package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// minInterval is the shortest time between two looks of what shows a store again and again.
const minInterval = 100 * time.Millisecond

// lookTime bounds a look, so that a store that hangs is reported as one that does not answer.
const lookTime = 5 * time.Second

// live runs a program that has the whole terminal until it quits or ctx ends, and leaves the terminal as it was.
func (s *session) live(ctx context.Context, m tea.Model) error {
	options := []tea.ProgramOption{tea.WithOutput(s.out.raw), tea.WithInput(nil), tea.WithoutSignalHandler()} // signals end ctx
	if in, ok := s.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		options = append(options, tea.WithInput(in))
	}
	program := tea.NewProgram(m, options...)
	defer context.AfterFunc(ctx, program.Quit)()
	if _, err := program.Run(); err != nil && !errors.Is(err, tea.ErrInterrupted) {
		return fmt.Errorf("show it on the terminal: %w", err)
	}
	return nil
}

// gate lets the commands of a program in until it is shut, so that none is at work when what they work on is closed.
type gate struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// command makes a command that comes in through the gate.
func (g *gate) command(fn func() tea.Msg) tea.Cmd {
	return func() tea.Msg {
		g.mu.Lock()
		closed := g.closed
		if !closed {
			g.inside.Add(1)
		}
		g.mu.Unlock()
		if closed {
			return nil
		}
		defer g.inside.Done()
		return fn()
	}
}

// shut lets nobody in any more, and waits for those inside.
func (g *gate) shut() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.inside.Wait()
}

// framed calls fn with a session whose output is a frame of some columns, and returns its lines, none too long.
func (s *session) framed(columns int, fn func(*session)) []string {
	frame, text := newFrame(columns)
	inFrame := *s
	inFrame.out = frame
	fn(&inFrame)
	lines := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = ansi.Truncate(strings.ReplaceAll(line, "\t", "    "), columns, "…")
	}
	return lines
}

// window returns the lines from one on that a window of some height shows, and the first line that is really shown: it
// goes no further than that the last line is at the bottom.
func window(lines []string, from, height int) ([]string, int) {
	from = max(0, min(from, len(lines)-height))
	return lines[from:min(len(lines), from+height)], from
}

// absence says since when a store does not answer.
type absence struct {
	since time.Time
	err   error
}

// awayText is a line about a store that does not answer.
func (s *session) awayText(away *absence) string {
	return cleanLine(s.t("The store does not answer since %s: %s. Trying again.", away.since.Local().Format("15:04:05"), clip(s.explain(away.err), maxAbout)))
}

// screenful puts lines on a screen, with one at its bottom.
func screenful(lines []string, last string, width, height int) string {
	var b strings.Builder
	for i := range height - 1 {
		if i < len(lines) {
			b.WriteString(lines[i])
		}
		b.WriteByte('\n')
	}
	b.WriteString(ansi.Truncate(last, width, "…"))
	return b.String()
}
