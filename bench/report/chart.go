package report

import (
	"fmt"
	"html"
	"strings"
)

// bar is a line of a chart.
type bar struct {
	name string
	kind string // decides the colour
	f    *figure
}

// The measures of a chart, in pixels.
const (
	chartWidth = 760
	nameWidth  = 190
	valueWidth = 90
	barHeight  = 16
	barStep    = 26
	chartTop   = 40
)

// colours are readable on a light and on a dark page.
var colours = map[string]string{"errand": "#2f81f7", "style": "#8ab4f8", "peer": "#8b949e", "raw": "#d29922"}

// chart draws horizontal bars of medians with a line from the lowest to the highest round, as SVG.
func chart(heading string, bars []bar) string {
	height := chartTop + barStep*len(bars) + 10
	most := 0.0
	for _, b := range bars {
		if b.f.ok() {
			most = max(most, b.f.high)
		}
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="%s">`+"\n",
		chartWidth, height, chartWidth, height, html.EscapeString(heading))
	s.WriteString("<style>text { fill: #24292f } .w { stroke: #24292f } @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .w { stroke: #e6edf3 } }</style>\n")
	fmt.Fprintf(&s, `<text x="10" y="22" font-size="15" font-weight="600">%s</text>`+"\n", html.EscapeString(heading))
	scale := 0.0
	if most > 0 {
		scale = (chartWidth - nameWidth - valueWidth) / most
	}
	for i, b := range bars {
		y := chartTop + i*barStep
		middle := y + barHeight/2
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", nameWidth-8, y+13, html.EscapeString(b.name))
		if !b.f.ok() {
			fmt.Fprintf(&s, `<text x="%d" y="%d">void</text>`+"\n", nameWidth+4, y+13)
			continue
		}
		fmt.Fprintf(&s, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`+"\n", nameWidth, y, max(b.f.median*scale, 1), barHeight, colours[b.kind])
		if b.f.high > b.f.low {
			fmt.Fprintf(&s, `<line class="w" x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke-width="1.5"/>`+"\n",
				nameWidth+b.f.low*scale, nameWidth+b.f.high*scale, middle, middle)
		}
		fmt.Fprintf(&s, `<text x="%.1f" y="%d">%s</text>`+"\n", nameWidth+b.f.high*scale+6, y+13, number(b.f.median))
	}
	s.WriteString("</svg>\n")
	return s.String()
}
