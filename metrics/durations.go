package metrics

import (
	"time"

	"github.com/errandhq/errand"
	"github.com/prometheus/client_golang/prometheus"
)

// lateSamples is how long after the end of an attempt its worker may tell of it.
const lateSamples = 5 * time.Minute

// durations are counters that only grow, made of time series, which are added to for a while and then fall out of sight.
// They begin at zero with the first look, as a counter does when its process begins.
type durations struct {
	pairs  places[pair]
	seen   map[slot][errand.SampleNumbers]int64 // what was counted of the slots that may still be added to
	totals map[pair]*errand.Sample
	begun  bool
}

type pair struct{ queue, task string }

type slot struct {
	at time.Time
	pair
}

func newDurations(most int) durations {
	return durations{pairs: newPlaces[pair](most), seen: map[slot][errand.SampleNumbers]int64{}, totals: map[pair]*errand.Sample{}}
}

// add counts what samples have that was not there at the last look.
func (d *durations) add(now time.Time, samples []errand.Sample) {
	for i := range samples {
		s := &samples[i]
		at := slot{s.At, pair{s.Queue, s.Task}}
		numbers, before := s.Numbers(), d.seen[at]
		d.seen[at] = numbers
		if !d.begun {
			continue
		}
		for j := range numbers {
			numbers[j] = max(0, numbers[j]-before[j])
		}
		var more errand.Sample
		more.SetNumbers(numbers)
		d.total(at.pair).Merge(&more)
	}
	d.begun = true
	for at := range d.seen {
		if at.at.Before(now.Add(-2 * lateSamples)) {
			delete(d.seen, at)
		}
	}
}

func (d *durations) total(of pair) *errand.Sample {
	if of.task == "" {
		of.task = Other
	}
	if of.queue == "" {
		of.queue = Other
	}
	if !d.pairs.has(of) {
		of = pair{Other, Other}
	}
	if d.totals[of] == nil {
		d.totals[of] = &errand.Sample{}
	}
	return d.totals[of]
}

func (d *durations) metrics() []prometheus.Metric {
	var found []prometheus.Metric
	for of, s := range d.totals {
		found = append(found,
			counter(attempts, float64(s.Finished), of.queue, of.task, "finished"),
			counter(attempts, float64(s.Failed), of.queue, of.task, "failed"),
			counter(attempts, float64(s.Retried), of.queue, of.task, "retried"),
			histogram(wait, &s.Wait, of), histogram(run, &s.Run, of))
	}
	return found
}

func histogram(desc *prometheus.Desc, h *errand.Histogram, of pair) prometheus.Metric {
	buckets, sum := map[float64]uint64{}, uint64(0)
	for i, bound := range errand.HistogramBounds() {
		sum += uint64(h.Counts[i])
		buckets[bound.Seconds()] = sum
	}
	return prometheus.MustNewConstHistogram(desc, uint64(h.Count()), h.Sum.Seconds(), buckets, of.queue, of.task)
}
