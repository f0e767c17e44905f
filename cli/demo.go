package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/errandhq/errand"
	"github.com/spf13/cobra"
)

// demoFile is the demo's database where --store names no other.
const demoFile = "errand-demo.db"

func (s *session) demoCommand() *cobra.Command {
	var concurrency int
	cmd := &cobra.Command{
		Use:   "demo [DIR]",
		Short: s.t("Watch real jobs being done, failing and being run again"),
		Long: s.t("Run one job per file under DIR (default: the current directory), which computes its SHA-256, size and lines, "+
			"and a few jobs that must fail; show the results and the failed jobs, and run those again.\n\n"+
			"The jobs are kept in the SQLite database %s in the current directory, or in --store, to look further into. "+
			"$ERRAND_STORE is not used. A second run clears what the first has left. Symbolic links, directories that cannot be read "+
			"and the database itself are skipped.", demoFile),
		Example: s.example("demo", "demo /usr/share/doc", "demo --json . >results.json", "--store sqlite:/tmp/demo.db demo"),
		Args:    argsNamed(0, 1, s.t("one directory")),
		RunE: s.does(func(ctx context.Context, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			if concurrency < 1 {
				return misuse("--concurrency %d: use 1 or more", concurrency)
			}
			return s.demo(ctx, dir, concurrency)
		}),
	}
	cmd.Flags().IntVarP(&concurrency, "concurrency", "c", 16, s.t("how many jobs run at a time"))
	return cmd
}

// demoRun is one run of the demo.
type demoRun struct {
	s           *session
	st          errand.Store
	queue       *errand.Queue
	url         string
	dir         string
	price       string // the file that one of the jobs misses
	concurrency int

	cleared  int64
	files    *fileList
	ids      map[string]bool // of this run's jobs
	enqueued stretch
	ran      stretch       // the files' jobs, from the first start to the last end
	ranAll   time.Duration // with the failing ones, their retries and timeouts
	retried  int64         // how many of the failed were requeued
	results  []fileResult
	missing  int // results that are not there
	failed   []*errand.Job
	mended   *errand.Job // what failed first and then succeeded
	again    []*errand.Job
}

// stretch is how many jobs took how long.
type stretch struct {
	Jobs    int64         `json:"jobs"`
	Took    time.Duration `json:"-"`
	Seconds float64       `json:"seconds"`
	PerSec  float64       `json:"jobs_per_second"`
}

func newStretch(jobs int64, took time.Duration) stretch {
	took = max(took, time.Microsecond)
	return stretch{Jobs: jobs, Took: took, Seconds: took.Seconds(), PerSec: float64(jobs) / took.Seconds()}
}

func (s *session) demo(ctx context.Context, dir string, concurrency int) (err error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if info, err := os.Stat(root); err != nil {
		return misuse("demo: %v", err)
	} else if !info.IsDir() {
		return misuse("demo: %s is not a directory: name one, and every file below it becomes a job", dir)
	}
	url, err := s.demoStore()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "errand-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	return s.withStoreAt(ctx, url, func(st errand.Store, now time.Time) error {
		d := &demoRun{
			s: s, st: st, queue: errand.NewQueue(st, demoQueue), url: url, dir: root, concurrency: concurrency,
			price: filepath.Join(work, "prices.csv"), ids: map[string]bool{},
		}
		if err := d.run(ctx, now); err != nil {
			return err
		}
		if s.json {
			return s.out.printJSON(d.asJSON())
		}
		return nil
	})
}

// demoStore returns the URL of the demo's store: beside the person who looks on, if that place can be written to.
func (s *session) demoStore() (string, error) {
	if s.storeFlag != "" {
		return s.storeFlag, nil
	}
	if writable(".") {
		return "sqlite:" + demoFile, nil
	}
	dir, err := os.UserCacheDir()
	if err == nil {
		dir = filepath.Join(dir, "errand")
		if os.MkdirAll(dir, 0o700) == nil && writable(dir) {
			return "sqlite:" + filepath.Join(dir, demoFile), nil
		}
	}
	return "", failure("demo: the current directory cannot be written to: say where to keep the jobs, "+
		"as in --store sqlite:/tmp/%s", demoFile)
}

func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".errand-")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}

// run is the demo, act by act.
func (d *demoRun) run(ctx context.Context, now time.Time) error {
	d.title()
	if err := d.clear(ctx, now); err != nil {
		return err
	}
	if err := d.find(ctx); err != nil {
		return err
	}
	if err := d.enqueue(ctx); err != nil {
		return err
	}
	var err error
	if d.ranAll, err = d.work(ctx, d.s.t("Run")); err != nil {
		return err
	}
	if err := d.read(ctx); err != nil {
		return err
	}
	d.printSummary()
	if err := d.printFailed(ctx); err != nil {
		return err
	}
	if err := d.runAgain(ctx); err != nil {
		return err
	}
	d.printHints()
	return nil
}

// clear removes what earlier runs have left: jobs of the demo's own tasks and no others.
func (d *demoRun) clear(ctx context.Context, now time.Time) error {
	if err := d.st.Resume(ctx, now, demoQueue); err != nil {
		return err
	}
	counts, err := d.counts(ctx)
	if err != nil {
		return err
	}
	for _, task := range demoTasks(nil) {
		filter := errand.JobFilter{Queue: demoQueue, Task: task.Name()}
		sum, err := d.s.changeStates(ctx, d.st, now, deleteChange, filter, deleteChange.states, counts)
		if err != nil {
			return err
		}
		d.cleared += sum.Done
	}
	if counts, err = d.counts(ctx); err != nil {
		return err
	}
	if n := sumOf(counts, deleteChange.states); n > 0 {
		return failure("demo: queue %s of this store holds %s of other tasks: use another store",
			demoQueue, d.s.n(n, "1 job", "%s jobs"))
	}
	return nil
}

// counts returns the number of jobs of the demo's queue in each state.
func (d *demoRun) counts(ctx context.Context) (map[errand.State]int64, error) {
	now, err := d.st.Now(ctx)
	if err != nil {
		return nil, err
	}
	queues, err := d.st.Queues(ctx, now)
	if err != nil {
		return nil, err
	}
	for _, q := range queues {
		if q.Name == demoQueue {
			return q.Counts, nil
		}
	}
	return map[errand.State]int64{}, nil
}
