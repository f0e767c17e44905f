// Package cause tells which failures have the same cause, as far as their errors' texts show.
package cause

import "strings"

// Of writes the first line of an error without what differs from one job to the next: numbers, ids and what
// is in quotes.
func Of(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	var b strings.Builder
	inQuote, word := byte(0), -1 // word: where a run of letters and digits began
	flush := func(end int) {
		if word >= 0 {
			w := text[word:end]
			if strings.ContainsAny(w, "0123456789") {
				w = "#"
			}
			b.WriteString(w)
			word = -1
		}
	}
	for i := 0; i < len(text) && b.Len() < 200; i++ {
		c := text[i]
		switch {
		case inQuote != 0:
			if c == inQuote {
				inQuote = 0
				b.WriteString("…\"")
			}
		case c == '"' || c == '`':
			flush(i)
			inQuote = c
			b.WriteByte('"')
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			if word < 0 {
				word = i
			}
		case c == '-' && word >= 0 && strings.ContainsAny(text[word:i], "0123456789"):
			// the middle of a UUID or a date
		default:
			flush(i)
			b.WriteByte(c)
		}
	}
	if word >= 0 && b.Len() < 200 {
		flush(len(text))
	}
	return strings.ToValidUTF8(b.String(), "?")
}
