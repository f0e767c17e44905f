package web

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/errandhq/errand/internal/lang"
)

// chart is a picture of numbers over time, with the same numbers as a table: for who cannot see the picture, and for the
// script that tells the value under the pointer. It is drawn in a box of 1000 by 100 that the page stretches, so that its
// labels are the page's own text.
type chart struct {
	ID     string
	Title  string
	Note   string // what the numbers are of
	Kind   string // "columns" or "area", both stacked, or "lines"
	Lines  []chartLine
	Grid   []float64  // where lines across are
	Ticks  []string   // of the values, evenly spaced, the highest first
	Times  []string   // of the time, evenly spaced
	Rows   []chartRow // the table
	Active bool       // there is something to see
}

// chartLine is one of the things that a chart shows.
type chartLine struct {
	Name  string
	Class string // its colour
	Path  string // of the line, or of the area or the columns
	Last  string // its value now
}

// chartRow is a slot of time as a line of the table.
type chartRow struct {
	Time   string
	Values []string
}

// plot says what is to be drawn. NaN is a value that is not known.
type plot struct {
	id, title, note, kind string
	names, classes        []string
	values                [][]float64 // of each line
	format                func(float64) string
	durations             bool // the values are seconds
}

// draw makes the chart of a plot over the slots of a history.
func (p plot) draw(l *lang.Lang, slots slots) chart {
	c := chart{ID: p.id, Title: p.title, Note: p.note, Kind: p.kind}
	scale := linearScale(p.most())
	if p.durations {
		scale = durationScale(p.least(), p.most())
	}
	for i, at := range scale.ticks {
		c.Ticks = append([]string{p.format(at)}, c.Ticks...)
		if i > 0 {
			c.Grid = append(c.Grid, 100-100*float64(i)/float64(len(scale.ticks)-1))
		}
	}
	const labels = 4
	for i := range labels + 1 {
		c.Times = append(c.Times, slots.mark(l, i*slots.n/labels))
	}
	base := make([]float64, slots.n)
	for i, values := range p.values {
		line := chartLine{Name: p.names[i], Class: p.classes[i]}
		if p.kind == "lines" {
			line.Path = linePath(values, scale)
		} else {
			top := stackOn(base, values)
			line.Path = stackPath(p.kind, base, top, scale)
			base = top
		}
		line.Last = "–"
		for j := len(values) - 1; j >= 0 && j >= len(values)-2; j-- { // the newest slot is still being filled
			if !math.IsNaN(values[j]) {
				line.Last = p.format(values[j])
				break
			}
		}
		c.Lines = append(c.Lines, line)
	}
	for i := range slots.n {
		row := chartRow{Time: slots.label(l, i)}
		for _, values := range p.values {
			text := "–"
			if v := values[i]; !math.IsNaN(v) {
				text = p.format(v)
				c.Active = c.Active || v > 0
			}
			row.Values = append(row.Values, text)
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// most is the highest value, of stacked ones their highest sum.
func (p plot) most() float64 {
	most := 0.0
	for i := range p.slotCount() {
		sum := 0.0
		for _, values := range p.values {
			switch v := values[i]; {
			case math.IsNaN(v):
			case p.kind == "lines":
				most = max(most, v)
			default:
				sum += v
			}
		}
		most = max(most, sum)
	}
	return most
}

// least is the lowest value above zero; 0 where there is none.
func (p plot) least() float64 {
	least := math.Inf(1)
	for _, values := range p.values {
		for _, v := range values {
			if v > 0 && v < least {
				least = v
			}
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}

func (p plot) slotCount() int {
	if len(p.values) == 0 {
		return 0
	}
	return len(p.values[0])
}

// at writes a point of a box of 1000 by 100.
func at(b *strings.Builder, command byte, x, y float64) {
	b.WriteByte(command)
	b.WriteString(strconv.FormatFloat(x, 'f', 1, 64))
	b.WriteByte(' ')
	b.WriteString(strconv.FormatFloat(y, 'f', 1, 64))
}

// linePath draws values as a line that is broken where they are not known. A lone value is a short stroke.
func linePath(values []float64, s scale) string {
	var b strings.Builder
	width := 1000 / float64(len(values))
	drawing := false
	for i, v := range values {
		if math.IsNaN(v) {
			drawing = false
			continue
		}
		x, y := (float64(i)+0.5)*width, 100-100*s.place(v)
		if !drawing {
			at(&b, 'M', x-width/4, y)
		}
		at(&b, 'L', x+width/4, y)
		drawing = true
	}
	return b.String()
}

// stackOn adds values to those below them.
func stackOn(base, values []float64) []float64 {
	top := make([]float64, len(base))
	for i, v := range values {
		if math.IsNaN(v) && i < len(values)-1 {
			v = 0
		}
		top[i] = base[i] + v
	}
	return top
}

// stackPath draws what lies between two lines: as one shape, or as a column for each slot.
func stackPath(kind string, base, top []float64, s scale) string {
	var b strings.Builder
	width := 1000 / float64(len(base))
	y := func(v float64) float64 { return 100 - 100*s.place(v) }
	if n := len(top); n > 1 && math.IsNaN(top[n-1]) { // the last slot tells nothing yet
		base, top = base[:n-1], top[:n-1]
	}
	if kind == "area" {
		for i := range top {
			command := byte('L')
			if i == 0 {
				command = 'M'
			}
			at(&b, command, (float64(i)+0.5)*width, y(top[i]))
		}
		for i, v := range slices.Backward(base) {
			at(&b, 'L', (float64(i)+0.5)*width, y(v))
		}
		b.WriteByte('Z')
		return b.String()
	}
	for i := range top {
		if top[i] <= base[i] {
			continue
		}
		left, right := (float64(i)+0.12)*width, (float64(i)+0.88)*width
		upper := min(y(top[i]), y(base[i])-1.2) // so that a single one can be seen
		at(&b, 'M', left, y(base[i]))
		at(&b, 'L', left, upper)
		at(&b, 'L', right, upper)
		at(&b, 'L', right, y(base[i]))
		b.WriteByte('Z')
	}
	return b.String()
}

// spark is a chart of a thumb's width, of one kind of number: its path in a box of 100 by 24.
type spark struct {
	Path  string
	Label string // what it shows, for who cannot see it
	Quiet bool   // there is nothing to see
	Bad   bool   // of failures
}

// sparkOf draws columns.
func sparkOf(values []float64, label string) spark {
	most := 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			most = max(most, v)
		}
	}
	s := spark{Label: label, Quiet: most == 0}
	if s.Quiet {
		return s
	}
	var b strings.Builder
	width := 100 / float64(len(values))
	for i, v := range values {
		if math.IsNaN(v) || v <= 0 {
			continue
		}
		left, right, upper := (float64(i)+0.1)*width, (float64(i)+0.9)*width, 24-max(2, 24*v/most)
		at(&b, 'M', left, 24)
		at(&b, 'L', left, upper)
		at(&b, 'L', right, upper)
		at(&b, 'L', right, 24)
		b.WriteByte('Z')
	}
	s.Path = b.String()
	return s
}
