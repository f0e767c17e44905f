package cli

import (
	"io"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

func TestFormats(t *testing.T) {
	tests := []struct{ got, want string }{
		{number(0), "0"}, {number(999), "999"}, {number(1000), "1,000"}, {number(1234567), "1,234,567"}, {number(-1234), "-1,234"},
		{byteCount(0), "0 B"}, {byteCount(999), "999 B"}, {byteCount(1000), "1.0 kB"}, {byteCount(999_999), "1.0 MB"},
		{byteCount(1_234_567), "1.2 MB"}, {byteCount(9_000_000_000_000_000_000), "9.0 EB"},
		{rate(0), "0"}, {rate(0.25), "0.2"}, {rate(12.6), "13"}, {rate(4321), "4,321"},
		{maskURL("postgres://ann:secret@db:5432/jobs?sslmode=require"), "postgres://ann:xxxxx@db:5432/jobs?sslmode=require"},
		{maskURL("redis://db:6379?password=secret"), "redis://db:6379?password=xxxxx"},
		{maskURL("mysql://ann:sec ret@%zz/"), "mysql:..."},
		{maskURL("sqlite:a b.db"), "sqlite:a b.db"}, {maskURL("memory:"), "memory:"},
		{databaseFile("sqlite:jobs.db"), "jobs.db"}, {databaseFile("sqlite:///var/jobs.db?sync=normal"), "/var/jobs.db"},
		{databaseFile("memory:"), ""},
		{shellWord("sqlite:jobs.db"), "sqlite:jobs.db"}, {shellWord("a b"), "'a b'"}, {shellWord("it's"), `'it'\''s'`},
		{clip("héllo", 2), "h…"}, {clip("hello", 5), "hello"},
	}
	for i, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%d: %q, want %q", i, tt.got, tt.want)
		}
	}
}

// speaker is a session in a language.
func speaker(l *lang.Lang) *session {
	s := newSession(App{Name: "errand"}, strings.NewReader(""), io.Discard, io.Discard)
	s.lang = l
	return s
}

func TestParseBackoff(t *testing.T) {
	for text, want := range map[string]string{
		"10s": "after 10s each", "10s..1h": "after 10s, doubling up to 1h", "1s,5s, 30s": "after 1s, 5s, 30s",
	} {
		b, err := parseBackoff(text)
		if got := speaker(lang.English).backoffText(b); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "10", "10s..", "..", "1s,", "soon"} {
		if _, err := parseBackoff(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestParseTime(t *testing.T) {
	want := time.Date(2026, 1, 31, 15, 4, 0, 0, time.Local)
	for _, text := range []string{"2026-01-31 15:04", "2026-01-31 15:04:00", want.Format(time.RFC3339)} {
		if got, err := parseTime(text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "tomorrow", "15:04"} {
		if _, err := parseTime(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestFit proves that a table is cut to the terminal, wide characters counted as two columns.
func TestFit(t *testing.T) {
	g := newGrid(column{title: "ID"}, column{title: "ERROR", flex: true})
	g.add("0123456789", "错误错误错误错误错误错误错误错误")
	g.add("0", "short")
	g.fit(30, true)
	if got := g.rows[0][0].text; got != "0123456789" {
		t.Errorf("a column that is not flexible is cut: %q", got)
	}
	if got := lipgloss.Width(g.rows[0][1].text); got > 13 || got < 12 {
		t.Errorf("cut to %d columns, want 13 or, at a wide character, 12", got)
	}
	if g.rows[1][1].text != "short" {
		t.Errorf("a short text is cut: %q", g.rows[1][1].text)
	}

	narrow := newGrid(column{title: "ID"}, column{title: "TASK", flex: true}, column{title: "ERROR", flex: true, spare: 1})
	narrow.add("0123456789", "demo.digest", "a text that is too long")
	narrow.fit(24, false)
	if len(narrow.columns) != 2 || narrow.rows[0][1].text != "demo.digest" {
		t.Errorf("%d columns, with %q", len(narrow.columns), narrow.rows[0][1].text)
	}

	spare := newGrid(column{title: "ID"}, column{title: "ATTEMPT", spare: 2}, column{title: "ERROR", flex: true})
	spare.add("0123456789", "1", "a text that is too long")
	spare.fit(34, false)
	if len(spare.columns) != 2 || !strings.HasPrefix(spare.rows[0][1].text, "a text that is too") {
		t.Errorf("%d columns, with %q", len(spare.columns), spare.rows[0][1].text)
	}
}

// TestQueueBar proves that the largest queue fills the room and that one job among many is seen.
func TestQueueBar(t *testing.T) {
	q := errand.QueueInfo{Counts: map[errand.State]int64{errand.StateFinished: 10_000, errand.StateFailed: 1}}
	if got := lipgloss.Width(queueBar(q, 10_001, 20)); got != 21 {
		t.Errorf("the bar has %d columns, want 20 and 1 for the failed job", got)
	}
	if got := queueBar(errand.QueueInfo{}, 0, 20); got != "" {
		t.Errorf("an empty queue has the bar %q", got)
	}
}
