package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/internal/wait"
	"github.com/spf13/cobra"
)

// workerFlags are the worker's settings, as flags.
type workerFlags struct {
	queues   []string
	strategy string
	weights  map[string]int
	config   errand.WorkerConfig
	verbose  bool
}

func (s *session) workerCommand() *cobra.Command {
	flags := workerFlags{config: s.app.Worker}
	cmd := &cobra.Command{
		Use:   "worker [QUEUE...]",
		Short: s.t("Run jobs"),
		Long: s.t("Run the jobs of the queues, by default %s, in the order given, until interrupted. "+
			"The first SIGINT or SIGTERM lets running jobs finish, the second cancels them, the third exits at once.\n\n"+
			"The program's parameter workers run beside, or those of them that are named. With --burst it stops when nothing is left to run.", strings.Join(s.queues(), ", ")),
		Example: s.example("worker", "worker high default --concurrency 20", "worker --queue high,low --strategy weighted --weight high=5",
			"worker --burst"),
	}
	f := cmd.Flags()
	f.StringSliceVarP(&flags.queues, "queue", "q", nil, s.t("serve this `QUEUE`; may be repeated, or a list with commas"))
	f.StringVar(&flags.strategy, "strategy", "strict", s.t("which queue comes first, the `ORDER`: strict, round-robin, weighted or random"))
	f.StringToIntVar(&flags.weights, "weight", nil, s.t("how often a queue comes first, as `QUEUE=N`, with --strategy weighted"))
	f.IntVarP(&flags.config.Concurrency, "concurrency", "c", or(s.app.Worker.Concurrency, errand.DefaultConcurrency),
		s.t("how many jobs run at a time"))
	f.BoolVarP(&flags.config.Burst, "burst", "b", s.app.Worker.Burst, s.t("stop when nothing is left to run"))
	f.DurationVar(&flags.config.Lease, "lease", or(s.app.Worker.Lease, errand.DefaultLease),
		s.t("how long until the jobs of a worker that died are run again"))
	f.DurationVar(&flags.config.Timeout, "timeout", or(s.app.Worker.Timeout, errand.DefaultTimeout),
		s.t("of an attempt whose job has none; negative: none"))
	f.DurationVar(&flags.config.StopTimeout, "stop-timeout", or(s.app.Worker.StopTimeout, errand.DefaultStopTimeout),
		s.t("how long running jobs may take to finish when it stops; negative: cancel them at once"))
	f.BoolVarP(&flags.verbose, "verbose", "v", false, s.t("log more"))
	cmd.ValidArgsFunction = s.queueNames(true)
	complete(cmd, "queue", s.queueNames(true))
	complete(cmd, "strategy", oneOf("strict", "round-robin", "weighted", "random"))
	cmd.RunE = s.does(func(ctx context.Context, args []string) error {
		names := slices.Concat(flags.queues, args)
		config, err := s.workerConfig(&flags, f.Changed)
		if err != nil {
			return err
		}
		return s.work(ctx, names, config)
	})
	return cmd
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// queues returns what the worker serves unless told otherwise.
func (s *session) queues() []string {
	for _, queues := range [][]string{s.app.Queues, s.app.Worker.Queues} {
		if len(queues) > 0 {
			return queues
		}
	}
	return []string{"default"}
}

func (s *session) workerConfig(flags *workerFlags, given func(string) bool) (errand.WorkerConfig, error) {
	config := flags.config
	for _, name := range []string{"concurrency", "lease", "timeout", "stop-timeout"} {
		value := map[string]int64{
			"concurrency": int64(config.Concurrency), "lease": int64(config.Lease),
			"timeout": int64(config.Timeout), "stop-timeout": int64(config.StopTimeout),
		}[name]
		if given(name) && value == 0 {
			return config, misuse("--%s 0 means nothing: leave it out for the default", name)
		}
	}
	if given("strategy") {
		strategy, err := errand.ParseStrategy(flags.strategy)
		if err != nil {
			return config, err
		}
		config.Strategy = strategy
	}
	if given("weight") {
		config.Weights = flags.weights
		if !given("strategy") {
			config.Strategy = errand.Weighted
		}
	}
	config.Logger = s.logger(config.Logger, flags.verbose)
	return config, nil
}

// logger returns where the workers log: what the program has chosen, unless a flag asks for more, else standard error.
func (s *session) logger(chosen *slog.Logger, verbose bool) *slog.Logger {
	untouched := fmt.Sprintf("%T", slog.Default().Handler()) == "*slog.defaultHandler"
	switch {
	case s.json || verbose:
	case chosen != nil:
		return chosen
	case !untouched:
		return slog.Default()
	}
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		options.Level = slog.LevelDebug
	}
	logger := slog.New(slog.NewTextHandler(s.err, options))
	if s.json {
		logger = slog.New(slog.NewJSONHandler(s.err, options))
	}
	if s.process && untouched {
		slog.SetDefault(logger) // for parameter workers, and for what tasks log
	}
	return logger
}

// work runs a worker and parameter workers until they are done.
func (s *session) work(ctx context.Context, names []string, config errand.WorkerConfig) error {
	if len(s.app.Tasks) == 0 && len(s.app.HotQueues) == 0 && !slices.Equal(names, []string{demoQueue}) {
		return s.noTasks()
	}
	return s.withStore(ctx, func(st errand.Store, _ time.Time) error {
		var runners []hotqueue.Runner
		for _, build := range s.app.HotQueues {
			runners = append(runners, build(st))
		}
		config.Queues, runners = choose(names, s.queues(), runners)
		tasks := slices.Clone(s.app.Tasks)
		if slices.Contains(config.Queues, demoQueue) {
			tasks = append(tasks, demoTasks(tasks)...)
		}
		var worker *errand.Worker
		if len(config.Queues) > 0 && len(tasks) > 0 {
			worker = errand.NewWorker(st, config)
			worker.Register(tasks...)
			s.note("Worker %s serves %s, %d at a time, and knows %s.", worker.ID(), strings.Join(config.Queues, ", "),
				config.Concurrency, strings.Join(taskNames(tasks), ", "))
		}
		for _, r := range runners {
			s.note("Parameter worker serves the hotqueue %s.", r.Name())
		}
		return s.runAll(ctx, st, worker, runners, config)
	})
}

// choose says which queues and which parameter workers the names on the command line mean. Without names it is all.
func choose(names, queues []string, runners []hotqueue.Runner) ([]string, []hotqueue.Runner) {
	if len(names) == 0 {
		return queues, runners
	}
	var jobs []string
	var chosen []hotqueue.Runner
	for _, name := range names {
		i := slices.IndexFunc(runners, func(r hotqueue.Runner) bool { return r.Name() == name })
		if i >= 0 {
			chosen = append(chosen, runners[i])
		}
		if i < 0 || slices.Contains(queues, name) {
			jobs = append(jobs, name)
		}
	}
	return jobs, chosen
}

// runAll runs the worker and the parameter workers, and stops all when one of them fails.
func (s *session) runAll(ctx context.Context, st errand.Store, worker *errand.Worker, runners []hotqueue.Runner, config errand.WorkerConfig) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { s.watchSignals(ctx, done, worker, runners, config.StopTimeout) })
	var group sync.WaitGroup
	errs := make(chan error, len(runners)+1)
	start := func(run func() error) {
		group.Go(func() {
			err := run()
			if err != nil {
				stop()
			}
			errs <- err
		})
	}
	for _, r := range runners {
		start(func() error { return runHotQueue(running, st, r, config.Burst) })
	}
	if worker != nil {
		start(func() error { return worker.Run(running) })
	}
	group.Wait()
	close(done)
	watch.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// watchSignals says what the first signal does, and does what the second says.
func (s *session) watchSignals(ctx context.Context, done <-chan struct{}, worker *errand.Worker, runners []hotqueue.Runner,
	patience time.Duration,
) {
	select {
	case <-ctx.Done():
	case <-done:
		return
	}
	if s.abort != nil && patience > 0 {
		s.note("Stopping: running jobs have %s to finish. Interrupt again to cancel them.", s.span(patience))
	}
	select {
	case <-s.abort:
		if worker != nil {
			worker.Abort()
		}
		for _, r := range runners {
			if r, ok := r.(interface{ Abort() }); ok {
				r.Abort()
			}
		}
	case <-done:
	}
}

// runHotQueue runs a parameter worker; with burst, until its queue is empty.
func runHotQueue(ctx context.Context, st errand.Store, r hotqueue.Runner, burst bool) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	var watch sync.WaitGroup
	if burst {
		watch.Go(func() {
			defer stop()
			for {
				if n, err := st.Len(running, r.Name()); err == nil && n == 0 || wait.For(running, 50*time.Millisecond) != nil {
					return
				}
			}
		})
	}
	err := r.Run(running)
	stop()
	watch.Wait()
	if running.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// noTasks refuses a worker that could run nothing, and says how to build one that can.
func (s *session) noTasks() error {
	return misuse("this program knows no tasks but the demo's: tasks are Go functions, and a worker is a program that contains them.\n"+
		"'%s worker %s' runs the demo's jobs. For your own, write main.go:\n\n%s\n\nand then\n\n%s", s.name, demoQueue, sampleMain, sampleSteps)
}

const sampleMain = `package main

import (
	"context"
	"fmt"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/cli"
)

var Greet = errand.Define("greet", func(ctx context.Context, name string) (string, error) {
	return fmt.Sprintf("Hello, %s!", name), nil
})

func main() {
	cli.Main(cli.App{Tasks: []errand.AnyTask{Greet}, Store: "sqlite:jobs.db"})
}`

const sampleSteps = `	go mod init example.com/office && go get github.com/errandhq/errand && go build -o office .
	./office enqueue greet '"Ann"' --keep-result 1h
	./office worker`
