package peer

import (
	"context"
	"errors"
	"io"
	"log"
	"strings"
	"sync/atomic"
	"time"

	"github.com/RichardKnop/machinery/v2"
	"github.com/RichardKnop/machinery/v2/backends/null"
	broker "github.com/RichardKnop/machinery/v2/brokers/redis"
	"github.com/RichardKnop/machinery/v2/config"
	"github.com/RichardKnop/machinery/v2/locks/eager"
	machinerylog "github.com/RichardKnop/machinery/v2/log"
	"github.com/RichardKnop/machinery/v2/tasks"
	"github.com/redis/go-redis/v9"
)

// machineries is machinery with go-redis as its client and without results, the fastest it has. It counts what runs
// itself, because the server has no record of it.
type machineries struct {
	addr    string
	server  *machinery.Server
	raw     *redis.Client
	running atomic.Int64
}

func openMachinery(_ context.Context, url string) (System, error) {
	machinerylog.Set(log.New(io.Discard, "", 0))
	opt, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	s := &machineries{addr: opt.Addr, raw: redis.NewClient(opt)}
	s.server = s.newServer()
	return s, nil
}

func (s *machineries) newServer() *machinery.Server {
	cnf := &config.Config{
		DefaultQueue: queue, NoUnixSignals: true,
		Redis: &config.RedisConfig{NormalTasksPollPeriod: 1000, DelayedTasksPollPeriod: 500},
	}
	return machinery.NewServer(cnf, broker.NewGR(cnf, []string{s.addr}, 0), null.New(), eager.New())
}

func signature(job Job) *tasks.Signature {
	return &tasks.Signature{Name: queue, Args: []tasks.Arg{{Type: "int64", Value: job.N}, {Type: "string", Value: job.Text}}}
}

func (s *machineries) Enqueue(ctx context.Context, job Job) error {
	_, err := s.server.SendTaskWithContext(ctx, signature(job))
	return err
}

func (s *machineries) EnqueueMany(ctx context.Context, jobs []Job) error {
	for _, job := range jobs {
		if err := s.Enqueue(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

func (s *machineries) EnqueueAt(ctx context.Context, jobs []Job, at time.Time) error {
	for _, job := range jobs {
		one := signature(job)
		one.ETA = &at
		if _, err := s.server.SendTaskWithContext(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

func (s *machineries) Work(_ context.Context, concurrency int, run func(n int64)) (func() error, error) {
	server := s.newServer()
	err := server.RegisterTask(queue, func(n int64, _ string) error {
		s.running.Add(1)
		defer s.running.Add(-1)
		run(n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	worker := server.NewWorker(queue, concurrency)
	done := make(chan error, 1)
	worker.LaunchAsync(done)
	return func() error {
		worker.Quit()
		if err := <-done; err != nil && !errors.Is(err, machinery.ErrWorkerQuitGracefully) && !strings.Contains(err.Error(), "closed") {
			return err
		}
		return nil
	}, nil
}

func (s *machineries) Left(ctx context.Context) (int, error) {
	pipe := s.raw.Pipeline()
	waiting, due := pipe.LLen(ctx, queue), pipe.ZCard(ctx, "delayed_tasks")
	_, err := pipe.Exec(ctx)
	return int(waiting.Val()+due.Val()) + int(s.running.Load()), err
}

func (s *machineries) Close() error { return s.raw.Close() }
