package cli

import (
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

// print writes the table.
func (s *screen) print(g *grid) {
	if s.terminal {
		g.fit(s.width())
	}
	t := table.New().Wrap(false).BorderHeader(s.terminal).StyleFunc(func(row, col int) lipgloss.Style {
		style := faint
		if row != table.HeaderRow {
			style = g.rows[row][col].style
		}
		if g.columns[col].right {
			style = style.Align(lipgloss.Right)
		}
		if s.terminal {
			return style.Padding(0, 1)
		}
		return style.PaddingRight(2)
	})
	if s.terminal {
		t = t.Border(lipgloss.RoundedBorder()).BorderStyle(faint)
	} else {
		t = t.Border(lipgloss.Border{}).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderColumn(false)
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
		if !s.terminal {
			line = strings.TrimRight(ansi.Strip(line), " \n")
		}
		s.printf("%s\n", strings.TrimRight(line, "\n"))
	}
}

// fit cuts the flexible columns so that the table is no wider than the terminal, if that can be done.
func (g *grid) fit(width int) {
	const least = 8
	widths := make([]int, len(g.columns))
	total := len(g.columns) + 1 // the lines between the columns
	for col := range g.columns {
		widths[col] = lipgloss.Width(g.columns[col].title)
		for _, row := range g.rows {
			widths[col] = max(widths[col], lipgloss.Width(row[col].text))
		}
		total += widths[col] + 2
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
	for _, row := range g.rows {
		for col := range row {
			row[col].text = ansi.Truncate(row[col].text, widths[col], "…")
		}
	}
}
