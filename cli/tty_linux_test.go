package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal of some columns. What is written to tty can be read from the returned function, once.
func terminal(t *testing.T, columns uint16) (tty *os.File, seen func() string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	check(err)
	fd := int(master.Fd())
	check(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	check(err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	check(err)
	check(unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: columns}))
	text := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(master) // it ends with an error when the other side is closed
		text <- string(all)
	}()
	return tty, func() string {
		check(tty.Close())
		all := <-text
		check(master.Close())
		return all
	}
}

// onTerminal runs a command line whose output is a terminal.
func onTerminal(t *testing.T, st errand.Store, columns uint16, args ...string) string {
	t.Helper()
	tty, seen := terminal(t, columns)
	s := newSession(App{Name: "errand"}, strings.NewReader(""), tty, tty)
	s.open = func(context.Context, string) (errand.Store, error) { return kept{st}, nil }
	if status := s.run(t.Context(), append([]string{"--store", "memory:"}, args...)); status != exitDone {
		t.Errorf("%q: exit status %d", args, status)
	}
	return seen()
}

// TestTerminal proves that a terminal gets a bar, colours and lines, and with NO_COLOR no colours.
func TestTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("NO_COLOR", "")
	dir, _ := tree(t)
	st := memory.New()
	defer st.Close()
	demo := onTerminal(t, st, 120, "demo", dir)
	for _, want := range []string{"Run ", "░░░", "jobs/s)", "╭", "\x1b[31mfailed\x1b[m", "Look further"} {
		if !strings.Contains(demo, want) {
			t.Errorf("no %q in %q", want, demo)
		}
	}
	if info := onTerminal(t, st, 120, "info"); !strings.Contains(info, "█████") || !strings.Contains(info, "\x1b[32m") {
		t.Errorf("no bar or no colour in %q", info)
	}
	for _, columns := range []uint16{80, 100, 109, 110, 200} {
		for _, list := range []string{"jobs --state failed", "jobs --limit 500", "queues", "workers"} {
			for line := range strings.Lines(onTerminal(t, st, columns, strings.Fields(list)...)) {
				if n := lipgloss.Width(strings.TrimRight(line, "\r\n")); n > int(columns) {
					t.Errorf("%s: a line of %d columns on a terminal of %d: %q", list, n, columns, line)
				}
			}
		}
	}
	t.Setenv("NO_COLOR", "1")
	if info := onTerminal(t, st, 120, "info"); !strings.Contains(info, "█████") || strings.Contains(info, "\x1b[3") {
		t.Errorf("no bar, or a colour in spite of NO_COLOR, in %q", info)
	}
}
