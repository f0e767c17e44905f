package cli

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/charmbracelet/x/ansi"
)

// column describes a column of a grid.
type column struct {
	title string
	right bool // numbers
	flex  bool // is cut where the terminal is too narrow
	spare int  // is left out where that is not enough, the highest first; 0: never; 1: only when all else fails
}

// cell is text from anywhere, and how it looks.
type cell struct {
	text  string
	style lipgloss.Style
}

// grid is a table: with lines on a terminal, aligned columns elsewhere.
type grid struct {
	columns []column
	rows    [][]cell
}

func newGrid(columns ...column) *grid { return &grid{columns: columns} }

// add adds a row; a string is a cell without style.
func (g *grid) add(cells ...any) {
	row := make([]cell, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case cell:
			row[i] = cell{cleanLine(c.text), c.style}
		case string:
			row[i] = cell{cleanLine(c), plain}
		}
	}
	g.rows = append(g.rows, row)
}

// A terminal narrower than this gets no lines between the columns: they are wanted for the text.
const frameWidth = 110

// print writes the table.
func (s *screen) print(g *grid) {
	framed := s.terminal && s.width() >= frameWidth
	if s.terminal {
		g.fit(s.width(), framed)
	}
	t := table.New().Wrap(false).StyleFunc(func(row, col int) lipgloss.Style {
		style := faint
		if row != table.HeaderRow {
			style = g.rows[row][col].style
		}
		if g.columns[col].right {
			style = style.Align(lipgloss.Right)
		}
		switch {
		case framed:
			return style.Padding(0, 1)
		case col < len(g.columns)-1:
			return style.PaddingRight(2)
		default:
			return style
		}
	})
	if framed {
		t = t.Border(lipgloss.RoundedBorder()).BorderStyle(faint)
	} else {
		t = t.Border(lipgloss.Border{}).BorderHeader(false).BorderColumn(false).
			BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false)
	}
	titles := make([]string, len(g.columns))
	for i, c := range g.columns {
		titles[i] = c.title
	}
	t = t.Headers(titles...)
	for _, row := range g.rows {
		texts := make([]string, len(row))
		for i, c := range row {
			texts[i] = c.text
		}
		t = t.Row(texts...)
	}
	for line := range strings.Lines(t.Render()) {
		line = strings.TrimRight(line, "\n")
		if !s.terminal {
			line = strings.TrimRight(ansi.Strip(line), " ")
		}
		s.printf("%s\n", line)
	}
}

// The flexible columns are cut to no less than this: while there are spare columns to leave out, and after that.
const (
	fairWidth  = 20
	leastWidth = 8
)

// fit makes the table no wider than the terminal, if that can be done.
func (g *grid) fit(width int, framed bool) {
	widths, total := g.plan(width, fairWidth, framed)
	for total > width && g.leaveOut(2) {
		widths, total = g.plan(width, fairWidth, framed)
	}
	if total > width {
		widths, total = g.plan(width, leastWidth, framed)
	}
	for total > width && g.leaveOut(1) {
		widths, total = g.plan(width, leastWidth, framed)
	}
	for _, row := range g.rows {
		for col := range row {
			row[col].text = ansi.Truncate(row[col].text, widths[col], "…")
		}
	}
}

// leaveOut removes the column that can best be spared; false where there is none that is spare enough.
func (g *grid) leaveOut(enough int) bool {
	most := -1
	for col, c := range g.columns {
		if c.spare >= enough && (most < 0 || c.spare >= g.columns[most].spare) {
			most = col
		}
	}
	if most < 0 {
		return false
	}
	g.columns = slices.Delete(g.columns, most, most+1)
	for i := range g.rows {
		g.rows[i] = slices.Delete(g.rows[i], most, most+1)
	}
	return true
}

// plan returns the widths of the columns and of the table. The flexible columns are shortened, the widest first, until
// the table fits or every one is down to least.
func (g *grid) plan(width, least int, framed bool) (widths []int, total int) {
	between, ends := 2, -2
	if framed {
		between, ends = 3, 1
	}
	widths = make([]int, len(g.columns))
	total = ends
	for col := range g.columns {
		widths[col] = lipgloss.Width(g.columns[col].title)
		for _, row := range g.rows {
			widths[col] = max(widths[col], lipgloss.Width(row[col].text))
		}
		total += widths[col] + between
	}
	for total > width {
		widest := -1
		for col, c := range g.columns {
			if c.flex && widths[col] > least && (widest < 0 || widths[col] > widths[widest]) {
				widest = col
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths, total
}
