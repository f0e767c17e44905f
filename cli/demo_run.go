package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wait"
)

// find lists the files.
func (d *demoRun) find(ctx context.Context) error {
	database := databaseFile(d.url)
	if database != "" {
		if abs, err := filepath.Abs(database); err == nil {
			database = abs
		}
	}
	var err error
	if d.files, err = listFiles(ctx, d.dir, database); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	d.printFound()
	return nil
}

// enqueueStep is how many jobs are enqueued between two looks at the bar.
const enqueueStep = 1000

// enqueue adds a job per file, and those that must fail.
func (d *demoRun) enqueue(ctx context.Context) error {
	const failing = 4
	jobs := make([]fileJob, 0, len(d.files.Paths))
	for _, path := range d.files.Paths {
		jobs = append(jobs, newFileJob(path))
	}
	bar := d.s.newProgress(d.s.t("Enqueue"), int64(len(jobs)+failing))
	defer bar.end()
	start := time.Now()
	for _, add := range []func() (string, error){
		func() (string, error) { h, err := demoImport.Enqueue(ctx, d.queue, d.price); return h.ID, err },
		func() (string, error) { h, err := demoPanic.Enqueue(ctx, d.queue, "apples,12"); return h.ID, err },
		func() (string, error) {
			h, err := demoSlow.Enqueue(ctx, d.queue, "rates.example.com")
			return h.ID, err
		},
		func() (string, error) { h, err := demoFlaky.Enqueue(ctx, d.queue, "ann@example.com"); return h.ID, err },
	} {
		id, err := add()
		if err != nil {
			return err
		}
		d.ids[id] = true
	}
	for chunk := range slices.Chunk(jobs, enqueueStep) {
		handles, err := demoDigest.EnqueueMany(ctx, d.queue, chunk)
		if err != nil {
			return err
		}
		for _, h := range handles {
			d.ids[h.ID] = true
		}
		bar.set(int64(len(d.ids)))
	}
	d.enqueued = newStretch(int64(len(d.ids)), time.Since(start))
	bar.end()
	d.printEnqueued()
	return nil
}

// lookEvery is how often the demo asks the store how far its jobs are.
const lookEvery = 50 * time.Millisecond

// work runs a worker until no job of the queue is left to run, and shows a bar meanwhile.
func (d *demoRun) work(ctx context.Context, what string) (time.Duration, error) {
	counts, err := d.counts(ctx)
	if err != nil {
		return 0, err
	}
	total := sumOf(counts, cancelChange.states)
	worker := errand.NewWorker(d.st, errand.WorkerConfig{
		Queues: []string{demoQueue}, Concurrency: d.concurrency,
		Lease:     5 * time.Second, // so that jobs of a demo that was killed are soon run
		MaxFailed: max(errand.DefaultMaxFailed, 2*len(d.ids)),
		Logger:    slog.New(slog.DiscardHandler), // the failures are shown below
	})
	worker.Register(demoTasks(nil)...)
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	start := time.Now()
	go func() { ended <- worker.Run(running) }()
	err = d.watch(running, what, total)
	took := time.Since(start)
	stop()
	if ended := <-ended; err == nil {
		err = ended
	}
	return took, err
}

// watch returns when nothing is left to run.
func (d *demoRun) watch(ctx context.Context, what string, total int64) error {
	bar := d.s.newProgress(what, total)
	defer bar.end()
	for {
		asked := time.Now()
		counts, err := d.counts(ctx)
		if err != nil {
			return err
		}
		left := sumOf(counts, cancelChange.states)
		bar.set(max(0, total-left))
		if left == 0 {
			return nil
		}
		if err := wait.For(ctx, max(lookEvery, 4*time.Since(asked))); err != nil {
			return err
		}
	}
}

// read collects the results of this run from the store.
func (d *demoRun) read(ctx context.Context) error {
	d.results, d.mended = nil, nil
	finished := 0
	var first, last time.Time
	err := d.each(ctx, errand.StateFinished, func(job *errand.Job) error {
		finished++
		if job.Task != demoDigest.Name() {
			return nil
		}
		var result fileResult
		if err := json.Unmarshal(job.Result, &result); err != nil {
			return fmt.Errorf("demo: result of job %s: %w", job.ID, err)
		}
		d.results = append(d.results, result)
		if first.IsZero() || job.StartedAt.Before(first) {
			first = job.StartedAt
		}
		if job.EndedAt.After(last) {
			last = job.EndedAt
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.ran = newStretch(int64(len(d.results)), last.Sub(first))
	slices.SortFunc(d.results, func(a, b fileResult) int { return cmp.Compare(a.Path, b.Path) })
	d.failed = nil
	if err := d.each(ctx, errand.StateFailed, func(job *errand.Job) error {
		d.failed = append(d.failed, job)
		return nil
	}); err != nil {
		return err
	}
	d.missing = len(d.ids) - finished - len(d.failed)
	return nil
}

// each calls fn with every job of this run in a state.
func (d *demoRun) each(ctx context.Context, state errand.State, fn func(*errand.Job) error) error {
	filter := errand.JobFilter{Queue: demoQueue, State: state, Limit: maxPage}
	for {
		page, err := d.st.Jobs(ctx, filter)
		if err != nil {
			return err
		}
		for _, job := range page.Jobs {
			if !d.ids[job.ID] {
				continue
			}
			if err := fn(job); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		filter.Cursor = page.Next
	}
}

// runAgain mends the cause of one failure, requeues every failed job and runs them.
func (d *demoRun) runAgain(ctx context.Context) error {
	if err := os.WriteFile(d.price, []byte("apples,kg,2.40\npears,kg,3.10\n"), 0o600); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	now, err := d.st.Now(ctx)
	if err != nil {
		return err
	}
	counts, err := d.counts(ctx)
	if err != nil {
		return err
	}
	sum, err := d.s.changeStates(ctx, d.st, now, requeueChange, errand.JobFilter{Queue: demoQueue}, requeueChange.states, counts)
	if err != nil {
		return err
	}
	d.retried = sum.Done
	if counts, err = d.counts(ctx); err != nil {
		return err
	}
	d.printRequeued(counts)
	if _, err := d.work(ctx, d.s.t("Run again")); err != nil {
		return err
	}
	for _, before := range d.failed {
		job, err := d.st.Job(ctx, demoQueue, before.ID)
		if err != nil {
			return err
		}
		d.again = append(d.again, job)
		if job.State == errand.StateFinished {
			d.mended = job
		}
	}
	d.printAgain()
	return nil
}
