package errand

import (
	"slices"
	"sort"
	"time"
)

// histogramBounds are the upper bounds of a histogram's buckets, inclusive.
var histogramBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
}

// HistogramBounds returns the upper bounds of a [Histogram]'s buckets, inclusive and rising. One more bucket takes what is
// longer than the last.
func HistogramBounds() []time.Duration { return slices.Clone(histogramBounds[:]) }

// HistogramBuckets is the number of buckets, that for what is longer than every bound included.
const HistogramBuckets = len(histogramBounds) + 1

// Histogram counts durations in buckets with fixed bounds, so that histograms of many workers and times add up. Its
// counts and bounds are those of a classic Prometheus histogram, but not yet summed up from the left. The zero value is
// empty.
type Histogram struct {
	Counts [HistogramBuckets]int64 `json:"counts"` // durations in each bucket
	Sum    time.Duration           `json:"sum"`    // of all durations; stores keep it to the microsecond
}

// Add counts a duration. One below zero, which clocks that differ can bring about, counts as zero.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.Counts[sort.Search(len(histogramBounds), func(i int) bool { return d <= histogramBounds[i] })]++
	h.Sum += d
}

// Merge adds what another histogram has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.Counts {
		h.Counts[i] += n
	}
	h.Sum += other.Sum
}

// Count returns how many durations were counted.
func (h *Histogram) Count() int64 {
	var n int64
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Mean returns the mean of the durations, 0 when there are none.
func (h *Histogram) Mean() time.Duration {
	if n := h.Count(); n > 0 {
		return h.Sum / time.Duration(n)
	}
	return 0
}

// Quantile returns the duration below which a share p, from 0 to 1, of the durations lies, as if those in a bucket were
// spread over it evenly. It is the last bound where it lies beyond, and 0 when nothing was counted.
func (h *Histogram) Quantile(p float64) time.Duration {
	total := h.Count()
	if total == 0 {
		return 0
	}
	rank := min(max(p, 0), 1) * float64(total)
	below, lower := 0.0, time.Duration(0)
	for i, upper := range histogramBounds {
		n := float64(h.Counts[i])
		if n > 0 && below+n >= rank {
			return lower + time.Duration(float64(upper-lower)*(rank-below)/n)
		}
		below, lower = below+n, upper
	}
	return lower
}
