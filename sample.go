package errand

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// SeriesStep is one of the resolutions in which time series are kept.
type SeriesStep struct {
	Step time.Duration // the length of a slot
	Keep time.Duration // how long a slot is kept, from its start
}

// The steps of time series, and for how long each is kept.
const (
	FineStep   = 10 * time.Second
	MiddleStep = 5 * time.Minute
	CoarseStep = time.Hour
)

var seriesSteps = [...]SeriesStep{
	{FineStep, time.Hour}, {MiddleStep, 26 * time.Hour}, {CoarseStep, 31 * 24 * time.Hour},
}

// SeriesSteps returns the resolutions in which time series are kept, the finest first. A writer sends each of them: a store
// only adds up.
func SeriesSteps() []SeriesStep { return slices.Clone(seriesSteps[:]) }

// Slot returns the start of the slot that t is in.
func (s SeriesStep) Slot(t time.Time) time.Time { return t.UTC().Truncate(s.Step) }

// Keeps reports whether a slot is kept at that time: it is not too old, and not in the future beyond what clocks may differ
// by.
func (s SeriesStep) Keeps(at, now time.Time) bool {
	return at.After(s.Past(now)) && !at.After(now.Add(s.Step+time.Minute))
}

// Past returns the time at or before which slots that began are to be deleted.
func (s SeriesStep) Past(now time.Time) time.Time { return now.Add(-s.Keep) }

// SeriesStepOf returns the resolution with slots of that length.
func SeriesStepOf(step time.Duration) (SeriesStep, error) {
	for _, s := range seriesSteps {
		if s.Step == step {
			return s, nil
		}
	}
	return SeriesStep{}, fmt.Errorf("%w: time series have no step of %v: see SeriesSteps", ErrInvalid, step)
}

// Sample is how the attempts of one queue and task that ended in one slot went. Samples of the same step add up.
type Sample struct {
	Step     time.Duration `json:"step"`
	At       time.Time     `json:"at"` // the start of the slot
	Queue    string        `json:"queue"`
	Task     string        `json:"task"` // empty: all the tasks for which there was no place
	Finished int64         `json:"finished"`
	Failed   int64         `json:"failed"`  // for good
	Retried  int64         `json:"retried"` // failed, and another attempt follows
	Wait     Histogram     `json:"wait"`    // from when the job was ready to the start of the attempt, where that is known
	Run      Histogram     `json:"run"`     // from the start of the attempt to its end
}

// Merge adds what another sample has counted.
func (s *Sample) Merge(other *Sample) {
	s.Finished += other.Finished
	s.Failed += other.Failed
	s.Retried += other.Retried
	s.Wait.Merge(&other.Wait)
	s.Run.Merge(&other.Run)
}

// SampleNumbers is how many numbers a sample has.
const SampleNumbers = 5 + 2*HistogramBuckets

// Numbers returns all that a sample has counted, so that samples add up when their numbers do. Sums are in microseconds.
// A store may keep a sample so; numbers that are added later will come at the end.
func (s *Sample) Numbers() [SampleNumbers]int64 {
	n := [SampleNumbers]int64{s.Finished, s.Failed, s.Retried, s.Wait.Sum.Microseconds(), s.Run.Sum.Microseconds()}
	copy(n[5:], s.Wait.Counts[:])
	copy(n[5+HistogramBuckets:], s.Run.Counts[:])
	return n
}

// SetNumbers is the reverse of Numbers.
func (s *Sample) SetNumbers(n [SampleNumbers]int64) {
	s.Finished, s.Failed, s.Retried = n[0], n[1], n[2]
	s.Wait.Sum, s.Run.Sum = time.Duration(n[3])*time.Microsecond, time.Duration(n[4])*time.Microsecond
	copy(s.Wait.Counts[:], n[5:])
	copy(s.Run.Counts[:], n[5+HistogramBuckets:])
}

// Depth is how full a queue was when it was last looked at in a slot.
type Depth struct {
	Step     time.Duration   `json:"step"`
	At       time.Time       `json:"at"` // the start of the slot
	Queue    string          `json:"queue"`
	Messages bool            `json:"messages,omitempty"` // it is a message queue: queued are its messages, finished those taken
	Counts   map[State]int64 `json:"counts,omitempty"`   // states without jobs are missing
	Enqueued int64           `json:"enqueued"`           // since the store was made, as are the two below
	Finished int64           `json:"finished"`
	Failed   int64           `json:"failed"`
	Oldest   time.Duration   `json:"oldest,omitempty"` // how long the job that waits longest has waited; 0: none is queued
}

// MaxSeriesReport is how many samples and depths one report may have.
const MaxSeriesReport = 2000

// SeriesReport asks for samples to be added up, and depths to be kept.
type SeriesReport struct {
	Now     time.Time
	Writer  string // who reports; empty: a repeated request is not recognised
	Number  int64  // of this writer's requests, rising from 1
	Samples []Sample
	Depths  []Depth
}

// Tidy returns the report as a store is to record it: what is not kept at Now is left out, samples of the same slot,
// queue and task are added up, of depths of the same slot and queue the last one stays, times and sums are to the
// microsecond, and all is sorted. It returns an [ErrInvalid] for a report that is too long, or that has an unknown step, a
// time that begins no slot, a name that is none or a negative number. A sample may have no task, or neither queue nor task.
func (r SeriesReport) Tidy() (SeriesReport, error) {
	if n := len(r.Samples) + len(r.Depths); n > MaxSeriesReport {
		return r, fmt.Errorf("%w: a report of %d samples and depths: use at most %d", ErrInvalid, n, MaxSeriesReport)
	}
	tidy := r
	tidy.Samples, tidy.Depths = nil, nil
	for i := range r.Samples {
		s := r.Samples[i]
		keep, err := tidySlot(s.Step, &s.At, r.Now)
		if err == nil {
			err = s.check()
		}
		if err != nil {
			return r, err
		}
		if keep {
			s.SetNumbers(s.Numbers())
			tidy.Samples = append(tidy.Samples, s)
		}
	}
	for i := range r.Depths {
		d := r.Depths[i]
		keep, err := tidySlot(d.Step, &d.At, r.Now)
		if err == nil {
			err = d.check()
		}
		if err != nil {
			return r, err
		}
		if keep {
			tidy.Depths = append(tidy.Depths, d.tidy())
		}
	}
	slices.SortStableFunc(tidy.Samples, compareSamples)
	slices.SortStableFunc(tidy.Depths, compareDepths)
	tidy.Samples = fold(tidy.Samples, compareSamples, (*Sample).Merge)
	tidy.Depths = fold(tidy.Depths, compareDepths, func(d, later *Depth) { *d = *later })
	return tidy, nil
}

func tidySlot(step time.Duration, at *time.Time, now time.Time) (keep bool, err error) {
	s, err := SeriesStepOf(step)
	if err != nil {
		return false, err
	}
	if !s.Slot(*at).Equal(*at) {
		return false, fmt.Errorf("%w: %v begins no slot of %v", ErrInvalid, at.UTC(), step)
	}
	*at = at.UTC()
	return s.Keeps(*at, now), nil
}

func (s *Sample) check() error {
	if s.Queue != "" || s.Task != "" {
		if err := CheckName("queue", s.Queue); err != nil {
			return err
		}
	}
	if s.Task != "" {
		if err := CheckName("task", s.Task); err != nil {
			return err
		}
	}
	for _, n := range s.Numbers() {
		if n < 0 {
			return fmt.Errorf("%w: a sample of queue %q has a negative number", ErrInvalid, s.Queue)
		}
	}
	return nil
}

func (d *Depth) check() error {
	if err := CheckName("queue", d.Queue); err != nil {
		return err
	}
	for state, n := range d.Counts {
		if !slices.Contains(States(), state) || n < 0 {
			return fmt.Errorf("%w: the depth of queue %q counts %d jobs as %v", ErrInvalid, d.Queue, n, state)
		}
	}
	if d.Enqueued < 0 || d.Finished < 0 || d.Failed < 0 {
		return fmt.Errorf("%w: the depth of queue %q has a negative number", ErrInvalid, d.Queue)
	}
	return nil
}

func (d Depth) tidy() Depth {
	counts := make(map[State]int64, len(d.Counts))
	for state, n := range d.Counts {
		if n > 0 {
			counts[state] = n
		}
	}
	d.Counts = counts
	d.Oldest = max(d.Oldest, 0).Truncate(time.Microsecond)
	return d
}

func compareSamples(a, b Sample) int {
	return cmp.Or(cmp.Compare(a.Step, b.Step), a.At.Compare(b.At), cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Task, b.Task))
}

func compareDepths(a, b Depth) int {
	messages := func(d Depth) int {
		if d.Messages {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.Step, b.Step), a.At.Compare(b.At), cmp.Compare(a.Queue, b.Queue), cmp.Compare(messages(a), messages(b)))
}

// fold makes one of neighbours that are equal.
func fold[T any](list []T, compare func(a, b T) int, merge func(into, from *T)) []T {
	folded := list[:0]
	for i := range list {
		if n := len(folded); n > 0 && compare(folded[n-1], list[i]) == 0 {
			merge(&folded[n-1], &list[i])
			continue
		}
		folded = append(folded, list[i])
	}
	return folded
}

// SeriesQuery selects slots of one step.
type SeriesQuery struct {
	Step  time.Duration // one of [SeriesSteps]
	From  time.Time     // slots that begin at this time or later; zero: all
	To    time.Time     // and before this time; zero: all
	Queue string        // empty: every queue
	Task  string        // of samples; empty: every task
}

// Selects reports whether a slot's time is in the query.
func (q *SeriesQuery) Selects(at time.Time) bool {
	return !at.Before(q.From) && (q.To.IsZero() || at.Before(q.To))
}

// MaxSeriesReply is how many samples and depths a reply has at most.
const MaxSeriesReply = 20_000

// SeriesReply is what was recorded of the slots of a query. Those in which nothing happened have no sample. Nothing in it
// is of one moment: slots may be added to while they are read.
type SeriesReply struct {
	From    time.Time // not zero: there were too many, and only slots that begin at this time or later are here
	Samples []Sample  // sorted by At, Queue and Task
	Depths  []Depth   // sorted by At, Queue and Messages
}

// Tidy sorts a reply, and cuts it down to the newest slots where it has more than [MaxSeriesReply] samples and depths. The
// oldest slot in it may be there in part if there are more.
func (r *SeriesReply) Tidy() {
	slices.SortFunc(r.Samples, compareSamples)
	slices.SortFunc(r.Depths, compareDepths)
	total := len(r.Samples) + len(r.Depths)
	if total <= MaxSeriesReply {
		return
	}
	times := make([]time.Time, 0, total)
	for i := range r.Samples {
		times = append(times, r.Samples[i].At)
	}
	for i := range r.Depths {
		times = append(times, r.Depths[i].At)
	}
	slices.SortFunc(times, time.Time.Compare)
	// The slot of the newest that there is no place for is left out whole, unless it is the only one.
	first, _ := slices.BinarySearchFunc(times, times[total-MaxSeriesReply-1], func(t, last time.Time) int {
		if t.After(last) {
			return 1
		}
		return -1
	})
	if first == total {
		first = total - 1
	}
	r.From = times[first]
	older := func(at time.Time) bool { return at.Before(r.From) }
	r.Samples = slices.DeleteFunc(r.Samples, func(s Sample) bool { return older(s.At) })
	r.Depths = slices.DeleteFunc(r.Depths, func(d Depth) bool { return older(d.At) })
	r.Samples = r.Samples[:min(len(r.Samples), MaxSeriesReply)]
	r.Depths = r.Depths[:min(len(r.Depths), MaxSeriesReply-len(r.Samples))]
}
