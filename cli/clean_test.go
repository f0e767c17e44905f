package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	tests := []struct{ name, in, line, block string }{
		{"plain text stays", "héllo 世界 🎉", "héllo 世界 🎉", "héllo 世界 🎉"},
		{"colours go", "\x1b[31mred\x1b[0m", "red", "red"},
		{"cursor movements go", "a\x1b[2J\x1b[1;1Hb", "ab", "ab"},
		{"a title loses its power", "\x1b]0;owned\x07x", "]0;ownedx", "]0;ownedx"},
		{"C1 controls go", "a\u009b31mb\u0090c", "abc", "abc"},
		{"an unfinished sequence hides nothing", "\x1b[12;34", "12;34", "12;34"},
		{"newline and tab", "a\n\tb", "a  b", "a\n\tb"},
		{"carriage return cannot overwrite", "good\rbad\r\nx", "good bad x", "good\nbad\nx"},
		{"text cannot run backwards", "a\u202eb\u2066c\u200f", "abc", "abc"},
		{"line separators", "a\u2028b", "a b", "a\nb"},
		{"bytes that are no text", "a\xff\xfeb", "a\ufffd\ufffdb", "a\ufffd\ufffdb"},
		{"backspace and bell", "a\b\ab\x7f", "ab", "ab"},
		{"emoji of several characters stay", "👩\u200d💻", "👩\u200d💻", "👩\u200d💻"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cleanLine(tt.in); got != tt.line {
				t.Errorf("cleanLine: %q, want %q", got, tt.line)
			}
			if got := cleanBlock(tt.in); got != tt.block {
				t.Errorf("cleanBlock: %q, want %q", got, tt.block)
			}
		})
	}
}

// FuzzClean proves that nothing a terminal obeys comes through, that cleaning twice is cleaning once, and that what is
// escaped in JSON is the same value.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x1b[31m", "\u009b1m", "\x1b]8;;x\x1b\\", "a\r\nb\t", "\xff\u202e", "\x1b[\x1b[31m31m"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line, block := cleanLine(s), cleanBlock(s)
		for _, r := range line {
			if hidden(r) {
				t.Fatalf("%q leaves %q in a line", s, r)
			}
		}
		for _, r := range block {
			if hidden(r) && r != '\n' && r != '\t' {
				t.Fatalf("%q leaves %q in a block", s, r)
			}
		}
		if !utf8.ValidString(block) || cleanBlock(block) != block || cleanLine(line) != line {
			t.Fatalf("%q: %q and %q are not clean", s, line, block)
		}
		encoded, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		escaped := escapeHidden(string(encoded))
		var before, after string
		if err := json.Unmarshal(encoded, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(escaped), &after); err != nil || before != after {
			t.Fatalf("escaped %q: %q and not %q, %v", escaped, after, before, err)
		}
		if strings.ContainsFunc(escaped, hidden) {
			t.Fatalf("%q is not escaped", escaped)
		}
	})
}
