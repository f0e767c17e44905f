package peer

import (
	"context"
	"strings"
	"time"

	"github.com/gocraft/work"
	"github.com/gomodule/redigo/redis"
)

// gocraft is gocraft/work with its defaults.
type gocraft struct {
	url      string
	pool     *redis.Pool
	enqueuer *work.Enqueuer
}

func openGocraft(_ context.Context, url string) (System, error) {
	pool := redisPool(url, 74) // for 64 producers and a few more
	return &gocraft{url: url, pool: pool, enqueuer: work.NewEnqueuer(queue, pool)}, nil
}

func redisPool(url string, size int) *redis.Pool {
	return &redis.Pool{MaxActive: size, MaxIdle: size, Wait: true, Dial: func() (redis.Conn, error) { return redis.DialURL(url) }}
}

func (s *gocraft) Enqueue(_ context.Context, job Job) error {
	_, err := s.enqueuer.Enqueue(queue, work.Q{"n": job.N, "text": job.Text})
	return err
}

func (s *gocraft) EnqueueMany(ctx context.Context, jobs []Job) error {
	for _, job := range jobs {
		if err := s.Enqueue(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

func (s *gocraft) EnqueueAt(_ context.Context, jobs []Job, at time.Time) error {
	for _, job := range jobs {
		seconds := int64(time.Until(at).Seconds() + 0.5)
		if _, err := s.enqueuer.EnqueueIn(queue, seconds, work.Q{"n": job.N, "text": job.Text}); err != nil {
			return err
		}
	}
	return nil
}

// gocraftContext is what the pool makes for each job.
type gocraftContext struct{}

func (s *gocraft) Work(_ context.Context, concurrency int, run func(n int64)) (func() error, error) {
	connections := redisPool(s.url, concurrency+10)
	pool := work.NewWorkerPool(gocraftContext{}, uint(concurrency), queue, connections)
	pool.Job(queue, func(job *work.Job) error {
		n := job.ArgInt64("n")
		if err := job.ArgError(); err != nil {
			return err
		}
		run(n)
		return nil
	})
	pool.Start()
	return func() error {
		pool.Stop()
		return connections.Close()
	}, nil
}

func (s *gocraft) Left(context.Context) (int, error) {
	c := s.pool.Get()
	defer c.Close()
	keys, err := redis.Strings(c.Do("KEYS", queue+":jobs:"+queue+"*"))
	if err != nil {
		return 0, err
	}
	left, err := redis.Int(c.Do("ZCARD", queue+":scheduled"))
	for _, key := range keys {
		if key == queue+":jobs:"+queue || strings.HasSuffix(key, ":inprogress") {
			n, err := redis.Int(c.Do("LLEN", key))
			if err != nil {
				return 0, err
			}
			left += n
		}
	}
	return left, err
}

func (s *gocraft) Close() error { return s.pool.Close() }
