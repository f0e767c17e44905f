package web

import "math"

// scale places values between 0, below, and 1; its ticks are evenly spaced.
type scale struct {
	ticks []float64
	place func(float64) float64
}

// linearScale is a scale from zero to a round number.
func linearScale(most float64) scale {
	top := 4.0
	if most > 4 {
		power := math.Pow(10, math.Floor(math.Log10(most)))
		for _, f := range []float64{1, 2, 4, 6, 8, 10} {
			if top = f * power; top >= most {
				break
			}
		}
	}
	return scale{ticks: []float64{0, top / 2, top}, place: func(v float64) float64 { return v / top }}
}

// durationMarks are round durations, in seconds, each several times the one before: the ticks of a scale for durations.
var durationMarks = []float64{0.0001, 0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36_000, 360_000}

// durationScale is a scale on which each mark is as far from the next as from the one before, since durations span from
// milliseconds to hours.
func durationScale(least, most float64) scale {
	low, high := 0, len(durationMarks)-1
	for low < len(durationMarks)-3 && durationMarks[low+1] <= least {
		low++
	}
	for high > low+2 && durationMarks[high-1] >= most {
		high--
	}
	if (high-low)%2 != 0 { // so that there is a mark in the middle
		if high < len(durationMarks)-1 {
			high++
		} else {
			low--
		}
	}
	marks := durationMarks[low : high+1]
	middle := len(marks) / 2
	return scale{
		ticks: []float64{marks[0], marks[middle], marks[len(marks)-1]},
		place: func(v float64) float64 {
			for i := 1; i < len(marks); i++ {
				if below := marks[i-1]; v < marks[i] {
					part := math.Log(max(v, below)/below) / math.Log(marks[i]/below)
					return (float64(i-1) + part) / float64(len(marks)-1)
				}
			}
			return 1
		},
	}
}
