package cli

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/internal/wait"
)

// benchJob is what a job of the bench carries: 100 bytes of JSON.
type benchJob struct {
	Run  string `json:"run"`
	N    int64  `json:"n"`
	Fill string `json:"fill"`
}

const benchBytes = 100

// maxBulk bounds how many jobs are enqueued in bulk, and benchChunk how many at a time.
const (
	maxBulk    = 200_000
	benchChunk = 1000
)

// The jobs whose pickup is measured, after some to warm up.
const (
	pickups      = 200
	warmups      = 10
	pickupPause  = 10 * time.Millisecond // between two, at most
	pickupPeriod = 30 * time.Second      // for all of them, at most
)

// benchRun is one run of the bench.
type benchRun struct {
	s     *session
	st    errand.Store
	queue *errand.Queue
	task  *errand.Task[benchJob, errand.None]
	each  time.Duration
	id    string // of the run: jobs of another are not counted
	found benchJSON

	next atomic.Int64 // the number of the next job

	mu          sync.Mutex
	ran         map[int64]int // how often each job has run
	first, last time.Time     // of the jobs of a drain
	started     chan time.Time
}

func newBenchRun(s *session, st errand.Store, each time.Duration) *benchRun {
	b := &benchRun{
		s: s, st: st, queue: errand.NewQueue(st, benchQueue), each: each, id: errand.NewID()[24:], ran: map[int64]int{},
		started: make(chan time.Time, 1),
	}
	b.task = errand.DefineFunc(benchTask, b.took)
	return b
}

// job makes the next job, always of the same length.
func (b *benchRun) job() benchJob {
	j := benchJob{Run: b.id, N: 1_000_000 + b.next.Add(1)}
	j.Fill = strings.Repeat("x", benchBytes-len(`{"run":"","n":1000000,"fill":""}`)-len(b.id))
	return j
}

// took is the task: it writes down that the job ran.
func (b *benchRun) took(_ context.Context, in benchJob) error {
	at := time.Now()
	if in.Run != b.id {
		return nil
	}
	b.mu.Lock()
	b.ran[in.N]++
	if b.first.IsZero() {
		b.first = at
	}
	b.last = at
	b.mu.Unlock()
	select {
	case b.started <- at:
	default:
	}
	return nil
}

// run takes the measures: each drain takes what the enqueueing before it has put in.
func (b *benchRun) run(ctx context.Context) error {
	for _, m := range []struct {
		name, title string
		enqueue     func(context.Context) error
		drain       int
		drainTitle  string
		drainName   string
	}{
		{
			"enqueue-1", lang.Mark("enqueue, 1 producer"), func(ctx context.Context) error { return b.produce(ctx, 1) },
			1, lang.Mark("run, 1 at a time"), "drain-1",
		},
		{
			"enqueue-64", lang.Mark("enqueue, 64 producers"), func(ctx context.Context) error { return b.produce(ctx, 64) },
			10, lang.Mark("run, 10 at a time"), "drain-10",
		},
		{
			"enqueue-bulk", lang.Mark("enqueue in bulk"), b.bulk,
			100, lang.Mark("run, 100 at a time"), "drain-100",
		},
	} {
		from, start := b.next.Load(), time.Now()
		if err := m.enqueue(ctx); err != nil {
			return err
		}
		jobs := b.next.Load() - from
		b.measured(m.name, b.s.t(m.title), jobs, time.Since(start))
		took, err := b.drain(ctx, m.drain)
		if err != nil {
			return err
		}
		b.measured(m.drainName, b.s.t(m.drainTitle), jobs, took)
	}
	if err := b.pickup(ctx); err != nil {
		return err
	}
	b.count()
	return nil
}

// produce enqueues one job after another, by some producers at a time.
func (b *benchRun) produce(ctx context.Context, producers int) error {
	deadline := time.Now().Add(b.each)
	errs := make([]error, producers)
	var group sync.WaitGroup
	for i := range producers {
		group.Go(func() {
			for time.Now().Before(deadline) && errs[i] == nil {
				_, errs[i] = b.task.Enqueue(ctx, b.queue, b.job())
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (b *benchRun) bulk(ctx context.Context) error {
	deadline := time.Now().Add(b.each)
	for n := 0; n < maxBulk && time.Now().Before(deadline); n += benchChunk {
		jobs := make([]benchJob, benchChunk)
		for i := range jobs {
			jobs[i] = b.job()
		}
		if _, err := b.task.EnqueueMany(ctx, b.queue, jobs); err != nil {
			return err
		}
	}
	return nil
}

func (b *benchRun) worker(concurrency int, burst bool) *errand.Worker {
	w := errand.NewWorker(b.st, errand.WorkerConfig{
		Queues: []string{benchQueue}, Concurrency: concurrency, Burst: burst, Logger: slog.New(slog.DiscardHandler),
	})
	w.Register(b.task)
	return w
}

// drain runs all jobs that are there, and returns how long it took from the start of the first to that of the last.
func (b *benchRun) drain(ctx context.Context, concurrency int) (time.Duration, error) {
	b.mu.Lock()
	b.first, b.last = time.Time{}, time.Time{}
	b.mu.Unlock()
	if err := b.worker(concurrency, true).Run(ctx); err != nil {
		return 0, err
	}
	if cause := context.Cause(ctx); cause != nil {
		return 0, cause
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last.Sub(b.first), nil
}

// pickup measures how long a job waits for an idle worker.
func (b *benchRun) pickup(ctx context.Context) error {
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.worker(1, false).Run(running) }()
	waits, err := b.pickupOf(ctx)
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		return err
	}
	b.found.Pickup = newPickupJSON(waits)
	p, s := b.found.Pickup, b.s
	seconds := func(f float64) string { return s.span(time.Duration(f * float64(time.Second))) }
	b.row(s.t("pickup by an idle worker"), "p50 "+seconds(p.P50Seconds),
		s.t("p95 %s, p99 %s, at most %s, of %s", seconds(p.P95Seconds), seconds(p.P99Seconds), seconds(p.MaxSeconds), s.n(int64(p.Jobs), "1 job", "%s jobs")))
	return nil
}

func (b *benchRun) pickupOf(ctx context.Context) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, pickupPeriod+pickups*pickupPause, errors.New("no worker took the job in time"))
	defer cancel()
	select {
	case <-b.started: // of a drain
	default:
	}
	var waits []time.Duration
	for i := range warmups + pickups {
		if err := wait.For(ctx, rand.N(pickupPause)); err != nil {
			return nil, context.Cause(ctx)
		}
		sent := time.Now()
		if _, err := b.task.Enqueue(ctx, b.queue, b.job()); err != nil {
			return nil, err
		}
		select {
		case at := <-b.started:
			if i >= warmups {
				waits = append(waits, at.Sub(sent))
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return waits, nil
}

// measured adds a figure, and prints it.
func (b *benchRun) measured(name, title string, jobs int64, took time.Duration) {
	took = max(took, time.Microsecond)
	m := measureJSON{Name: name, Jobs: jobs, Seconds: took.Seconds(), PerSecond: float64(jobs) / took.Seconds()}
	b.found.Measures = append(b.found.Measures, m)
	b.row(title, b.s.t("%s jobs/s", number(int64(m.PerSecond))), b.s.t("%s in %s", b.s.n(jobs, "1 job", "%s jobs"), b.s.span(took)))
}

// row prints a name, a figure and what is to be said of it, in columns.
func (b *benchRun) row(title, figure, about string) {
	space := strings.Repeat(" ", max(0, 16-lipgloss.Width(figure)))
	b.say("  %s %s%s   %s\n", pad(title, 26, plain), space, bold.Render(figure), faint.Render(about))
}

// count says how often the jobs ran.
func (b *benchRun) count() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found.Ran = int64(len(b.ran))
	b.found.Lost = b.next.Load() - b.found.Ran
	for _, times := range b.ran {
		if times > 1 {
			b.found.Doubled++
		}
	}
}
