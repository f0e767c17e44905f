package web

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// document is a payload or a result as it is shown: JSON in coloured pieces, anything else as text.
type document struct {
	Pieces []piece
	Size   int  // bytes of the whole
	Cut    bool // the end is left out
}

// piece is a stretch of text of one kind: "key", "string", "number", "word" or "" for the rest.
type piece struct{ Kind, Text string }

// maxShown bounds what is shown of a payload, in bytes.
const maxShown = 64 << 10

// pretty lays out JSON and leaves its numbers as they are, however big.
func pretty(raw []byte) document {
	doc := document{Size: len(raw)}
	var out bytes.Buffer
	valid := json.Indent(&out, raw, "", "  ") == nil
	text := out.Bytes()
	if !valid {
		text = raw
	}
	if len(text) > maxShown {
		text, doc.Cut = text[:maxShown], true
	}
	shown := strings.ToValidUTF8(string(text), string(utf8.RuneError))
	if !valid {
		doc.Pieces = []piece{{Text: shown}}
		return doc
	}
	doc.Pieces = pieces(shown)
	return doc
}

// pieces takes JSON apart; it may end anywhere.
func pieces(s string) []piece {
	var all []piece
	add := func(kind, text string) {
		if n := len(all); n > 0 && all[n-1].Kind == kind {
			all[n-1].Text += text
			return
		}
		all = append(all, piece{kind, text})
	}
	for len(s) > 0 {
		n, kind := len(s), ""
		switch c := s[0]; {
		case c == '"':
			n, kind = quoted(s), "string"
			if strings.HasPrefix(s[n:], ":") {
				kind = "key"
			}
		case c == '-', c >= '0' && c <= '9':
			n, kind = span(s, "+-.eE0123456789"), "number"
		case c >= 'a' && c <= 'z':
			n, kind = span(s, "abcdefghijklmnopqrstuvwxyz"), "word"
		default:
			if i := strings.IndexAny(s, `"-0123456789abcdefghijklmnopqrstuvwxyz`); i > 0 {
				n = i
			}
		}
		add(kind, s[:n])
		s = s[n:]
	}
	return all
}

// quoted is the length of the string that s begins with.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

func span(s, set string) int {
	if rest := strings.TrimLeft(s, set); len(rest) < len(s) {
		return len(s) - len(rest)
	}
	return 1
}
