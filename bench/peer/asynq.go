package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// asynqs is asynq with its defaults.
type asynqs struct {
	opt    asynq.RedisConnOpt
	client *asynq.Client
	raw    *redis.Client
}

func openAsynq(_ context.Context, url string) (System, error) {
	opt, err := asynq.ParseRedisURI(url)
	if err != nil {
		return nil, err
	}
	parsed, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	return &asynqs{opt: opt, client: asynq.NewClient(opt), raw: redis.NewClient(parsed)}, nil
}

func (s *asynqs) task(job Job) (*asynq.Task, error) {
	payload, err := json.Marshal(job)
	return asynq.NewTask(queue, payload), err
}

func (s *asynqs) Enqueue(ctx context.Context, job Job) error {
	task, err := s.task(job)
	if err != nil {
		return err
	}
	_, err = s.client.EnqueueContext(ctx, task)
	return err
}

// EnqueueMany has the client's requests wait in a pipeline: a script per task, which is what EnqueueBatch of asynq's main
// branch does. No release has that yet.
func (s *asynqs) EnqueueMany(ctx context.Context, jobs []Job) error { return s.pipeline(ctx, jobs) }

func (s *asynqs) EnqueueAt(ctx context.Context, jobs []Job, at time.Time) error {
	return s.pipeline(ctx, jobs, asynq.ProcessAt(at))
}

func (s *asynqs) pipeline(ctx context.Context, jobs []Job, opts ...asynq.Option) error {
	if err := s.raw.Ping(ctx).Err(); err != nil {
		return err
	}
	later := &later{UniversalClient: s.raw, pipe: s.raw.Pipeline()}
	client := asynq.NewClientFromRedisClient(later)
	for _, job := range jobs {
		task, err := s.task(job)
		if err != nil {
			return err
		}
		if _, err := client.EnqueueContext(ctx, task, opts...); err != nil {
			return err
		}
	}
	done, err := later.pipe.Exec(ctx)
	for _, cmd := range done {
		if script, ok := cmd.(*redis.Cmd); ok && err == nil {
			if n, failed := script.Int(); failed != nil || n != 1 {
				err = fmt.Errorf("asynq refused a task: %d, %w", n, failed)
			}
		}
	}
	return err
}

// later is a client whose scripts wait in a pipeline and are said to have succeeded.
type later struct {
	redis.UniversalClient
	pipe redis.Pipeliner
	seen map[string]bool // scripts that the server has
}

// EvalSha asks the server the first time, so that it learns the script when it does not know it.
func (l *later) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	if !l.seen[sha] {
		exists, err := l.ScriptExists(ctx, sha).Result()
		if err != nil || !exists[0] {
			return l.UniversalClient.EvalSha(ctx, sha, keys, args...)
		}
		l.seen = map[string]bool{sha: true}
	}
	l.pipe.EvalSha(ctx, sha, keys, args...)
	cmd := redis.NewCmd(ctx)
	cmd.SetVal(int64(1))
	return cmd
}

func (s *asynqs) Work(_ context.Context, concurrency int, run func(n int64)) (func() error, error) {
	server := asynq.NewServer(s.opt, asynq.Config{Concurrency: concurrency, LogLevel: asynq.FatalLevel})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		var job Job
		if err := json.Unmarshal(task.Payload(), &job); err != nil {
			return err
		}
		run(job.N)
		return nil
	}))
	return func() error {
		server.Shutdown()
		return nil
	}, err
}

func (s *asynqs) Left(ctx context.Context) (int, error) {
	pipe := s.raw.Pipeline()
	waiting, running := pipe.LLen(ctx, "asynq:{default}:pending"), pipe.LLen(ctx, "asynq:{default}:active")
	due, again := pipe.ZCard(ctx, "asynq:{default}:scheduled"), pipe.ZCard(ctx, "asynq:{default}:retry")
	_, err := pipe.Exec(ctx)
	return int(waiting.Val() + running.Val() + due.Val() + again.Val()), err
}

func (s *asynqs) Close() error { return errors.Join(s.client.Close(), s.raw.Close()) }
