package cli

import (
	"math"
	"strings"
)

// brailleBits are the dots of a braille character, column by column, each from the bottom up.
var brailleBits = [2][4]rune{{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}}

// areaChart draws values as an area of braille dots, two values to a column, the last at the right edge; the line at the
// top stands for top. A value that is not zero is seen.
func areaChart(values []float64, width, height int, top float64) []string {
	if width <= 0 || height <= 0 {
		return nil
	}
	cells := make([][]rune, height)
	for i := range cells {
		cells[i] = []rune(strings.Repeat("\u2800", width))
	}
	values = values[max(0, len(values)-2*width):]
	offset := 2*width - len(values)
	for i, v := range values {
		x := offset + i
		for y := range dots(v, 4*height, top) {
			row := height - 1 - y/4
			cells[row][x/2] |= brailleBits[x%2][y%4]
		}
	}
	lines := make([]string, height)
	for i, row := range cells {
		lines[i] = strings.ReplaceAll(string(row), "\u2800", " ")
	}
	return lines
}

// blocks draws values as one line of eighths, one value to a column, the last at the right edge.
func blocks(values []float64, width int, top float64) string {
	values = values[max(0, len(values)-width):]
	line := []rune(strings.Repeat(" ", width))
	for i, v := range values {
		if n := dots(v, 8, top); n > 0 {
			line[width-len(values)+i] = []rune("▁▂▃▄▅▆▇█")[n-1]
		}
	}
	return string(line)
}

// dots is how high a value stands, in dots of which there are most.
func dots(v float64, most int, top float64) int {
	if v <= 0 || top <= 0 || math.IsNaN(v) {
		return 0
	}
	return max(1, min(most, int(v/top*float64(most)+0.5)))
}

// roundTop returns the least of 1, 2 or 5 times a power of ten that is not below any value.
func roundTop(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	if most <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, times := range []float64{1, 2, 5, 10} {
		if times*power >= most*0.999999 {
			return times * power
		}
	}
	return 10 * power
}
