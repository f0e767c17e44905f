package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand"
)

var (
	fine, middle, coarse = errand.SeriesSteps()[0], errand.SeriesSteps()[1], errand.SeriesSteps()[2]
)

// sampled makes a sample of the slot that at is in, of attempts of that length.
func sampled(step errand.SeriesStep, at time.Time, queue, task string, runs ...time.Duration) errand.Sample {
	s := errand.Sample{Step: step.Step, At: step.Slot(at), Queue: queue, Task: task, Finished: int64(len(runs))}
	for _, run := range runs {
		s.Run.Add(run)
		s.Wait.Add(run / 2)
	}
	return s
}

func depthOf(step errand.SeriesStep, at time.Time, queue string, queued int64) errand.Depth {
	d := errand.Depth{
		Step: step.Step, At: step.Slot(at), Queue: queue, Counts: map[errand.State]int64{errand.StateFailed: 2},
		Enqueued: 1 << 40, Finished: 3, Failed: 4, Oldest: 90 * time.Second,
	}
	if queued > 0 {
		d.Counts[errand.StateQueued] = queued
	}
	return d
}

// record reports samples as a writer's next.
func (k *kit) record(writer string, samples []errand.Sample, depths ...errand.Depth) errand.SeriesReport {
	k.Helper()
	k.numbers[writer]++
	report := errand.SeriesReport{Now: k.now, Writer: writer, Number: k.numbers[writer], Samples: samples, Depths: depths}
	k.ok(k.st.RecordSeries(k.ctx, report))
	return report
}

// series fails unless these are the samples and depths that the query finds.
func (k *kit) series(query errand.SeriesQuery, samples []errand.Sample, depths []errand.Depth) {
	k.Helper()
	reply, err := k.st.Series(k.ctx, query)
	k.ok(err)
	if !reply.From.IsZero() {
		k.Errorf("the reply is cut: from %v", reply.From)
	}
	k.sameList("samples", len(reply.Samples), len(samples), func(i int) (got, want any) { return reply.Samples[i], samples[i] })
	k.sameList("depths", len(reply.Depths), len(depths), func(i int) (got, want any) { return reply.Depths[i], depths[i] })
}

func (k *kit) sameList(what string, got, want int, at func(int) (got, want any)) {
	k.Helper()
	if got != want {
		k.Fatalf("%d %s, want %d", got, what, want)
	}
	for i := range got {
		if g, w := at(i); !reflect.DeepEqual(g, w) {
			k.Fatalf("%s, number %d:%s", what, i, difference(g, w))
		}
	}
}

var seriesCases = []testCase{
	{name: "samples of the same slot, queue and task add up, others stay apart", run: func(k *kit) {
		a := sampled(fine, k.now, "q", "t", time.Millisecond, 3*time.Second)
		a.Failed, a.Retried = 1<<40, 7
		b := sampled(fine, k.now, "q", "t", 2*time.Hour, 0, 1500*time.Microsecond)
		k.record("w1", []errand.Sample{a})
		k.record("w2", []errand.Sample{b})
		sum := a
		sum.Merge(&b)
		k.series(errand.SeriesQuery{Step: fine.Step}, []errand.Sample{sum}, nil)
		others := []errand.Sample{
			sampled(fine, k.now, "", "", time.Second),
			sampled(fine, k.now, "p", "t", time.Second),
			sampled(fine, k.now, "q", "", time.Second),
			sampled(fine, k.now, "q", "T", time.Second),
			sampled(fine, k.now.Add(fine.Step), "q", "t", time.Second),
		}
		k.record("w1", append(slices.Clip(others), sampled(middle, k.now, "q", "t", time.Second)))
		k.series(errand.SeriesQuery{Step: fine.Step},
			[]errand.Sample{others[0], others[1], others[2], others[3], sum, others[4]}, nil)
		k.series(errand.SeriesQuery{Step: middle.Step}, []errand.Sample{sampled(middle, k.now, "q", "t", time.Second)}, nil)
		k.series(errand.SeriesQuery{Step: coarse.Step}, nil, nil)
	}},
	{name: "a report that is repeated is not added again", run: func(k *kit) {
		a := sampled(fine, k.now, "q", "t", time.Second)
		report := k.record("w1", []errand.Sample{a}, depthOf(fine, k.now, "q", 5))
		k.pass(time.Second)
		k.ok(k.st.RecordSeries(k.ctx, report))
		k.series(errand.SeriesQuery{Step: fine.Step}, []errand.Sample{a}, []errand.Depth{depthOf(fine, k.now, "q", 5)})
		k.record("w1", []errand.Sample{a}, depthOf(fine, k.now, "q", 6))
		k.ok(k.st.RecordSeries(k.ctx, report)) // late: neither is the depth of then
		twice := a
		twice.Merge(&a)
		k.series(errand.SeriesQuery{Step: fine.Step}, []errand.Sample{twice}, []errand.Depth{depthOf(fine, k.now, "q", 6)})
		k.record("w2", []errand.Sample{a}) // its numbers are its own
		twice.Merge(&a)
		k.ok(k.st.RecordSeries(k.ctx, errand.SeriesReport{Now: k.now, Samples: []errand.Sample{a}}))
		k.ok(k.st.RecordSeries(k.ctx, errand.SeriesReport{Now: k.now, Samples: []errand.Sample{a}})) // from nobody
		twice.Merge(&a)
		twice.Merge(&a)
		k.series(errand.SeriesQuery{Step: fine.Step, Task: "t"}, []errand.Sample{twice}, []errand.Depth{depthOf(fine, k.now, "q", 6)})
	}},
	{name: "the numbers of those who write series, enqueue and put are apart", run: func(k *kit) {
		k.record("p", []errand.Sample{sampled(fine, k.now, "q", "t", time.Second)})
		errs, err := k.st.Enqueue(k.ctx, errand.EnqueueRequest{Now: k.now, Producer: "p", Number: 1, Groups: [][]errand.JobSpec{{spec()}}})
		k.ok(err)
		k.ok(errs[0])
		k.ok(k.st.Put(k.ctx, errand.PutRequest{Now: k.now, Queue: "m", Producer: "p", Number: 1, Messages: [][]byte{{1}}}))
		k.record("p", []errand.Sample{sampled(fine, k.now, "q", "u", time.Second)})
		if jobs := k.list(errand.JobFilter{}); len(jobs) != 1 {
			k.Errorf("%d jobs, want 1", len(jobs))
		}
		k.wantMessages("m", []byte{1})
		k.series(errand.SeriesQuery{Step: fine.Step}, []errand.Sample{
			sampled(fine, k.now, "q", "t", time.Second), sampled(fine, k.now, "q", "u", time.Second),
		}, nil)
	}},
	{name: "the last depth of a slot and queue stays", run: func(k *kit) {
		k.record("w1", nil, depthOf(fine, k.now, "q", 5), depthOf(coarse, k.now, "q", 1))
		messages := errand.Depth{
			Step: fine.Step, At: k.now, Queue: "q", Messages: true, Counts: map[errand.State]int64{errand.StateQueued: 9}, Enqueued: 10, Finished: 1,
		}
		k.record("w2", nil, depthOf(fine, k.now, "q", 6), depthOf(fine, k.now.Add(fine.Step), "q", 7), messages)
		empty := depthOf(fine, k.now, "p", 0)
		zero := depthOf(fine, k.now, "p", 0)
		zero.Counts[errand.StateQueued] = 0
		k.record("w3", nil, zero)
		k.series(errand.SeriesQuery{Step: fine.Step}, nil, []errand.Depth{
			empty, depthOf(fine, k.now, "q", 6), messages, depthOf(fine, k.now.Add(fine.Step), "q", 7),
		})
		k.series(errand.SeriesQuery{Step: coarse.Step}, nil, []errand.Depth{depthOf(coarse, k.now, "q", 1)})
	}},
	{name: "a query selects by time, queue and task", run: querySeries},
	{name: "a report that cannot be is refused whole", run: func(k *kit) {
		good := sampled(fine, k.now, "q", "t", time.Second)
		for name, bad := range map[string]errand.Sample{
			"step":     {Step: time.Second, At: k.now, Queue: "q", Task: "t"},
			"slot":     {Step: fine.Step, At: k.now.Add(time.Second), Queue: "q", Task: "t"},
			"queue":    {Step: fine.Step, At: k.now, Queue: "a queue", Task: "t"},
			"no queue": {Step: fine.Step, At: k.now, Task: "t"},
			"task":     {Step: fine.Step, At: k.now, Queue: "q", Task: "\x00"},
			"negative": {Step: fine.Step, At: k.now, Queue: "q", Task: "t", Finished: -1},
		} {
			err := k.st.RecordSeries(k.ctx, errand.SeriesReport{
				Now: k.now, Writer: "w1", Number: 1, Samples: []errand.Sample{good, bad},
			})
			if err == nil {
				k.Errorf("%s: no error", name)
			}
			k.wantError(err, errand.ErrInvalid)
		}
		k.wantError(k.st.RecordSeries(k.ctx, errand.SeriesReport{
			Now: k.now, Writer: "w1", Number: 1, Samples: make([]errand.Sample, errand.MaxSeriesReport+1),
		}), errand.ErrInvalid)
		k.wantError(k.st.RecordSeries(k.ctx, errand.SeriesReport{
			Now: k.now, Writer: "w1", Number: 1, Depths: []errand.Depth{{Step: fine.Step, At: k.now}},
		}), errand.ErrInvalid)
		_, err := k.st.Series(k.ctx, errand.SeriesQuery{Step: time.Second})
		k.wantError(err, errand.ErrInvalid)
		k.series(errand.SeriesQuery{Step: fine.Step}, nil, nil)
		k.record("w1", []errand.Sample{good}) // number 1 was not used up
		k.series(errand.SeriesQuery{Step: fine.Step}, []errand.Sample{good}, nil)
	}},
	{name: "what is not kept at the time of the report is not recorded", run: func(k *kit) {
		old := sampled(fine, k.now.Add(-fine.Keep), "q", "t", time.Second)
		kept := sampled(fine, k.now.Add(fine.Step-fine.Keep), "q", "t", time.Second)
		far := sampled(fine, k.now.Add(10*time.Minute), "q", "t", time.Second)
		k.record("w1", []errand.Sample{old, kept, far}, depthOf(fine, old.At, "q", 1), depthOf(fine, kept.At, "q", 1), depthOf(fine, far.At, "q", 1))
		k.series(errand.SeriesQuery{Step: fine.Step}, []errand.Sample{kept}, []errand.Depth{depthOf(fine, kept.At, "q", 1)})
	}},
	{name: "slots are deleted when their step's time is over", run: func(k *kit) {
		began := k.now
		for _, step := range errand.SeriesSteps() {
			k.record("w1", []errand.Sample{sampled(step, began, "q", "t", time.Second)}, depthOf(step, began, "q", 1))
		}
		for i, step := range errand.SeriesSteps() {
			k.now = began.Add(step.Keep - time.Microsecond)
			k.maintain()
			k.series(errand.SeriesQuery{Step: step.Step}, []errand.Sample{sampled(step, began, "q", "t", time.Second)},
				[]errand.Depth{depthOf(step, began, "q", 1)})
			k.now = began.Add(step.Keep)
			k.maintain()
			for j, other := range errand.SeriesSteps() {
				var samples []errand.Sample
				var depths []errand.Depth
				if j > i {
					samples = []errand.Sample{sampled(other, began, "q", "t", time.Second)}
					depths = []errand.Depth{depthOf(other, began, "q", 1)}
				}
				k.series(errand.SeriesQuery{Step: other.Step}, samples, depths)
			}
		}
	}},
	{name: "many slots are deleted in bounded batches", run: func(k *kit) {
		for i := range 90 {
			at := k.now.Add(time.Duration(i) * fine.Step)
			k.ok(k.st.RecordSeries(k.ctx, errand.SeriesReport{Now: at, Samples: []errand.Sample{
				sampled(fine, at, "q", "t", time.Second), sampled(fine, at, "q", "u", time.Second),
			}}))
		}
		k.pass(24 * time.Hour)
		reply, err := k.st.Maintain(k.ctx, errand.MaintainRequest{Now: k.now, Limit: 10})
		k.ok(err)
		left, err := k.st.Series(k.ctx, errand.SeriesQuery{Step: fine.Step})
		k.ok(err)
		if !reply.More || len(left.Samples) == 0 || len(left.Samples) == 180 {
			k.Errorf("maintain with a limit of 10: %+v, and %d of 180 samples are left", reply, len(left.Samples))
		}
		k.maintain()
		k.series(errand.SeriesQuery{Step: fine.Step}, nil, nil)
	}},
	{name: "a silent writer's number is forgotten after a day", run: func(k *kit) {
		k.ok(k.st.RecordSeries(k.ctx, errand.SeriesReport{Now: k.now, Writer: "w1", Number: 7}))
		k.pass(26 * time.Hour)
		k.maintain()
		sample := sampled(fine, k.now, "q", "t", time.Second)
		k.record("w1", []errand.Sample{sample}) // number 1
		k.series(errand.SeriesQuery{Step: fine.Step}, []errand.Sample{sample}, nil)
	}},
	{name: "writers at once lose nothing of each other's", run: writersAtOnce},
	{
		name:  "series and audit are there after the store was closed and opened again",
		needs: func(h Harness) bool { return h.Reopen != nil },
		run: func(k *kit) {
			sample, depth, entry := sampled(fine, k.now, "q", "t", time.Second), depthOf(fine, k.now, "q", 4), auditEntry(k.now)
			report := k.record("w1", []errand.Sample{sample}, depth)
			k.ok(k.st.RecordAudit(k.ctx, entry))
			k.st = k.h.Reopen(k.t, k.st)
			k.ok(k.st.RecordSeries(k.ctx, report))
			k.series(errand.SeriesQuery{Step: fine.Step}, []errand.Sample{sample}, []errand.Depth{depth})
			k.audit(errand.AuditFilter{}, entry)
		},
	},
}

func querySeries(k *kit) {
	var samples []errand.Sample
	var depths []errand.Depth
	for i := range 4 {
		for _, queue := range []string{"a", "b"} {
			at := k.now.Add(time.Duration(i-3) * fine.Step)
			samples = append(samples, sampled(fine, at, queue, "t", time.Duration(i)*time.Second), sampled(fine, at, queue, "u", time.Minute))
			depths = append(depths, depthOf(fine, at, queue, int64(i)))
		}
	}
	k.record("w1", samples, depths...)
	pick := func(query errand.SeriesQuery) (s []errand.Sample, d []errand.Depth) {
		for _, sample := range samples {
			if query.Selects(sample.At) && (query.Queue == "" || query.Queue == sample.Queue) && (query.Task == "" || query.Task == sample.Task) {
				s = append(s, sample)
			}
		}
		for _, depth := range depths {
			if query.Selects(depth.At) && (query.Queue == "" || query.Queue == depth.Queue) {
				d = append(d, depth)
			}
		}
		return s, d
	}
	for _, query := range []errand.SeriesQuery{
		{}, {From: k.now.Add(-20 * time.Second)}, {To: k.now}, {From: k.now.Add(-25 * time.Second), To: k.now.Add(-time.Second)},
		{Queue: "a"}, {Task: "u"}, {Queue: "b", Task: "t", From: k.now}, {Queue: "none"}, {From: k.now, To: k.now},
	} {
		query.Step = fine.Step
		wantS, wantD := pick(query)
		k.series(query, wantS, wantD)
	}
}

// writersAtOnce has writers report on the same queues and tasks, in different orders, each report twice at once.
func writersAtOnce(k *kit) {
	const writers, rounds = 6, 10
	tasks := []string{"a", "b", "c", "d"}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for round := range rounds {
				report := errand.SeriesReport{Now: k.now, Writer: fmt.Sprint("w", w), Number: int64(round + 1)}
				for i := range tasks {
					task := tasks[(i+w+round)%len(tasks)]
					report.Samples = append(report.Samples, sampled(fine, k.now, "q", task, time.Second), sampled(coarse, k.now, "q", task, time.Second))
				}
				report.Depths = []errand.Depth{depthOf(fine, k.now, "q", int64(round))}
				var twice sync.WaitGroup
				for range 2 {
					twice.Go(func() {
						if err := k.st.RecordSeries(k.ctx, report); err != nil {
							k.Errorf("writer %d, round %d: %v", w, round, err)
						}
					})
				}
				twice.Wait()
			}
		})
	}
	wg.Wait()
	for _, step := range []errand.SeriesStep{fine, coarse} {
		reply, err := k.st.Series(k.ctx, errand.SeriesQuery{Step: step.Step})
		k.ok(err)
		if len(reply.Samples) != len(tasks) {
			k.Fatalf("%d samples, want %d", len(reply.Samples), len(tasks))
		}
		for i := range reply.Samples {
			s := &reply.Samples[i]
			const n = writers * rounds
			if s.Finished != n || s.Run.Count() != n || s.Run.Sum != n*time.Second || s.Wait.Sum != n*time.Second/2 {
				k.Errorf("task %s: %d finished, %d runs of %v, want %d", s.Task, s.Finished, s.Run.Count(), s.Run.Sum, n)
			}
		}
	}
}
