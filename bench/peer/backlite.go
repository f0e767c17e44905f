package peer

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/mikestefanello/backlite"
)

// Config is backlite's settings of a task's queue.
func (Job) Config() backlite.QueueConfig {
	return backlite.QueueConfig{Name: queue, MaxAttempts: 3, Timeout: time.Minute, Backoff: time.Second}
}

// backlites is backlite, its settings as its documentation has them.
type backlites struct {
	db     *sql.DB
	client *backlite.Client // for adding
}

func openBacklite(_ context.Context, url string) (System, error) {
	db, err := openSQLite(url)
	if err != nil {
		return nil, err
	}
	s := &backlites{db: db}
	if s.client, err = s.newClient(1, func(int64) {}); err == nil {
		err = s.client.Install()
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *backlites) newClient(concurrency int, run func(n int64)) (*backlite.Client, error) {
	client, err := backlite.NewClient(backlite.ClientConfig{
		DB: s.db, NumWorkers: concurrency, ReleaseAfter: 10 * time.Minute, CleanupInterval: time.Hour,
	})
	if err == nil {
		client.Register(backlite.NewQueue(func(_ context.Context, job Job) error {
			run(job.N)
			return nil
		}))
	}
	return client, err
}

func (s *backlites) Enqueue(ctx context.Context, job Job) error {
	_, err := s.client.Add(job).Ctx(ctx).Save()
	return err
}

func (s *backlites) EnqueueMany(ctx context.Context, jobs []Job) error {
	_, err := s.add(jobs).Ctx(ctx).Save()
	return err
}

func (s *backlites) EnqueueAt(ctx context.Context, jobs []Job, at time.Time) error {
	_, err := s.add(jobs).At(at).Ctx(ctx).Save()
	return err
}

func (s *backlites) add(jobs []Job) *backlite.TaskAddOp {
	tasks := make([]backlite.Task, len(jobs))
	for i, job := range jobs {
		tasks[i] = job
	}
	return s.client.Add(tasks...)
}

// Work has what is enqueued from now on go through the worker's client, which is how backlite wakes up.
func (s *backlites) Work(_ context.Context, concurrency int, run func(n int64)) (func() error, error) {
	client, err := s.newClient(concurrency, run)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	client.Start(ctx)
	s.client = client
	return func() error {
		defer cancel()
		if !client.Stop(ctx) {
			return errors.New("backlite did not stop")
		}
		s.client, err = s.newClient(1, func(int64) {})
		return err
	}, nil
}

func (s *backlites) Left(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM backlite_tasks`).Scan(&n)
	return n, err
}

func (s *backlites) Close() error { return s.db.Close() }
