package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// The fields of a slot's hash begin with what they are; no name has a slash.
const (
	sampleField   = "s"
	depthField    = "d"
	messagesField = "m"
)

func (s *Store) seriesKey() string { return "{" + s.prefix + "}:series" }

// slotsKey is that of the times of a step's slots; those of the slots begin with it.
func (s *Store) slotsKey(step time.Duration) string {
	return s.seriesKey() + ":" + strconv.Itoa(int(step/time.Second))
}

// RecordSeries implements [errand.Telemetry].
func (s *Store) RecordSeries(ctx context.Context, report errand.SeriesReport) error {
	c, err := s.begin(ctx, report.Now, "record series")
	if err != nil {
		return err
	}
	defer c.done()
	if report, err = report.Tidy(); err != nil {
		return s.fail(c, err)
	}
	args := []string{report.Writer, strconv.FormatInt(report.Number, 10)}
	add := func(step time.Duration, at time.Time, field, value string) {
		args = append(args, strconv.Itoa(int(step/time.Second)), itoa(micros(at)), field, value)
	}
	for i := range report.Samples {
		sample := &report.Samples[i]
		add(sample.Step, sample.At, sampleField+"/"+sample.Queue+"/"+sample.Task, encodeNumbers(sample.Numbers()))
	}
	for i := range report.Depths {
		d := &report.Depths[i]
		value, err := json.Marshal(depthValue{d.Counts, d.Enqueued, d.Finished, d.Failed, d.Oldest})
		if err != nil {
			return s.fail(c, fmt.Errorf("%w: %w", errand.ErrInvalid, err))
		}
		kind := depthField
		if d.Messages {
			kind = messagesField
		}
		add(d.Step, d.At, kind+"/"+d.Queue+"/", string(value))
	}
	return s.fail(c, s.runAll(c.ctx, s.invokeKey(c, seriesScript, s.seriesKey(), args...))[0].Error())
}

// depthValue is what a slot keeps of a depth.
type depthValue struct {
	Counts   map[errand.State]int64 `json:"counts"`
	Enqueued int64                  `json:"enqueued,omitempty"`
	Finished int64                  `json:"finished,omitempty"`
	Failed   int64                  `json:"failed,omitempty"`
	Oldest   time.Duration          `json:"oldest,omitempty"`
}

// encodeNumbers writes those numbers of a sample that are not zero, each after its place, as the script adds them up.
func encodeNumbers(numbers [errand.SampleNumbers]int64) string {
	var text strings.Builder
	for place, n := range numbers {
		if n > 0 {
			fmt.Fprintf(&text, "%d=%d ", place, n)
		}
	}
	return strings.TrimSuffix(text.String(), " ")
}

// decodeNumbers is the reverse of encodeNumbers. It passes over what it does not know.
func decodeNumbers(text string) (numbers [errand.SampleNumbers]int64) {
	for pair := range strings.SplitSeq(text, " ") {
		left, right, _ := strings.Cut(pair, "=")
		place, err := strconv.Atoi(left)
		n, bad := strconv.ParseInt(right, 10, 64)
		if err == nil && bad == nil && place >= 0 && place < len(numbers) {
			numbers[place] = n
		}
	}
	return numbers
}

// seriesPipeline is how many slots are asked for at once.
const seriesPipeline = 100

// Series implements [errand.Telemetry]. A value that cannot be read is left out.
func (s *Store) Series(ctx context.Context, query errand.SeriesQuery) (errand.SeriesReply, error) {
	c, err := s.begin(ctx, time.Time{}, "series")
	if err != nil {
		return errand.SeriesReply{}, err
	}
	defer c.done()
	var reply errand.SeriesReply
	if _, err := errand.SeriesStepOf(query.Step); err != nil {
		return reply, s.fail(c, err)
	}
	slots := s.slotsKey(query.Step)
	times, err := s.client.Do(c.ctx, s.client.B().Zrange().Key(slots).Min("0").Max("-1").Build()).AsStrSlice()
	if err != nil {
		return reply, s.fail(c, err)
	}
	times = slices.DeleteFunc(times, func(at string) bool {
		n, err := strconv.ParseInt(at, 10, 64)
		return err != nil || !query.Selects(time.UnixMicro(n))
	})
	slices.Reverse(times) // the newest first
	for part := range slices.Chunk(times, seriesPipeline) {
		if len(reply.Samples)+len(reply.Depths) > errand.MaxSeriesReply {
			break
		}
		cmds := make(rueidis.Commands, len(part))
		for i, at := range part {
			cmds[i] = s.client.B().Hgetall().Key(slots + ":" + at).Build()
		}
		for i, result := range s.client.DoMulti(c.ctx, cmds...) {
			values, err := result.AsStrMap()
			if err != nil {
				return errand.SeriesReply{}, s.fail(c, err)
			}
			n, _ := strconv.ParseInt(part[i], 10, 64) // it was read before
			readSlot(&query, time.UnixMicro(n).UTC(), values, &reply)
		}
	}
	reply.Tidy()
	return reply, nil
}

// readSlot adds what the query selects of a slot to a reply.
func readSlot(query *errand.SeriesQuery, at time.Time, values map[string]string, reply *errand.SeriesReply) {
	for field, value := range values {
		names := strings.Split(field, "/")
		if len(names) != 3 || query.Queue != "" && query.Queue != names[1] {
			continue
		}
		if names[0] == sampleField {
			if query.Task == "" || query.Task == names[2] {
				sample := errand.Sample{Step: query.Step, At: at, Queue: names[1], Task: names[2]}
				sample.SetNumbers(decodeNumbers(value))
				reply.Samples = append(reply.Samples, sample)
			}
			continue
		}
		var d depthValue
		if json.Unmarshal([]byte(value), &d) == nil {
			reply.Depths = append(reply.Depths, errand.Depth{
				Step: query.Step, At: at, Queue: names[1], Messages: names[0] == messagesField,
				Counts: d.Counts, Enqueued: d.Enqueued, Finished: d.Finished, Failed: d.Failed, Oldest: d.Oldest,
			})
		}
	}
}

// purgeSeries deletes slots that are no longer kept.
func (k *keeper) purgeSeries() error {
	now := time.UnixMicro(k.c.now)
	limit := min(k.limit, chunk)
	args := []string{itoa(silentSince(now)), itoa(limit)}
	for _, step := range errand.SeriesSteps() {
		args = append(args, strconv.Itoa(int(step.Step/time.Second)), itoa(micros(step.Past(now))))
	}
	n, err := k.runAll(k.c.ctx, k.invokeKey(k.c, slotsScript, k.seriesKey(), args...))[0].AsInt64()
	k.reply.More = k.reply.More || int(n) == limit
	return err
}
