package peer

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"
)

// rawBatch is how many jobs a step of the raw limit moves.
const rawBatch = 1000

// rawStore is the least work that keeps the promise, on one connection: put in a batch; claim a batch, so that others
// leave it alone and get it back after a while if this one dies; delete it. It has no priorities, no fencing, no wake-ups.
type rawStore interface {
	insert(ctx context.Context, ids []string, payloads [][]byte) error
	// claim runs each job that it took, and returns what remove needs.
	claim(ctx context.Context, run func(payload []byte) error) (taken int, ids any, err error)
	remove(ctx context.Context, ids any) error
	left(ctx context.Context) (int, error)
	close() error
}

// raw makes a System of a rawStore.
type raw struct {
	rawStore
	loops int // claimers
}

// Enqueue adds one job by the statement that adds many.
func (s *raw) Enqueue(ctx context.Context, job Job) error { return s.EnqueueMany(ctx, []Job{job}) }

func (s *raw) EnqueueMany(ctx context.Context, jobs []Job) error {
	ids, payloads := make([]string, len(jobs)), make([][]byte, len(jobs))
	for i, job := range jobs {
		payload, err := json.Marshal(job)
		if err != nil {
			return err
		}
		ids[i], payloads[i] = newID(), payload
	}
	return s.insert(ctx, ids, payloads)
}

func (s *raw) Work(_ context.Context, _ int, run func(n int64)) (func() error, error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	failed := make(chan error, s.loops)
	for range s.loops {
		wg.Go(func() {
			if err := s.loop(ctx, run); err != nil {
				failed <- err
			}
		})
	}
	return func() error {
		cancel()
		wg.Wait()
		close(failed)
		return errors.Join(<-failed)
	}, nil
}

// loop claims, runs and deletes until ctx ends, and looks again every millisecond when there is nothing.
func (s *raw) loop(ctx context.Context, run func(n int64)) error {
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for whole := context.WithoutCancel(ctx); ctx.Err() == nil; {
		taken, ids, err := s.claim(whole, func(payload []byte) error {
			var job Job
			err := json.Unmarshal(payload, &job)
			run(job.N)
			return err
		})
		if err == nil && taken > 0 {
			err = s.remove(whole, ids)
		}
		if err != nil {
			return err
		}
		if taken == 0 {
			<-pause.C
		}
	}
	return nil
}

func (s *raw) Left(ctx context.Context) (int, error) { return s.left(ctx) }
func (s *raw) Close() error                          { return s.close() }
