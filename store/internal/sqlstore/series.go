package sqlstore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/errandhq/errand"
)

// Time series.
const (
	sampleOf     = `SELECT data FROM errand_series WHERE step = ? AND at = ? AND kind = 0 AND queue = ? AND task = ?{lock}`
	insertSeries = `INSERT INTO errand_series (step, at, kind, queue, task, data) VALUES (?, ?, ?, ?, ?, ?)`
	insertSample = insertSeries + `
ON CONFLICT (step, at, kind, queue, task) DO NOTHING`
	updateSample = `UPDATE errand_series SET data = ? WHERE step = ? AND at = ? AND kind = 0 AND queue = ? AND task = ?`
	setDepth     = insertSeries + `
ON CONFLICT (step, at, kind, queue, task) DO UPDATE SET data = excluded.data`
	selectSeries = `SELECT at, kind, queue, task, data FROM errand_series WHERE step = ? AND at >= ? AND at < ?
AND (? = '' OR queue = ?) AND (kind <> 0 OR ? = '' OR task = ?) ORDER BY at DESC LIMIT ?`
	oldestSlot = `SELECT MIN(at) FROM errand_series WHERE step = ? AND at <= ?`
	// overdue says in one look whether anything of time series or audit may be past its time: the oldest slot of each step and
	// the oldest entry, where they are, and at least how many entries there are.
	overdue = `SELECT 1, MIN(at) FROM errand_series WHERE step = ? AND at <= ?
UNION ALL SELECT 1, MIN(at) FROM errand_series WHERE step = ? AND at <= ?
UNION ALL SELECT 1, MIN(at) FROM errand_series WHERE step = ? AND at <= ?
UNION ALL SELECT 2, MIN(at) FROM errand_audit WHERE at < ?
UNION ALL SELECT 3, (SELECT MAX(seq) FROM errand_audit) - (SELECT MIN(seq) FROM errand_audit) + 1`
	deleteSlot = `DELETE FROM errand_series WHERE step = ? AND at = ?`
)

// The kinds of a row of errand_series.
const (
	kindSample int64 = iota
	kindDepth
	kindMessages
)

// seriesWriters stands in the column of queues for those who write time series: no queue has such a name.
const seriesWriters = " series"

// RecordSeries is errand.Telemetry's.
func (s *Session) RecordSeries(report errand.SeriesReport) error {
	report, err := report.Tidy()
	if err == nil {
		err = s.recordSeries(&report)
	}
	if err != nil {
		return fmt.Errorf("record series: %w", err)
	}
	return nil
}

func (s *Session) recordSeries(report *errand.SeriesReport) error {
	s.now = micro(report.Now)
	if report.Writer != "" && len(report.Samples) > 0 { // depths are not added to others
		if again, err := s.numbered(seriesWriters, report.Writer, report.Number, s.now); err != nil || again {
			return err
		}
	}
	for i := range report.Samples {
		if err := s.addSample(&report.Samples[i]); err != nil {
			return err
		}
	}
	for i := range report.Depths {
		d := report.Depths[i]
		data, err := json.Marshal(depthData{d.Counts, d.Enqueued, d.Finished, d.Failed, d.Oldest})
		if err != nil {
			return err
		}
		kind := kindDepth
		if d.Messages {
			kind = kindMessages
		}
		if err := s.later(setDepth, seconds(d.Step), micros(d.At), kind, d.Queue, "", data); err != nil {
			return err
		}
	}
	return nil
}

// depthData is what the data column keeps of a depth.
type depthData struct {
	Counts   map[errand.State]int64 `json:"counts"`
	Enqueued int64                  `json:"enqueued,omitempty"`
	Finished int64                  `json:"finished,omitempty"`
	Failed   int64                  `json:"failed,omitempty"`
	Oldest   time.Duration          `json:"oldest,omitempty"`
}

// addSample adds to a row, or makes it. Reports are sorted, so that two transactions seldom wait for each other crosswise;
// where they do, one is done again.
func (s *Session) addSample(sample *errand.Sample) error {
	key := []any{seconds(sample.Step), micros(sample.At), sample.Queue, sample.Task}
	for range 3 {
		sum := sample.Numbers()
		known, err := one(s.tx, sampleOf, func(row Row) error {
			addNumbers(&sum, row.Blob(0))
			return nil
		}, key...)
		if err != nil {
			return err
		}
		if known {
			_, err = s.tx.Exec(updateSample, append([]any{encodeNumbers(sum)}, key...)...)
			return err
		}
		n, err := s.tx.Exec(insertSample, key[0], key[1], kindSample, key[2], key[3], encodeNumbers(sum))
		if err != nil || n > 0 {
			return err
		} // else another transaction was faster to insert it
	}
	return fmt.Errorf("%w: a sample of queue %q and task %q comes and goes", errand.ErrUnavailable, sample.Queue, sample.Task)
}

// encodeNumbers writes those numbers of a sample that are not zero, each after its place.
func encodeNumbers(numbers [errand.SampleNumbers]int64) []byte {
	data := make([]byte, 0, 64)
	for i, n := range numbers {
		if n > 0 {
			data = binary.AppendUvarint(data, uint64(i)) //nolint:gosec // not negative
			data = binary.AppendUvarint(data, uint64(n))
		}
	}
	return data
}

// addNumbers adds what encodeNumbers has written. It stops at what is none, and passes over places that it does not know.
func addNumbers(sum *[errand.SampleNumbers]int64, data []byte) {
	for len(data) > 0 {
		place, a := binary.Uvarint(data)
		n, b := binary.Uvarint(data[max(a, 0):])
		if a <= 0 || b <= 0 || n > math.MaxInt64 {
			return
		}
		data = data[a+b:]
		if place < uint64(len(sum)) {
			sum[place] += int64(n)
		}
	}
}

func seconds(step time.Duration) int64 { return int64(step / time.Second) }

// Series is errand.Telemetry's. A row that cannot be read is left out.
func (s *Session) Series(query errand.SeriesQuery) (errand.SeriesReply, error) {
	var reply errand.SeriesReply
	_, err := errand.SeriesStepOf(query.Step)
	if err == nil {
		err = s.series(&query, &reply)
	}
	if err != nil {
		return errand.SeriesReply{}, fmt.Errorf("series: %w", err)
	}
	reply.Tidy()
	return reply, nil
}

func (s *Session) series(query *errand.SeriesQuery, reply *errand.SeriesReply) error {
	from, to := int64(0), int64(math.MaxInt64)
	if !query.From.IsZero() {
		from = query.From.Add(time.Microsecond - 1).UnixMicro() // not before it
	}
	if !query.To.IsZero() {
		to = query.To.Add(time.Microsecond - 1).UnixMicro()
	}
	return s.tx.Query(selectSeries, func(row Row) error {
		at, kind, queue := timeOf(row.Int(0)), row.Int(1), row.Text(2)
		if kind == kindSample {
			sample := errand.Sample{Step: query.Step, At: at, Queue: queue, Task: row.Text(3)}
			var numbers [errand.SampleNumbers]int64
			addNumbers(&numbers, row.Blob(4))
			sample.SetNumbers(numbers)
			reply.Samples = append(reply.Samples, sample)
			return nil
		}
		var d depthData
		if json.Unmarshal(row.Blob(4), &d) == nil {
			reply.Depths = append(reply.Depths, errand.Depth{
				Step: query.Step, At: at, Queue: queue, Messages: kind == kindMessages,
				Counts: d.Counts, Enqueued: d.Enqueued, Finished: d.Finished, Failed: d.Failed, Oldest: d.Oldest,
			})
		}
		return nil
	}, seconds(query.Step), from, to, query.Queue, query.Queue, query.Task, query.Task, int64(errand.MaxSeriesReply+1))
}

// purgeTelemetry deletes what is past its time of time series and audit, and reports whether there may be more.
func (s *Session) purgeTelemetry(limit int) (more bool, err error) {
	var args []any
	for _, step := range errand.SeriesSteps() {
		args = append(args, seconds(step.Step), micros(step.Past(s.now)))
	}
	args = append(args, micros(s.now.Add(-errand.KeepAudit)))
	var slots, entries bool
	err = s.tx.Query(overdue, func(row Row) error {
		switch n := row.Int(1); row.Int(0) { // n is 0 for NULL
		case 1:
			slots = slots || n != 0
		case 2:
			entries = entries || n != 0
		case 3:
			entries = entries || n > errand.MaxAudit
		}
		return nil
	}, args...)
	if err != nil {
		return false, err
	}
	if slots {
		if more, err = s.purgeSeries(limit); err != nil {
			return false, fmt.Errorf("series: %w", err)
		}
	}
	if entries {
		again, err := s.purgeAudit(limit)
		if err != nil {
			return false, fmt.Errorf("audit: %w", err)
		}
		more = more || again
	}
	return more, nil
}

// purgeSeries deletes slots whose time is over, whole, until it has deleted limit rows, and reports whether there may be
// more.
func (s *Session) purgeSeries(limit int) (more bool, err error) {
	for _, step := range errand.SeriesSteps() {
		for deleted := int64(0); ; {
			var at int64
			_, err := one(s.tx, oldestSlot, func(row Row) error {
				at = row.Int(0) // 0: NULL
				return nil
			}, seconds(step.Step), micros(step.Past(s.now)))
			if err != nil {
				return false, err
			}
			if at == 0 {
				break
			}
			if deleted >= int64(limit) {
				return true, nil
			}
			n, err := s.tx.Exec(deleteSlot, seconds(step.Step), at)
			if err != nil {
				return false, err
			}
			deleted += n
		}
	}
	return false, nil
}
