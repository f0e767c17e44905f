package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"
)

// screen is where output goes: a terminal, with colours as far as it and NO_COLOR allow, or something else, which gets
// plain text.
type screen struct {
	raw      io.Writer
	styled   io.Writer // drops the escapes that raw cannot or should not show
	terminal bool
	fd       int
	columns  int        // of a frame; 0: ask the terminal
	mu       sync.Mutex // goroutines share it
}

func newScreen(w io.Writer) *screen {
	s := &screen{raw: w, fd: -1}
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		s.fd = int(f.Fd())
		s.terminal = term.IsTerminal(s.fd)
	}
	out := colorprofile.NewWriter(w, os.Environ())
	if !s.terminal {
		out.Profile = colorprofile.NoTTY
	}
	s.styled = out
	return s
}

// Write writes text that may be styled.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.styled.Write(p)
}

// newFrame returns a screen of some columns that only collects what is written to it.
func newFrame(columns int) (*screen, *strings.Builder) {
	var b strings.Builder
	return &screen{raw: &b, styled: &b, terminal: true, fd: -1, columns: max(columns, 20)}, &b
}

func (s *screen) printf(format string, args ...any) { fmt.Fprintf(s, format, args...) }

// width returns how many columns there are; 0 where there is no end.
func (s *screen) width() int {
	if !s.terminal {
		return 0
	}
	if s.columns > 0 {
		return s.columns
	}
	width, _, err := term.GetSize(s.fd)
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// printJSON writes a value as JSON, indented. Characters that a terminal would obey are escaped.
func (s *screen) printJSON(value any) error {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := io.WriteString(s.raw, escapeHidden(b.String()))
	return err
}

// escapeHidden escapes what is hidden in JSON; it can occur only inside of strings.
func escapeHidden(doc string) string {
	var b strings.Builder
	from := 0
	for i, r := range doc {
		if r == '\n' || r < utf8.RuneSelf && r != 0x7f || !hidden(r) {
			continue
		}
		b.WriteString(doc[from:i])
		if r > 0xffff {
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			r += 0x10000
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		from = i + utf8.RuneLen(r)
	}
	if from == 0 {
		return doc
	}
	b.WriteString(doc[from:])
	return b.String()
}

// The styles: few, and only where they say something.
var (
	bold  = lipgloss.NewStyle().Bold(true)
	faint = lipgloss.NewStyle().Faint(true)
	good  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad   = lipgloss.NewStyle().Foreground(lipgloss.Red)
	warn  = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	plain = lipgloss.NewStyle()
)
