package peer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// Kind is what River calls a task's name.
func (Job) Kind() string { return queue }

// tuning is what River is told beyond its defaults.
type tuning struct {
	cooldown, poll time.Duration
	workers        int // 0: as many as is asked for
	fast           bool
}

// riverBench are the settings of its own benchmark, the command river bench.
var riverBench = tuning{cooldown: 2 * time.Millisecond, poll: 20 * time.Millisecond, workers: 2000, fast: true}

func openRiver(ctx context.Context, url string) (System, error) {
	return openRiverAs(ctx, url, tuning{})
}

func openRiverTuned(ctx context.Context, url string) (System, error) {
	tuned := riverBench
	tuned.workers = 0
	return openRiverAs(ctx, url, tuned)
}

func openRiverBench(ctx context.Context, url string) (System, error) {
	return openRiverAs(ctx, url, riverBench)
}

// rivers is River on PostgreSQL.
type rivers struct {
	tuning
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx] // for inserting
}

// connections are enough for 64 producers.
const connections = 64

func openRiverAs(ctx context.Context, url string, tuned tuning) (System, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &rivers{tuning: tuned, pool: pool}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet()})
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err == nil {
		s.client, err = river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: quiet()})
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

func (s *rivers) Enqueue(ctx context.Context, job Job) error {
	_, err := s.client.Insert(ctx, job, nil)
	return err
}

// riverParams are the parameters of an insert of many, each to run at a time or at once.
func riverParams(jobs []Job, at time.Time) []river.InsertManyParams {
	params := make([]river.InsertManyParams, len(jobs))
	for i, job := range jobs {
		params[i].Args = job
		if !at.IsZero() {
			params[i].InsertOpts = &river.InsertOpts{ScheduledAt: at}
		}
	}
	return params
}

func (s *rivers) EnqueueMany(ctx context.Context, jobs []Job) error {
	return s.EnqueueAt(ctx, jobs, time.Time{})
}

func (s *rivers) EnqueueAt(ctx context.Context, jobs []Job, at time.Time) error {
	var err error
	if s.fast {
		_, err = s.client.InsertManyFast(ctx, riverParams(jobs, at))
	} else {
		_, err = s.client.InsertMany(ctx, riverParams(jobs, at))
	}
	return err
}

// riverConfig is that of a worker.
func (t tuning) riverConfig(concurrency int, run func(n int64)) *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(_ context.Context, job *river.Job[Job]) error {
		run(job.Args.N)
		return nil
	}))
	if t.workers > 0 {
		concurrency = t.workers
	}
	return &river.Config{
		FetchCooldown: t.cooldown, FetchPollInterval: t.poll, Logger: quiet(), Workers: workers,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: concurrency}},
	}
}

func (s *rivers) Work(ctx context.Context, concurrency int, run func(n int64)) (func() error, error) {
	client, err := river.NewClient(riverpgxv5.New(s.pool), s.riverConfig(concurrency, run))
	if err != nil {
		return nil, err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	return func() error { return client.Stop(context.Background()) }, nil
}

// riverLeft counts what is not final, by an index of River's.
const riverLeft = `SELECT count(*) FROM river_job WHERE state IN ('available', 'running', 'retryable', 'scheduled', 'pending')`

func (s *rivers) Left(ctx context.Context) (n int, err error) {
	err = s.pool.QueryRow(ctx, riverLeft).Scan(&n)
	return n, err
}

func (s *rivers) Close() error {
	s.pool.Close()
	return nil
}
