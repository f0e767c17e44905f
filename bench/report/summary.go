// Package report makes Markdown and SVG charts of the results of a run: what was reached of the goals, and all figures.
package report

import (
	"slices"

	"github.com/montanaflynn/stats"

	"github.com/errandhq/errand/bench/measure"
	"github.com/errandhq/errand/bench/peer"
)

// figure is what all rounds of a measure say together.
type figure struct {
	median, low, high float64
	rounds            map[int]float64
	void              string // why it does not count: one bad round is enough
}

func (f *figure) ok() bool { return f != nil && f.void == "" && len(f.rounds) > 0 }

// key names a figure.
type key struct {
	store           peer.Store
	system, measure string
}

// summary has the figures of a run.
type summary struct {
	run     *measure.Run
	figures map[key]*figure
}

func summarize(run *measure.Run) (*summary, error) {
	s := &summary{run: run, figures: map[key]*figure{}}
	for _, sample := range run.Samples {
		k := key{sample.Store, sample.System, sample.Measure}
		f := s.figures[k]
		if f == nil {
			f = &figure{rounds: map[int]float64{}}
			s.figures[k] = f
		}
		if sample.Void != "" {
			f.void = sample.Void
			continue
		}
		f.rounds[sample.Round] = sample.Value
	}
	for _, f := range s.figures {
		if len(f.rounds) == 0 {
			continue
		}
		values := make(stats.Float64Data, 0, len(f.rounds))
		for _, v := range f.rounds {
			values = append(values, v)
		}
		var err error
		if f.median, err = values.Median(); err != nil {
			return nil, err
		}
		f.low, f.high = slices.Min(values), slices.Max(values)
	}
	return s, nil
}

func (s *summary) get(store peer.Store, system, measure string) *figure {
	return s.figures[key{store, system, measure}]
}

// ratio of two figures: of their medians, and the range over the rounds that both have.
func ratio(a, b *figure) *figure {
	if !a.ok() || !b.ok() || b.median == 0 {
		return nil
	}
	r := &figure{median: a.median / b.median, rounds: map[int]float64{}}
	for round, v := range a.rounds {
		if w := b.rounds[round]; w > 0 {
			r.rounds[round] = v / w
		}
	}
	if len(r.rounds) == 0 {
		r.rounds[0] = r.median
	}
	first := true
	for _, v := range r.rounds {
		if first || v < r.low {
			r.low = v
		}
		if first || v > r.high {
			r.high = v
		}
		first = false
	}
	return r
}

// systems lists who has a figure of a measure, in the order of the list.
func (s *summary) systems(store peer.Store, measures ...string) []peer.Entry {
	var found []peer.Entry
	for _, e := range peer.All {
		if e.Store == store && slices.ContainsFunc(measures, func(m string) bool { return s.get(store, e.Name, m) != nil }) {
			found = append(found, e)
		}
	}
	return found
}
