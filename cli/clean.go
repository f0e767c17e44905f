package cli

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanLine makes text from a store safe to print on one line of a terminal: see cleanBlock; line breaks and tabs
// become spaces.
func cleanLine(s string) string {
	if printable(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, cleanBlock(s))
}

// cleanBlock makes text from a store safe to print on a terminal. Colours and cursor movements go, and so does every
// control character but newline and tab, and every character that reorders or hides what is printed. Bytes that are no
// UTF-8 become U+FFFD. What is left prints as what it is.
func cleanBlock(s string) string {
	if printable(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\x1b' && strings.HasPrefix(s[i+1:], "["):
			i += 2 + controlSequence(s[i+2:])
			continue
		case r == '\u009b':
			i += size + controlSequence(s[i+size:])
			continue
		case r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
		case r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			b.WriteByte('\n')
		case r == '\n' || r == '\t' || !hidden(r):
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// controlSequence returns how long the rest of a control sequence is: parameters and one final byte. Of what is no whole
// sequence nothing is taken, so that no text can hide behind one that never ends.
func controlSequence(s string) int {
	for i := 0; i < len(s) && i < 64; i++ {
		switch c := s[i]; {
		case c >= 0x40 && c <= 0x7e:
			return i + 1
		case c < 0x20 || c > 0x3f:
			return 0
		}
	}
	return 0
}

// printable reports whether there is nothing to clean, not even for one line.
func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// hidden reports whether a character does something else than show itself.
func hidden(r rune) bool {
	switch r {
	case '\u200c', '\u200d': // joiners: scripts and emoji need them
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}
