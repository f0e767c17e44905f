package peer

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// riverFile is River on SQLite.
type riverFile struct {
	tuning
	db     *sql.DB
	client *river.Client[*sql.Tx]
}

func openRiverSQLite(ctx context.Context, url string) (System, error) {
	db, err := openSQLite(url)
	if err != nil {
		return nil, err
	}
	s := &riverFile{tuning: riverBench, db: db}
	s.workers = 0
	migrator, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: quiet()})
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err == nil {
		s.client, err = river.NewClient(riversqlite.New(db), &river.Config{Logger: quiet()})
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *riverFile) Enqueue(ctx context.Context, job Job) error {
	_, err := s.client.Insert(ctx, job, nil)
	return err
}

func (s *riverFile) EnqueueMany(ctx context.Context, jobs []Job) error {
	return s.EnqueueAt(ctx, jobs, time.Time{})
}

func (s *riverFile) EnqueueAt(ctx context.Context, jobs []Job, at time.Time) error {
	_, err := s.client.InsertMany(ctx, riverParams(jobs, at))
	return err
}

func (s *riverFile) Work(ctx context.Context, concurrency int, run func(n int64)) (func() error, error) {
	client, err := river.NewClient(riversqlite.New(s.db), s.riverConfig(concurrency, run))
	if err != nil {
		return nil, err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	return func() error { return client.Stop(context.Background()) }, nil
}

func (s *riverFile) Left(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, riverLeft).Scan(&n)
	return n, err
}

func (s *riverFile) Close() error { return s.db.Close() }
