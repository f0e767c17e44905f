package cli

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/spf13/cobra"
)

// benchQueue is the queue of the bench command's jobs, and benchTask their task.
const (
	benchQueue = "errand-bench"
	benchTask  = "errand.bench"
)

// benchJSON is what bench --json prints.
type benchJSON struct {
	Store        string        `json:"store"`
	Kind         string        `json:"kind"` // what the store says it is, with the settings that decide what a crash may cost
	Errand       string        `json:"errand"`
	Go           string        `json:"go"`
	System       string        `json:"system"`
	CPUs         int           `json:"cpus"`
	PayloadBytes int           `json:"payload_bytes"`
	Measures     []measureJSON `json:"measures"`
	Pickup       pickupJSON    `json:"pickup"`
	Ran          int64         `json:"ran"`
	Lost         int64         `json:"lost"`
	Doubled      int64         `json:"doubled"`
}

// measureJSON is how many jobs took how long: enqueue-1, enqueue-64, enqueue-bulk, drain-1, drain-10 or drain-100.
type measureJSON struct {
	Name      string  `json:"name"`
	Jobs      int64   `json:"jobs"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"jobs_per_second"`
}

// pickupJSON is the time from the call of Enqueue to the start of the job in an idle worker of the same process.
type pickupJSON struct {
	Jobs       int     `json:"jobs"`
	P50Seconds float64 `json:"p50_seconds"`
	P95Seconds float64 `json:"p95_seconds"`
	P99Seconds float64 `json:"p99_seconds"`
	MaxSeconds float64 `json:"max_seconds"`
}

func (s *session) benchCommand() *cobra.Command {
	var yes bool
	var each time.Duration
	cmd := &cobra.Command{
		Use:   "bench",
		Short: s.t("Measure the store"),
		Long: s.t("Measure what this program gets out of the store from here: jobs enqueued a second by one producer, by 64 and in bulk, jobs run a second " +
			"by a worker that runs 1, 10 and 100 at a time, and the time from enqueue to start in an idle worker. Jobs do nothing and carry 100 bytes.\n\n" +
			"That every job ran exactly once is checked. The jobs are in a queue of their own, errand-bench, and gone afterwards; its name stays in the lists. " +
			"Where the store has other jobs, their workers will feel it: it asks before."),
		Example: s.example("bench", "--store sqlite:/tmp/bench.db bench", "bench --time 5s --json --yes"),
		Args:    noArgs,
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, s.t("do not ask"))
	cmd.Flags().DurationVar(&each, "time", 2*time.Second, s.t("enqueue for `D` in each measure"))
	cmd.RunE = s.does(func(ctx context.Context, _ []string) (err error) {
		if each <= 0 || each > 10*time.Minute {
			return misuse("--time %s: use more than 0 and 10m at most", each)
		}
		if file := databaseFile(s.storeURL()); file != "" {
			if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
				defer func() { err = errors.Join(err, removeDatabase(file)) }()
			}
		}
		return s.withStore(ctx, func(st errand.Store, now time.Time) error {
			return s.bench(ctx, st, now, yes, each)
		})
	})
	return cmd
}

// removeDatabase removes a database that was made for a bench.
func removeDatabase(file string) error {
	var errs []error
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *session) bench(ctx context.Context, st errand.Store, now time.Time, yes bool, each time.Duration) (err error) {
	queues, err := st.Queues(ctx, now)
	if err != nil {
		return err
	}
	others := int64(0)
	for _, q := range queues {
		if q.Name != benchQueue {
			others += total(q)
		}
	}
	if others > 0 {
		question := s.t("The store has %s of others, whose workers will feel the bench. Measure all the same?", s.n(others, "1 job", "%s jobs"))
		if err := s.confirm(ctx, yes, question); err != nil {
			return err
		}
	}
	b := newBenchRun(s, st, each)
	defer func() { err = errors.Join(err, b.clear(context.WithoutCancel(ctx))) }()
	if err := b.clear(ctx); err != nil {
		return err
	}
	if err := b.describe(ctx); err != nil {
		return err
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	s.record(ctx, st, "bench", "queue "+benchQueue, b.found.Ran)
	return b.verdict()
}

// clear deletes what is left of a bench, this one or one that was interrupted.
func (b *benchRun) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	now, err := b.st.Now(ctx)
	if err != nil {
		return err
	}
	if err := b.st.Resume(ctx, now, benchQueue); err != nil {
		return err
	}
	counts, err := b.s.countJobs(ctx, b.st, now, "")
	if err != nil {
		return err
	}
	filter := errand.JobFilter{Queue: benchQueue, Task: benchTask}
	quiet := *b.s
	quiet.json = true // no bar
	_, err = quiet.changeStates(ctx, b.st, now, deleteChange, filter, deleteChange.states, counts)
	return err
}

func (b *benchRun) describe(ctx context.Context) error {
	version := b.s.version()
	b.found = benchJSON{
		Store: maskURL(b.s.storeURL()), Errand: version.Errand, Go: version.Go, System: version.System, CPUs: runtime.GOMAXPROCS(0),
		PayloadBytes: benchBytes, Measures: []measureJSON{},
	}
	if d, ok := b.st.(errand.Describer); ok {
		kind, err := d.Describe(ctx)
		if err != nil {
			return err
		}
		b.found.Kind = kind
	}
	s := b.s
	b.say("%s\n", bold.Render(b.found.Store))
	b.say("  %s\n", cleanLine(b.found.Kind))
	b.say("  %s\n\n", faint.Render(s.t("errand %s, %s, %s, %s; jobs of %s", version.Errand, version.Go, version.System,
		s.n(int64(b.found.CPUs), "1 CPU", "%s CPUs"), byteCount(benchBytes))))
	return nil
}

// say prints a line of the report, unless JSON is wanted.
func (b *benchRun) say(format string, args ...any) {
	if !b.s.json {
		b.s.out.printf(format, args...)
	}
}

// verdict prints what was checked; an error where jobs were lost or run twice.
func (b *benchRun) verdict() error {
	f := &b.found
	if b.s.json {
		if err := b.s.out.printJSON(f); err != nil {
			return err
		}
	}
	if f.Lost > 0 || f.Doubled > 0 {
		return failure("the figures are void: of %d jobs %d were lost and %d ran more than once", f.Ran, f.Lost, f.Doubled)
	}
	b.say("\n  %s\n", good.Render(b.s.n(f.Ran, "The job ran exactly once.", "Each of %s jobs ran exactly once.")))
	return nil
}

// quantile returns the value below which a share of sorted values lies.
func quantile(sorted []time.Duration, share float64) time.Duration {
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func newPickupJSON(waits []time.Duration) pickupJSON {
	slices.Sort(waits)
	return pickupJSON{
		Jobs: len(waits), P50Seconds: quantile(waits, 0.5).Seconds(), P95Seconds: quantile(waits, 0.95).Seconds(),
		P99Seconds: quantile(waits, 0.99).Seconds(), MaxSeconds: waits[len(waits)-1].Seconds(),
	}
}
