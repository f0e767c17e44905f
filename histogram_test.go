package errand_test

import (
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// The bounds rise, are inclusive, and one more bucket takes the rest.
func TestHistogramBuckets(t *testing.T) {
	bounds := errand.HistogramBounds()
	if len(bounds)+1 != errand.HistogramBuckets || bounds[0] != time.Millisecond || bounds[len(bounds)-1] != time.Hour {
		t.Fatalf("bounds %v for %d buckets", bounds, errand.HistogramBuckets)
	}
	for i, bound := range bounds {
		var h errand.Histogram
		h.Add(bound)
		h.Add(bound + 1)
		if h.Counts[i] != 1 || h.Counts[i+1] != 1 || h.Count() != 2 {
			t.Errorf("%v and a nanosecond more: %v", bound, h.Counts)
		}
		if i > 0 && (bound <= bounds[i-1] || bound > 3*bounds[i-1]) {
			t.Errorf("bound %v after %v", bound, bounds[i-1])
		}
	}
	var h errand.Histogram
	h.Add(-time.Second)
	if h.Counts[0] != 1 || h.Sum != 0 {
		t.Errorf("a negative duration: %+v", h)
	}
}

func TestHistogramQuantile(t *testing.T) {
	var empty, h errand.Histogram
	if q := empty.Quantile(0.5); q != 0 || empty.Mean() != 0 {
		t.Errorf("of nothing: %v", q)
	}
	for range 50 {
		h.Add(15 * time.Millisecond) // in the bucket of 10 to 20 ms
		h.Add(150 * time.Millisecond)
	}
	h.Merge(&empty)
	for p, want := range map[float64]time.Duration{
		-1: 10 * time.Millisecond, 0.25: 15 * time.Millisecond, 0.5: 20 * time.Millisecond,
		0.75: 150 * time.Millisecond, 1: 200 * time.Millisecond, 2: 200 * time.Millisecond,
	} {
		if got := h.Quantile(p); got != want {
			t.Errorf("quantile %v: %v, want %v", p, got, want)
		}
	}
	if h.Mean() != 82500*time.Microsecond {
		t.Errorf("mean %v", h.Mean())
	}
	var long errand.Histogram
	long.Add(5 * time.Hour)
	if q := long.Quantile(0.5); q != time.Hour {
		t.Errorf("beyond the last bound: %v", q)
	}
}

// A reply that is too long keeps its newest slots whole, and says from when on.
func TestSeriesReplyTidyKeepsTheNewestSlots(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const each = 300
	var reply errand.SeriesReply
	slots := errand.MaxSeriesReply/each + 5
	for i := range slots {
		for range each {
			reply.Samples = append(reply.Samples, errand.Sample{At: begin.Add(time.Duration(i) * errand.FineStep)})
		}
	}
	reply.Depths = append(reply.Depths, errand.Depth{At: begin})
	reply.Tidy()
	kept := errand.MaxSeriesReply / each
	want := begin.Add(time.Duration(slots-kept) * errand.FineStep)
	if !reply.From.Equal(want) || len(reply.Samples) != kept*each || len(reply.Depths) != 0 || !reply.Samples[0].At.Equal(want) {
		t.Errorf("from %v, %d samples, %d depths, want from %v, %d and none", reply.From, len(reply.Samples), len(reply.Depths), want, kept*each)
	}
	short := errand.SeriesReply{Samples: make([]errand.Sample, errand.MaxSeriesReply)}
	if short.Tidy(); !short.From.IsZero() || len(short.Samples) != errand.MaxSeriesReply {
		t.Errorf("a reply that fits was cut: from %v", short.From)
	}
	one := errand.SeriesReply{Samples: make([]errand.Sample, errand.MaxSeriesReply+7)}
	if one.Tidy(); len(one.Samples) != errand.MaxSeriesReply {
		t.Errorf("one slot that is too long: %d samples", len(one.Samples))
	}
}
