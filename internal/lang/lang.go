// Package lang writes what people read in their language: sentences, numbers, durations and times.
//
// The English sentence is the key of all others, so that code and templates can be read as they stand, and English needs
// no table. A test finds sentences without a translation and translations of sentences that nobody says.
package lang

import (
	"fmt"
	"strings"
)

// Lang is a language. The zero value is not usable; see [All].
type Lang struct {
	Tag   string // as in HTML's lang attribute
	Name  string // in the language itself
	texts []map[string]string
	units units
}

// The languages.
var (
	English = &Lang{Tag: "en", Name: "English", units: englishUnits}
	Chinese = &Lang{Tag: "zh-CN", Name: "简体中文", units: chineseUnits, texts: []map[string]string{
		chinese,
		chineseBench,
		chineseCharts,
		chineseCLI,
		chineseHelp,
		chineseMove,
		chineseOrders,
		chineseTop,
	}}
)

// All lists the languages; the first is the default.
func All() []*Lang { return []*Lang{English, Chinese} }

// Parse returns the language with a tag, and false where there is none.
func Parse(tag string) (*Lang, bool) {
	for _, l := range All() {
		if strings.EqualFold(l.Tag, tag) {
			return l, true
		}
	}
	return nil, false
}

// Mark returns the sentence as it is. It tells the test of the catalogue that the sentence reaches T by way of a variable.
func Mark(text string) string { return text }

// own finds a sentence in the language's own words.
func (l *Lang) own(text string) (string, bool) {
	for _, part := range l.texts {
		if own, ok := part[text]; ok {
			return own, true
		}
	}
	return "", false
}

// T says a sentence. It is a format of package fmt where there are arguments.
func (l *Lang) T(text string, args ...any) string {
	if own, ok := l.own(text); ok {
		text = own
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// N says a sentence about n things: one for a single thing, many for any other number. Each may hold one %s for the
// number, as [Lang.Number] writes it. The many form is the key; a language without plurals has only that.
func (l *Lang) N(n int64, one, many string) string {
	text, ok := l.own(many)
	switch {
	case ok:
	case n == 1:
		text = one
	default:
		text = many
	}
	return strings.Replace(text, "%s", l.Number(n), 1)
}

// maxHeader bounds how much of an Accept-Language header is read.
const maxHeader = 500

// Match returns the language that suits an Accept-Language header best; English where none does.
func Match(header string) *Lang {
	header = header[:min(len(header), maxHeader)]
	best, bestWeight := English, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			if _, err := fmt.Sscanf(q, "%g", &weight); err != nil {
				continue
			}
		}
		primary, _, _ := strings.Cut(tag, "-")
		for _, l := range All() {
			own, _, _ := strings.Cut(l.Tag, "-")
			if strings.EqualFold(primary, own) && weight > bestWeight {
				best, bestWeight = l, weight
			}
		}
	}
	return best
}
