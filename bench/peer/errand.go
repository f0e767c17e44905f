package peer

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store"
)

// ours is Errand as its users use it.
type ours struct {
	st errand.Store
	q  *errand.Queue
	on *errand.Task[Job, errand.None] // for enqueueing: what its function does is not called
}

// quiet is a log that nobody reads.
func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// openErrand opens the store by its URL. On SQLite it has the synchronous setting that all are given.
func openErrand(ctx context.Context, url string) (System, error) {
	if strings.HasPrefix(url, "sqlite:") {
		url += "?synchronous=normal"
	}
	return openOurs(ctx, url)
}

// openErrandFull has SQLite wait for the disk at every commit.
func openErrandFull(ctx context.Context, url string) (System, error) { return openOurs(ctx, url) }

func openOurs(ctx context.Context, url string) (*ours, error) {
	st, err := store.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	task := errand.DefineFunc(queue, func(context.Context, Job) error { return nil })
	return &ours{st: st, q: errand.NewQueue(st, queue), on: task}, nil
}

func (s *ours) Enqueue(ctx context.Context, job Job) error {
	_, err := s.on.Enqueue(ctx, s.q, job)
	return err
}

func (s *ours) EnqueueMany(ctx context.Context, jobs []Job) error {
	_, err := s.on.EnqueueMany(ctx, s.q, jobs)
	return err
}

func (s *ours) EnqueueAt(ctx context.Context, jobs []Job, at time.Time) error {
	_, err := s.on.EnqueueMany(ctx, s.q, jobs, errand.At(at))
	return err
}

func (s *ours) Work(_ context.Context, concurrency int, run func(n int64)) (func() error, error) {
	w := errand.NewWorker(s.st, errand.WorkerConfig{Queues: []string{queue}, Concurrency: concurrency, Logger: quiet()})
	w.Register(errand.DefineFunc(queue, func(_ context.Context, job Job) error {
		run(job.N)
		return nil
	}))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}, nil
}

// Left counts all jobs but finished ones, which are none, since a finished job is deleted.
func (s *ours) Left(ctx context.Context) (int, error) {
	now, err := s.st.Now(ctx)
	if err != nil {
		return 0, err
	}
	queues, err := s.st.Queues(ctx, now)
	n := 0
	for _, q := range queues {
		for _, count := range q.Counts {
			n += int(count)
		}
	}
	return n, err
}

func (s *ours) Close() error { return s.st.Close() }
