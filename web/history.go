package web

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// period is a stretch of time up to now that charts can show.
type period struct {
	Name  string
	step  time.Duration // of the store's series
	slot  time.Duration // of the charts
	slots int
	fresh time.Duration // how long what was read is good enough
}

// periods are those that the series of the store reach back to.
var periods = []period{
	{"1h", errand.FineStep, time.Minute, 60, 4 * time.Second},
	{"24h", errand.MiddleStep, 30 * time.Minute, 48, 30 * time.Second},
	{"30d", errand.CoarseStep, 12 * time.Hour, 60, time.Minute},
}

// periodNamed returns the period with a name; the first, for any other.
func periodNamed(name string) period {
	for _, p := range periods {
		if p.Name == name {
			return p
		}
	}
	return periods[0]
}

// slots are equal pieces of time, one after another.
type slots struct {
	from   time.Time
	each   time.Duration
	n      int
	filled time.Duration // how far the last one is
}

// until are the slots of a period of which the last has now in it.
func (p period) until(now time.Time) slots {
	last := now.UTC().Truncate(p.slot)
	filled := now.Sub(last) - p.step // workers report a step when it is over
	if filled < p.slot/4 {
		filled = 0
	}
	return slots{from: last.Add(-time.Duration(p.slots-1) * p.slot), each: p.slot, n: p.slots, filled: filled}
}

// minutes is for how many minutes a slot has been filled; NaN for too few to tell a rate.
func (s slots) minutes(i int) float64 {
	switch {
	case i < s.n-1:
		return s.each.Minutes()
	case s.filled == 0:
		return math.NaN()
	}
	return s.filled.Minutes()
}

// index is the slot that a time is in, and false for one that is in none.
func (s slots) index(t time.Time) (int, bool) {
	if t.Before(s.from) {
		return 0, false
	}
	i := int(t.Sub(s.from) / s.each)
	return i, i < s.n
}

func (s slots) start(i int) time.Time { return s.from.Add(time.Duration(i) * s.each) }

func (s slots) end() time.Time { return s.start(s.n) }

// label names the start of a slot: by the time of day, or with its date where slots are long.
func (s slots) label(l *lang.Lang, i int) string {
	if s.long() {
		return s.mark(l, i) + s.start(i).Format(" 15:04")
	}
	return s.mark(l, i)
}

// mark names the start of a slot in fewer letters, for an axis.
func (s slots) mark(l *lang.Lang, i int) string {
	if s.long() {
		return l.Day(s.start(i))
	}
	return s.start(i).Format("15:04")
}

func (s slots) long() bool { return s.each >= 12*time.Hour }

// tally is how the attempts of one slot went.
type tally struct {
	Finished, Failed, Retried int64
	Wait, Run                 errand.Histogram
}

func (t *tally) add(s *errand.Sample) {
	t.Finished += s.Finished
	t.Failed += s.Failed
	t.Retried += s.Retried
	t.Wait.Merge(&s.Wait)
	t.Run.Merge(&s.Run)
}

// history is what the store's series say of a period.
type history struct {
	slots
	period  period
	asked   time.Time // as of when, by the store's time
	Total   []tally
	byQueue map[string][]int64 // jobs finished in each slot
	byTask  map[string][]int64
	failed  map[string][]int64           // by queue
	depths  map[string][]*errand.Depth   // of queues; nil: not looked at
	lists   map[string][]*errand.Depth   // of hotqueues
	runs    map[string]*errand.Histogram // by queue, of the whole period
	waits   map[string]*errand.Histogram // by queue, of the whole period
}

// historyOf sorts what the store replied into slots.
func historyOf(p period, s slots, reply errand.SeriesReply) *history {
	made := &history{
		slots: s, period: p, Total: make([]tally, s.n),
		byQueue: map[string][]int64{}, byTask: map[string][]int64{}, failed: map[string][]int64{},
		depths: map[string][]*errand.Depth{}, lists: map[string][]*errand.Depth{},
		runs: map[string]*errand.Histogram{}, waits: map[string]*errand.Histogram{},
	}
	count := func(in map[string][]int64, name string, i int, n int64) {
		if in[name] == nil {
			in[name] = make([]int64, s.n)
		}
		in[name][i] += n
	}
	merge := func(in map[string]*errand.Histogram, name string, other *errand.Histogram) {
		if in[name] == nil {
			in[name] = &errand.Histogram{}
		}
		in[name].Merge(other)
	}
	for i := range reply.Samples {
		sample := &reply.Samples[i]
		slot, ok := s.index(sample.At)
		if !ok {
			continue
		}
		made.Total[slot].add(sample)
		count(made.byQueue, sample.Queue, slot, sample.Finished)
		count(made.byTask, sample.Task, slot, sample.Finished)
		count(made.failed, sample.Queue, slot, sample.Failed)
		merge(made.runs, sample.Queue, &sample.Run)
		merge(made.waits, sample.Queue, &sample.Wait)
	}
	for i := range reply.Depths {
		depth := &reply.Depths[i]
		slot, ok := s.index(depth.At)
		if !ok {
			continue
		}
		in := made.depths
		if depth.Messages {
			in = made.lists
		}
		if in[depth.Queue] == nil {
			in[depth.Queue] = make([]*errand.Depth, s.n)
		}
		in[depth.Queue][slot] = depth // they come by time: the last of a slot stays
	}
	return made
}

// series is one number of each slot.
func (h *history) series(of func(t *tally) float64) []float64 {
	values := make([]float64, h.n)
	for i := range h.Total {
		values[i] = of(&h.Total[i])
	}
	return values
}

// perMinute makes rates of counts.
func (h *history) perMinute(counts []int64) []float64 {
	values := make([]float64, h.n)
	for i := range counts {
		values[i] = float64(counts[i]) / h.minutes(i)
	}
	return values
}

// quantile is a quantile of the waits or runs of each slot, in seconds; NaN where there were none.
func (h *history) quantile(p float64, of func(t *tally) *errand.Histogram) []float64 {
	return h.series(func(t *tally) float64 {
		hist := of(t)
		if hist.Count() == 0 {
			return math.NaN()
		}
		return hist.Quantile(p).Seconds()
	})
}

// sum is the tally of the whole period.
func (h *history) sum() tally {
	var all tally
	for i := range h.Total {
		t := &h.Total[i]
		all.Finished += t.Finished
		all.Failed += t.Failed
		all.Retried += t.Retried
		all.Wait.Merge(&t.Wait)
		all.Run.Merge(&t.Run)
	}
	return all
}

// depthOf is how many jobs of a state were in a queue in each slot; NaN where nobody looked.
func depthOf(depths []*errand.Depth, state errand.State) []float64 {
	values := make([]float64, len(depths))
	for i, d := range depths {
		values[i] = math.NaN()
		if d != nil {
			values[i] = float64(d.Counts[state])
		}
	}
	return values
}

// largest returns the names with the greatest weight, the greatest first, and those that are not among them.
func largest[T any](of map[string]T, n int, weight func(T) float64) (top, rest []string) {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(weight(of[b]), weight(of[a])), cmp.Compare(a, b))
	})
	if len(names) <= n+1 { // a rest of one is as long as its name
		return names, nil
	}
	return names[:n], names[n:]
}

func total(counts []int64) float64 {
	sum := int64(0)
	for _, n := range counts {
		sum += n
	}
	return float64(sum)
}

// addTo adds values to others; what is not known counts for nothing, unless neither is.
func addTo(into, values []float64) {
	for i, v := range values {
		switch {
		case math.IsNaN(v):
		case math.IsNaN(into[i]):
			into[i] = v
		default:
			into[i] += v
		}
	}
}
