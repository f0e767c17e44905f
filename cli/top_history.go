package cli

import (
	"time"

	"github.com/errandhq/errand"
)

// maxPoints is how many looks a history remembers.
const maxPoints = 600

// history is how the figures of a queue, or of all together, went from look to look.
type history struct {
	at               time.Time
	finished, failed int64 // since the store was made, at the last look
	done, bad, depth []float64
}

// add takes the totals of a look. Rates are per second since the look before; the first look has none.
func (h *history) add(at time.Time, finished, failed, depth int64) {
	if passed := at.Sub(h.at).Seconds(); !h.at.IsZero() && passed > 0 {
		h.done = push(h.done, float64(max(0, finished-h.finished))/passed)
		h.bad = push(h.bad, float64(max(0, failed-h.failed))/passed)
		h.depth = push(h.depth, float64(depth))
	}
	h.at, h.finished, h.failed = at, finished, failed
}

func push(values []float64, v float64) []float64 {
	if len(values) >= maxPoints {
		values = append(values[:0], values[len(values)-maxPoints+1:]...)
	}
	return append(values, v)
}

// now is the last value; 0 where there is none.
func now(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return values[len(values)-1]
}

// histories are those of each queue, and of all of them under the empty name.
type histories map[string]*history

func (h histories) of(queue string) *history {
	if h[queue] == nil {
		h[queue] = &history{}
	}
	return h[queue]
}

// depth counts the jobs of a queue that are still to be done.
func depth(q errand.QueueInfo) int64 {
	return q.Counts[errand.StateQueued] + q.Counts[errand.StateScheduled] + q.Counts[errand.StateDeferred] + q.Counts[errand.StateStarted]
}

// add takes a look at the queues.
func (h histories) add(at time.Time, queues []errand.QueueInfo) {
	var finished, failed, waiting int64
	for _, q := range queues {
		h.of(q.Name).add(at, q.Finished.Total, q.Failed.Total, depth(q))
		finished, failed, waiting = finished+q.Finished.Total, failed+q.Failed.Total, waiting+depth(q)
	}
	h.of("").add(at, finished, failed, waiting)
}

// recall fills histories with what workers have recorded, one value for each interval until the last whole slot before
// now, so that charts need not begin empty.
func (h histories) recall(series *errand.SeriesReply, now time.Time, interval time.Duration) {
	type slot struct {
		queue string
		at    time.Time
	}
	finished, failed, depths := map[slot]int64{}, map[slot]int64{}, map[slot]int64{}
	queues := map[string]bool{"": true}
	for i := range series.Samples {
		s := &series.Samples[i]
		queues[s.Queue] = true
		for _, queue := range []string{s.Queue, ""} {
			finished[slot{queue, s.At}] += s.Finished
			failed[slot{queue, s.At}] += s.Failed
		}
	}
	for i := range series.Depths {
		if d := &series.Depths[i]; !d.Messages {
			queues[d.Queue] = true
			waiting := depth(errand.QueueInfo{Counts: d.Counts})
			depths[slot{d.Queue, d.At}] += waiting
			depths[slot{"", d.At}] += waiting
		}
	}
	last := now.Truncate(errand.FineStep)
	for queue := range queues {
		of, known := h.of(queue), 0.0
		for at := last.Add(-maxPoints * interval); at.Before(last); at = at.Add(interval) {
			s := slot{queue, at.Truncate(errand.FineStep)}
			if d, ok := depths[s]; ok {
				known = float64(d)
			}
			of.done = push(of.done, float64(finished[s])/errand.FineStep.Seconds())
			of.bad = push(of.bad, float64(failed[s])/errand.FineStep.Seconds())
			of.depth = push(of.depth, known)
		}
	}
}
