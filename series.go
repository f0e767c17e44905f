package errand

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// Recorder gathers how attempts ended, in slots, and reports them to a store's time series. Every [Worker] has one;
// programs that run jobs by other means, as package hotqueue does, make one with [NewRecorder]. Its methods may be called
// from any goroutine.
type Recorder struct {
	store  Telemetry
	writer string

	mu   sync.Mutex
	fine accumulator
	last *Sample // what the last attempt was counted in: mostly the next one is too

	flushing sync.Mutex // guards what follows
	number   int64
	unsent   []SeriesReport // numbered, in order; no new ones are made while there are any
	coarser  []*coarseAccumulator
}

// coarseAccumulator gathers a coarser step and is reported rarely.
type coarseAccumulator struct {
	accumulator
	every time.Duration
	sent  time.Time
}

// How often the coarser steps are reported.
const (
	middleEvery = time.Minute
	coarseEvery = 5 * time.Minute
)

// NewRecorder returns a recorder. The writer's name, as a worker's id, must be its own: the store knows a repeated report by
// it.
func NewRecorder(st Telemetry, writer string) *Recorder {
	fine, middle, coarse := seriesSteps[0], seriesSteps[1], seriesSteps[2]
	return &Recorder{
		store: st, writer: writer, fine: accumulator{step: fine},
		coarser: []*coarseAccumulator{
			{accumulator: accumulator{step: middle}, every: middleEvery},
			{accumulator: accumulator{step: coarse}, every: coarseEvery},
		},
	}
}

// Count counts an attempt that ended at that time: as [EventSucceeded], [EventFailed] or [EventRetried]; other events are not
// counted. Wait is how long the job was ready before the attempt began, run how long the attempt took; each is negative where
// it is not known.
func (r *Recorder) Count(queue, task string, ended time.Time, event Event, wait, run time.Duration) {
	if event != EventSucceeded && event != EventFailed && event != EventRetried {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.last
	if s == nil || s.Task != task || s.Queue != queue || ended.Before(s.At) || ended.Sub(s.At) >= s.Step {
		s = r.fine.sample(r.fine.step.Slot(ended), queue, task)
		r.last = s
		if s.Queue != queue || s.Task != task {
			r.last = nil // it was counted among the rest
		}
	}
	switch event { //nolint:exhaustive // see above
	case EventSucceeded:
		s.Finished++
	case EventFailed:
		s.Failed++
	case EventRetried:
		s.Retried++
	}
	if wait >= 0 {
		s.Wait.Add(wait)
	}
	if run >= 0 {
		s.Run.Add(run)
	}
}

// Flush reports what was counted since the last time: the finest step each time, the coarser ones when a while has passed
// since they were, or when all is set, as a worker does when it ends. Depths are those of queues now; their Step and At are
// filled in. After an error nothing is lost: the next Flush repeats what may not have arrived.
func (r *Recorder) Flush(ctx context.Context, now time.Time, depths []Depth, all bool) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	if err := r.send(ctx, now); err != nil {
		return err
	}
	r.mu.Lock()
	counted := r.fine.take()
	r.last = nil
	r.mu.Unlock()
	for _, s := range counted {
		for _, c := range r.coarser {
			c.sample(c.step.Slot(s.At), s.Queue, s.Task).Merge(s)
		}
	}
	r.prepare(r.fine.step, counted, depths, now)
	for _, c := range r.coarser {
		if c.sent.IsZero() {
			c.sent = now // the first time, it waits as long as ever
		}
		if all || now.Sub(c.sent) >= c.every {
			c.sent = now
			r.prepare(c.step, c.take(), depths, now)
		}
	}
	return r.send(ctx, now)
}

// prepare makes numbered reports of samples of a step, and of depths in its slot of now.
func (r *Recorder) prepare(step SeriesStep, samples []*Sample, depths []Depth, now time.Time) {
	depths = slices.Clone(depths)
	for i := range depths {
		depths[i].Step, depths[i].At = step.Step, step.Slot(now)
	}
	const half = MaxSeriesReport / 2
	for len(samples)+len(depths) > 0 {
		r.number++
		report := SeriesReport{Writer: r.writer, Number: r.number}
		for _, s := range samples[:min(len(samples), half)] {
			report.Samples = append(report.Samples, *s)
		}
		samples = samples[len(report.Samples):]
		report.Depths = depths[:min(len(depths), half)]
		depths = depths[len(report.Depths):]
		r.unsent = append(r.unsent, report)
	}
}

// send sends what waits, until a report fails. One that the store refuses for good is given up.
func (r *Recorder) send(ctx context.Context, now time.Time) error {
	for len(r.unsent) > 0 {
		report := r.unsent[0]
		report.Now = now
		err := r.store.RecordSeries(ctx, report)
		if err != nil && !errors.Is(err, ErrInvalid) {
			return err
		}
		r.unsent = r.unsent[1:]
		if err != nil {
			return err
		}
	}
	r.unsent = nil
	return nil
}

// The bounds of an accumulator. A slot has up to maxPairs pairs of queue and task; further tasks are counted together, by
// queue, and further queues together too. Slots for which a store that is away leaves no place are dropped, oldest first.
const (
	maxPairs   = 200
	maxWaiting = 4 * maxPairs
)

// accumulator adds up samples of one step until they are taken.
type accumulator struct {
	step    SeriesStep
	samples map[sampleKey]*Sample
	newest  time.Time          // slot
	pairs   map[sampleKey]bool // those that the newest slot has, also when they were taken
}

type sampleKey struct {
	at          time.Time
	queue, task string
}

// sample returns the sample to count in.
func (a *accumulator) sample(at time.Time, queue, task string) *Sample {
	if a.samples == nil {
		a.samples = make(map[sampleKey]*Sample)
	}
	if at.After(a.newest) {
		a.newest, a.pairs = at, make(map[sampleKey]bool)
	}
	key := sampleKey{at, queue, task}
	if s := a.samples[key]; s != nil {
		return s
	}
	if CheckName("queue", queue) != nil || CheckName("task", task) != nil {
		key.queue, key.task = "", "" // a name that is none must not have the store refuse the others
	}
	pair := sampleKey{queue: key.queue, task: key.task}
	if !a.pairs[pair] {
		if len(a.pairs) >= maxPairs {
			key.task, pair.task = "", ""
		}
		if !a.pairs[pair] && len(a.pairs) >= 2*maxPairs {
			key.queue, pair.queue = "", ""
		}
		a.pairs[pair] = true
	}
	s := a.samples[key]
	if s == nil {
		if len(a.samples) >= maxWaiting {
			a.dropOldest()
		}
		s = &Sample{Step: a.step.Step, At: at, Queue: key.queue, Task: key.task}
		a.samples[key] = s
	}
	return s
}

func (a *accumulator) dropOldest() {
	oldest := a.newest
	for key := range a.samples {
		if key.at.Before(oldest) {
			oldest = key.at
		}
	}
	maps.DeleteFunc(a.samples, func(key sampleKey, _ *Sample) bool { return key.at.Equal(oldest) })
}

// take returns what was gathered, and begins anew.
func (a *accumulator) take() []*Sample {
	taken := slices.Collect(maps.Values(a.samples))
	a.samples = nil
	return taken
}

// recordSeries reports how this worker's attempts end, and how full its queues are, about once in each slot of the finest
// step, until over is closed; then all that is left.
func (e *engine) recordSeries(over <-chan struct{}) {
	ticker := time.NewTicker(FineStep)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.flushSeries(false)
		case <-over:
			e.flushSeries(true)
			return
		}
	}
}

func (e *engine) flushSeries(all bool) {
	ctx, cancel := e.callContext()
	defer cancel()
	now := e.now()
	infos, err := e.store.Queues(ctx, now)
	if err != nil {
		e.trouble("queues", err)
	}
	var depths []Depth
	for i := range infos {
		if slices.Contains(e.config.Queues, infos[i].Name) {
			depths = append(depths, depthOf(&infos[i], now))
		}
	}
	if err := e.recorder.Flush(ctx, now, depths, all); err != nil {
		e.trouble("series", err)
	}
}

func depthOf(info *QueueInfo, now time.Time) Depth {
	d := Depth{
		Queue: info.Name, Counts: info.Counts,
		Enqueued: info.Enqueued.Total, Finished: info.Finished.Total, Failed: info.Failed.Total,
	}
	if !info.Oldest.IsZero() {
		d.Oldest = max(now.Sub(info.Oldest), 0)
	}
	return d
}
