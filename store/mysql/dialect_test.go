package mysql

import (
	"bytes"
	"strings"
	"testing"
)

// TestBind writes arguments into statements, and leaves large ones to the driver.
func TestBind(t *testing.T) {
	large := bytes.Repeat([]byte("x"), maxLiteral+1)
	for _, c := range []struct {
		query string
		args  []any
		want  string
		kept  int
	}{
		{"SELECT 1", nil, "SELECT 1", 0},
		{"a ? b ?", []any{int64(-9223372036854775808), nil}, "a -9223372036854775808 b NULL", 0},
		{"? ?", []any{"", []byte{}}, "'' ''", 0},
		{"?", []any{`{"n": [1]}`}, `'{"n": [1]}'`, 0},
		{"?, ?, ?, ?", []any{"it's", `a\`, "why?", "\xbf"}, "x'69742773', x'615c', x'7768793f', x'bf'", 0},
		{"IN ? AND ?", []any{[]int64{1, -2}, [][]byte{{0}, []byte("a"), {0x27}}}, "IN (1,-2) AND (x'00','a',x'27')", 0},
		{"seq IN ?", []any{[]int64{3, 1, 2}}, "(seq IN (1,2,3))", 0},
		{"seq IN ? AND ?", []any{[]int64{9, 4, 2, 3, 5, 20, 22, 21, 23}, int64(1)}, "(seq BETWEEN 2 AND 4 OR seq BETWEEN 20 AND 22 OR seq IN (5,9,23)) AND 1", 0},
		{"(?, ?, ?)", []any{large, "b?", large}, "(?, x'623f', ?)", 2},
	} {
		got, kept := bind(c.query, c.args)
		if got != c.want || len(kept) != c.kept || strings.Count(got, "?") != c.kept {
			t.Errorf("%q with %.50q: %.100q and %d arguments", c.query, c.args, got, len(kept))
		}
	}
}

// FuzzBind proves that no value ends its literal: what stands between the quotes has none, nor anything that could hide one.
func FuzzBind(f *testing.F) {
	for _, seed := range []string{"", "a", "'", `\`, "\xbf'", "?", "é", "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if len(value) > maxLiteral {
			return
		}
		text, kept := bind("?", []any{value})
		inner, ok := strings.CutSuffix(strings.TrimPrefix(strings.TrimPrefix(text, "x"), "'"), "'")
		if !ok || len(kept) > 0 || strings.ContainsAny(inner, `'\?`) {
			t.Fatalf("%q becomes %q", value, text)
		}
		for _, c := range []byte(inner) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q becomes %q", value, text)
			}
		}
	})
}
