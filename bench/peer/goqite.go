package peer

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"time"

	"maragu.dev/goqite"
	"maragu.dev/goqite/jobs"
)

// goqiteSchema is the table as goqite's documentation has it created; the module does not export it.
//
//go:embed goqite.sql
var goqiteSchema string

// goqites is goqite with its defaults.
type goqites struct {
	db *sql.DB
	q  *goqite.Queue
}

func openGoqite(ctx context.Context, url string) (System, error) {
	db, err := openSQLite(url)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, goqiteSchema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &goqites{db: db, q: goqite.New(goqite.NewOpts{DB: db, Name: queue})}, nil
}

func (s *goqites) Enqueue(ctx context.Context, job Job) error {
	body, err := json.Marshal(job)
	if err != nil {
		return err
	}
	_, err = jobs.Create(ctx, s.q, queue, goqite.Message{Body: body})
	return err
}

func (s *goqites) EnqueueMany(ctx context.Context, many []Job) error {
	return s.many(ctx, many, 0)
}

func (s *goqites) EnqueueAt(ctx context.Context, many []Job, at time.Time) error {
	return s.many(ctx, many, time.Until(at))
}

func (s *goqites) many(ctx context.Context, many []Job, delay time.Duration) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, job := range many {
		body, err := json.Marshal(job)
		if err == nil {
			_, err = jobs.CreateTx(ctx, tx, s.q, queue, goqite.Message{Body: body, Delay: delay})
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func (s *goqites) Work(_ context.Context, concurrency int, run func(n int64)) (func() error, error) {
	runner := jobs.NewRunner(jobs.NewRunnerOpts{Limit: concurrency, Queue: s.q})
	runner.Register(queue, func(_ context.Context, body []byte) error {
		var job Job
		if err := json.Unmarshal(body, &job); err != nil {
			return err
		}
		run(job.N)
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		runner.Start(ctx)
	}()
	return func() error {
		cancel()
		<-done
		return nil
	}, nil
}

func (s *goqites) Left(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM goqite`).Scan(&n)
	return n, err
}

func (s *goqites) Close() error { return s.db.Close() }
