package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

// slotKey names what is recorded of one slot: a sample of a queue and task, or the depth of a queue or message queue.
type slotKey struct {
	step     time.Duration
	at       time.Time
	queue    string
	task     string
	messages bool
}

// series is what was recorded of how things went.
type series struct {
	samples map[slotKey]errand.Sample
	depths  map[slotKey]errand.Depth
	writers map[string]producer
}

func newSeries() series {
	return series{
		samples: make(map[slotKey]errand.Sample), depths: make(map[slotKey]errand.Depth), writers: make(map[string]producer),
	}
}

// RecordSeries implements [errand.Telemetry].
func (s *Store) RecordSeries(ctx context.Context, report errand.SeriesReport) error {
	report, err := report.Tidy()
	if err != nil {
		return fmt.Errorf("record series: %w", err)
	}
	t, err := s.begin(ctx, "record series", report.Now)
	if err != nil {
		return err
	}
	defer t.end()
	if report.Writer != "" {
		w := t.series.writers[report.Writer]
		if report.Number <= w.last {
			return nil // sent again
		}
		t.series.writers[report.Writer] = producer{last: report.Number, seen: later(w.seen, t.now)}
	}
	for _, sample := range report.Samples {
		key := slotKey{step: sample.Step, at: sample.At, queue: sample.Queue, task: sample.Task}
		if old, ok := t.series.samples[key]; ok {
			sample.Merge(&old)
		}
		t.series.samples[key] = sample
	}
	for _, depth := range report.Depths {
		key := slotKey{step: depth.Step, at: depth.At, queue: depth.Queue, messages: depth.Messages}
		t.series.depths[key] = depth // its counts are Tidy's own
	}
	return nil
}

// Series implements [errand.Telemetry].
func (s *Store) Series(ctx context.Context, query errand.SeriesQuery) (errand.SeriesReply, error) {
	var reply errand.SeriesReply
	if _, err := errand.SeriesStepOf(query.Step); err != nil {
		return reply, fmt.Errorf("series: %w", err)
	}
	t, err := s.begin(ctx, "series", time.Time{})
	if err != nil {
		return reply, err
	}
	defer t.end()
	selects := func(key *slotKey) bool {
		return key.step == query.Step && query.Selects(key.at) && (query.Queue == "" || query.Queue == key.queue)
	}
	for key, sample := range t.series.samples {
		if selects(&key) && (query.Task == "" || query.Task == key.task) {
			reply.Samples = append(reply.Samples, sample)
		}
	}
	for key, depth := range t.series.depths {
		if selects(&key) {
			reply.Depths = append(reply.Depths, cloneDepth(&depth))
		}
	}
	reply.Tidy()
	return reply, nil
}

// purge deletes slots that are no longer kept, at most limit samples and depths, and reports whether there are more.
func (s *series) purge(now time.Time, limit int) (more bool) {
	n := 0
	past := func(key *slotKey) bool {
		step, err := errand.SeriesStepOf(key.step)
		return err != nil || !key.at.After(step.Past(now))
	}
	for key := range s.samples {
		if past(&key) {
			if n++; n > limit {
				return true
			}
			delete(s.samples, key)
		}
	}
	for key := range s.depths {
		if past(&key) {
			if n++; n > limit {
				return true
			}
			delete(s.depths, key)
		}
	}
	return false
}
