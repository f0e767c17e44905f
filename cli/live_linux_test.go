package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"golang.org/x/sys/unix"
)

// sitting is a program that runs on a terminal of its own, in front of which a test sits.
type sitting struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	before unix.Termios

	mu     sync.Mutex
	screen *vt.Emulator
	hidden bool // the cursor is
	alt    bool // the alternate screen is shown
	raw    bytes.Buffer

	drawn chan struct{} // gets a value when something was written
	ended chan error
}

// sit starts a program on a terminal of some size.
func sit(t *testing.T, columns, rows int, program string, args ...string) *sitting {
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
	check(unix.SetNonblock(fd, true)) // so that closing it ends a read
	check(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	check(err)
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	check(err)
	s := &sitting{
		t: t, master: master, screen: vt.NewEmulator(columns, rows), drawn: make(chan struct{}, 1), ended: make(chan error, 1),
		cmd: exec.Command(program, args...),
	}
	s.screen.SetCallbacks(vt.Callbacks{
		AltScreen:        func(on bool) { s.alt = on },
		CursorVisibility: func(visible bool) { s.hidden = !visible },
	})
	s.resize(columns, rows)
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	check(err)
	s.before = *before
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = tty, tty, tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s.cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "TZ=UTC", "GORACE=atexit_sleep_ms=0")
	check(s.cmd.Start())
	check(tty.Close())
	var pumps sync.WaitGroup
	pumps.Go(s.draw)
	pumps.Go(func() { _, _ = io.Copy(master, s.screen) }) // what a terminal answers when it is asked
	go func() { s.ended <- s.cmd.Wait() }()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it has ended long ago, unless the test failed
		_ = master.Close()
		_ = s.screen.InputPipe().(io.Closer).Close() // Close itself is not for two goroutines
		pumps.Wait()
	})
	return s
}

// draw draws what the program writes.
func (s *sitting) draw() {
	buf := make([]byte, 64<<10)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		_, _ = s.screen.Write(buf[:n])
		s.raw.Write(buf[:n])
		s.mu.Unlock()
		select {
		case s.drawn <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (s *sitting) resize(columns, rows int) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.screen.Resize(columns, rows)
	size := &unix.Winsize{Row: uint16(rows), Col: uint16(columns)} //nolint:gosec // a terminal's
	if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, size); err != nil {
		s.t.Fatal(err)
	}
}

// lines returns what the screen shows.
func (s *sitting) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for y := range s.screen.Height() {
		var b strings.Builder
		for x := 0; x < s.screen.Width(); x++ {
			if cell := s.screen.CellAt(x, y); cell != nil {
				b.WriteString(cell.Content)
			}
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// until waits until the screen shows all of some texts, and returns its lines.
func (s *sitting) until(texts ...string) []string {
	s.t.Helper()
	return s.untilSo(fmt.Sprintf("%q", texts), func(lines []string) bool {
		all := strings.Join(lines, "\n")
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(all, text) })
	})
}

func (s *sitting) untilSo(what string, so func(lines []string) bool) []string {
	s.t.Helper()
	deadline := time.After(time.Minute)
	for {
		lines := s.lines()
		if so(lines) {
			return lines
		}
		select {
		case <-s.drawn:
		case <-deadline:
			s.t.Fatalf("the screen never shows %s:\n%s", what, strings.Join(lines, "\n"))
		}
	}
}

// press types keys.
func (s *sitting) press(keys string) {
	s.t.Helper()
	if _, err := s.master.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// leave waits for the program's end, and checks that it has left the terminal as it was.
func (s *sitting) leave() {
	s.t.Helper()
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		s.t.Fatalf("it does not end:\n%s", strings.Join(s.lines(), "\n"))
	}
	s.untilSo("the main screen with its cursor", func([]string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.alt && !s.hidden
	})
	after, err := unix.IoctlGetTermios(int(s.master.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	if *after != s.before {
		s.t.Errorf("the terminal's settings were %+v and are %+v", s.before, *after)
	}
}

// hostileError is an error that would clear the screen, set the title and go on in red, if a terminal obeyed it.
const hostileError = "\x1b[2J\x1b]0;owned\x07\x1b[31mbad\u202e\r\nrecipient"

// officeStore makes a database with failed jobs of two causes, a queue with jobs that wait and a hotqueue.
func officeStore(t *testing.T, url string) {
	t.Helper()
	for _, line := range [][]string{
		{"enqueue", "mail", `{"To":"ann"}`, "--queue", "high"},
		{"enqueue", "mail", `{"To":"ann"}`, "--queue", "high"},
		{"enqueue", "mail", `{"To":` + fmt.Sprintf("%q", "x") + `}`, "--queue", "high"},
		{"enqueue", "crash", `"x"`, "--queue", "high"},
		{"worker", "high", "--burst"},
		{"enqueue", "square", "12", "--queue", "default"},
		{"enqueue", "square", "13", "--queue", "default", "--in", "1h"},
	} {
		var stderr bytes.Buffer
		if status := Run(t.Context(), office(), append([]string{"--store", url}, line...), strings.NewReader(""), io.Discard, &stderr); status != exitDone {
			t.Fatalf("%q: exit status %d: %s", line, status, stderr.String())
		}
	}
}

// inStore calls fn with a store.
func inStore(t *testing.T, url string, fn func(st errand.Store, now time.Time) error) {
	t.Helper()
	s := newSession(office(), nil, io.Discard, io.Discard)
	if err := s.withStoreAt(t.Context(), url, fn); err != nil {
		t.Fatal(err)
	}
}

func countOf(t *testing.T, url, queue string) (counts map[errand.State]int64, paused bool) {
	t.Helper()
	inStore(t, url, func(st errand.Store, now time.Time) error {
		queues, err := st.Queues(t.Context(), now)
		for _, q := range queues {
			if q.Name == queue {
				counts, paused = q.Counts, q.Paused
			}
		}
		return err
	})
	return counts, paused
}

// TestTop sits in front of top: looks at its pages, requeues a job and all jobs of a cause, pauses a queue, makes the
// terminal larger, and quits.
func TestTop(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "jobs.db")
	officeStore(t, url)
	top := sit(t, 80, 24, "office", "--store", url, "top", "--interval", "100ms")
	lines := top.until("1 Overview", "5 Failures", "finished/s", "still to do 2", "high", "default", "No workers", "send mail to ann", "q quit")
	if !strings.HasPrefix(lines[0], "office top") || !strings.HasPrefix(lines[23], "tab next page") {
		t.Errorf("the first or the last line is another:\n%s", strings.Join(lines, "\n"))
	}
	top.press("5")
	top.until("4 failed jobs, 3 causes", "index out of range", "TASK")
	top.press("\r")
	top.until("Job ", "Attempts", "failed")
	top.press("\x1b")
	top.until("4 failed jobs, 3 causes")

	top.press("/ann\r")
	top.until("filter: ann")
	top.press("r")
	top.until("Requeue 2 failed jobs of task mail with this cause? [y/n]")
	top.press("n")
	top.until("nothing done")
	top.press("ry")
	top.until("2 jobs requeued.", "Nothing matches the filter.")
	top.press("\x1b")
	top.until("2 failed jobs, 2 causes")
	if counts, _ := countOf(t, url, "high"); counts[errand.StateQueued] != 2 || counts[errand.StateFailed] != 2 {
		t.Errorf("after the requeue of a cause there are %v", counts)
	}

	top.press("4")
	top.until("s state", "ABOUT", "crash")
	top.press("/crash\r\r")
	top.until("panic: runtime error: index out of range")
	top.press("G")
	top.until("waitgroup.go:")
	top.press("r")
	top.until("of task crash? [y/n]")
	top.press("y")
	top.until("1 job requeued.", "queued")
	top.press("\x1b")
	top.until("Nothing matches the filter.")

	top.press("2")
	top.until("2 queues", "SCHEDULED")
	top.press("jp")
	top.until("Queue high paused.", "paused")
	if _, paused := countOf(t, url, "high"); !paused {
		t.Error("the queue is not paused")
	}
	top.press("p")
	top.until("Queue high resumed.")

	top.resize(120, 40)
	top.untilSo("its keys in the 40th line", func(lines []string) bool { return strings.HasPrefix(lines[39], "tab next page") })
	top.press("1")
	top.until("high", "Workers", "FAILURES")
	top.resize(40, 12)
	top.untilSo("its keys in the 12th line", func(lines []string) bool { return strings.HasPrefix(lines[11], "tab next page") })
	top.press("?")
	top.until("Keys")
	top.press("q")
	top.leave()
}

// TestTopInChinese proves that what is two columns wide moves nothing out of its place.
func TestTopInChinese(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "jobs.db")
	officeStore(t, url)
	top := sit(t, 80, 24, "office", "--store", url, "top", "--lang", "zh")
	lines := top.until("1 概览", "5 失败", "完成/秒", "没有 worker")
	if !strings.HasPrefix(lines[0], "office top") || !strings.HasPrefix(lines[23], "tab 下一页") {
		t.Errorf("the first or the last line is another:\n%s", strings.Join(lines, "\n"))
	}
	top.press("5")
	top.until("4 个失败的任务，3 种原因")
	top.press("?")
	top.until("按键", "下一页、上一页或某一页")
	top.press("\x03")
	top.leave()
}

// TestTopObeysNobody proves that nothing in a job reaches the terminal as anything but text.
func TestTopObeysNobody(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "jobs.db")
	inStore(t, url, func(st errand.Store, now time.Time) error {
		spec := errand.JobSpec{ID: "01a20537-acc2-7829-99a8-a26c457d3cc5", Queue: "high", Task: "mail", Payload: []byte(`"` + hostileError + `"`)}
		return st.Bury(t.Context(), now, spec, errand.AttemptRecord{
			Attempt: 1, Outcome: errand.EventFailed, StartedAt: now, EndedAt: now, Error: hostileError, Stack: hostileError, Chain: []string{hostileError, hostileError},
		})
	})
	top := sit(t, 80, 24, "office", "--store", url, "top")
	top.until("1 Overview", "bad")
	top.press("5\r")
	top.until("Payload", "Attempts", "recipient")
	top.press("q")
	top.leave()
	top.mu.Lock()
	defer top.mu.Unlock()
	for _, never := range []string{"\x1b]0;owned", "\x1b[31mbad", "\u202e"} {
		if strings.Contains(top.raw.String(), never) {
			t.Errorf("the terminal got %q", never)
		}
	}
}

// TestTopOutlivesItsStore proves that top says that a server does not answer, goes on, and is right again when the server is.
func TestTopOutlivesItsStore(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	officeStore(t, server.URL)
	top := sit(t, 80, 24, "office", "--store", server.URL, "top", "--interval", "100ms")
	top.until("still to do 2")
	server.Kill()
	lines := top.until("The store does not answer since")
	if !strings.Contains(strings.Join(lines, "\n"), "still to do 2") {
		t.Errorf("what was seen last is gone:\n%s", strings.Join(lines, "\n"))
	}
	server.Restart()
	top.untilSo("that all is well", func(lines []string) bool {
		all := strings.Join(lines, "\n")
		return !strings.Contains(all, "does not answer") && strings.Contains(all, "still to do 2")
	})
	top.press("q")
	top.leave()
}

// TestWatch proves that info --watch refreshes in place, follows the terminal's size, and leaves the last sight behind.
func TestWatch(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "jobs.db")
	officeStore(t, url)
	watch := sit(t, 80, 24, "office", "--store", url, "info", "--watch", "--interval", "100ms")
	watch.until("2 queues, 6 jobs", "every 100 ms · q quits", "█")
	inStore(t, url, func(st errand.Store, _ time.Time) error {
		_, err := errand.NewQueue(st, "new").EnqueuePayload(t.Context(), "square", []byte("1"))
		return err
	})
	watch.until("3 queues, 7 jobs")
	watch.resize(60, 8)
	watch.until("more lines below", "high")
	watch.press("\x1b[6~\x1b[6~")
	watch.until("No workers", "0 more lines below")
	watch.resize(100, 30)
	watch.untilSo("its last line in the 30th", func(lines []string) bool { return strings.HasPrefix(lines[29], "every 100 ms") })
	watch.press("\x03")
	watch.leave()
	watch.until("3 queues, 7 jobs", "No workers")
}

// TestWatchThroughPipe proves that without a terminal --watch prints whole blocks, or lines of JSON, without escapes.
func TestWatchThroughPipe(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "jobs.db")
	officeStore(t, url)
	for _, c := range []struct {
		args  []string
		block string
	}{
		{nil, "2 queues, 6 jobs\n\nNo workers\n"},
		{[]string{"--json"}, `"workers":[]}` + "\n"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		in, out := io.Pipe()
		ended := make(chan int, 1)
		go func() {
			status := Run(ctx, office(), append([]string{"--store", url, "info", "-w", "-i", "100ms"}, c.args...), strings.NewReader(""), out, io.Discard)
			_ = out.Close()
			ended <- status
		}()
		var seen strings.Builder
		buf := make([]byte, 4096)
		for strings.Count(seen.String(), c.block) < 3 {
			n, err := in.Read(buf)
			if err != nil {
				t.Fatalf("%v after %q", err, seen.String())
			}
			seen.Write(buf[:n])
		}
		cancel()
		_, _ = io.Copy(io.Discard, in)
		if status := <-ended; status != exitDone {
			t.Errorf("exit status %d", status)
		}
		if strings.Contains(seen.String(), "\x1b") {
			t.Errorf("there are escapes in %q", seen.String())
		}
	}
}

// TestTopOrders proves that a worker can be made quiet and stopped from the keyboard, and that it obeys.
func TestTopOrders(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "jobs.db")
	officeStore(t, url)
	worker := exec.Command("office", "--store", url, "worker", "later", "--lease", "1s")
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = worker.Process.Kill() }() // it has ended, unless the test failed
	top := sit(t, 100, 24, "office", "--store", url, "top", "--interval", "100ms")
	top.press("3")
	top.until("later", "alive", "quiet or resume")
	top.press("p")
	top.until("is to claim no more jobs.", "quiet  ")
	top.press("p")
	top.until("is to claim jobs again.", "alive  ")
	top.press("x")
	top.until("Stop worker", "[y/n]")
	top.press("y")
	top.until("is to stop.", "No workers.")
	if err := worker.Wait(); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
	top.press("q")
	top.leave()
	inStore(t, url, func(st errand.Store, _ time.Time) error {
		page, err := st.Audit(t.Context(), errand.AuditFilter{Action: "stop"})
		if err == nil && (len(page.Entries) != 1 || page.Entries[0].Via != "cli") {
			t.Errorf("the audit log has %+v", page.Entries)
		}
		return err
	})
}
