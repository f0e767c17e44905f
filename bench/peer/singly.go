package peer

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// singly is Errand's store with the other style of acknowledgement: jobs are claimed in batches, and each is settled by a
// request of its own, by the goroutine that ran it. It shows what settling in batches is worth.
type singly struct{ *ours }

func openSingly(ctx context.Context, url string) (System, error) {
	if strings.HasPrefix(url, "sqlite:") {
		url += "?synchronous=normal"
	}
	s, err := openOurs(ctx, url)
	if err != nil {
		return nil, err
	}
	return &singly{s}, nil
}

// claimed is how many jobs a claim takes at most.
const claimed = 500

func (s *singly) Work(_ context.Context, concurrency int, run func(n int64)) (func() error, error) {
	ctx, cancel := context.WithCancel(context.Background())
	jobs := make(chan *errand.Job)
	var wg sync.WaitGroup
	failed := make(chan error, concurrency+1)
	wg.Go(func() {
		defer close(jobs)
		if err := s.claim(ctx, jobs); err != nil {
			failed <- err
		}
	})
	for range concurrency {
		wg.Go(func() {
			for job := range jobs {
				if err := s.runOne(job, run); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	return func() error {
		cancel()
		wg.Wait()
		select {
		case err := <-failed:
			return err
		default:
			return nil
		}
	}, nil
}

// claim sends what it claims, until ctx ends, and looks again every millisecond when there is nothing.
func (s *singly) claim(ctx context.Context, jobs chan<- *errand.Job) error {
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for number := int64(1); ctx.Err() == nil; number++ {
		reply, err := s.st.Claim(context.WithoutCancel(ctx), errand.ClaimRequest{
			Now: time.Now(), Worker: "bench", Number: number, Queues: []string{queue}, Limit: claimed,
			Lease: errand.DefaultLease, MaxRecoveries: errand.DefaultMaxRecoveries,
		})
		if err != nil {
			return err
		}
		for _, job := range reply.Jobs {
			jobs <- job
		}
		if len(reply.Jobs) == 0 {
			<-pause.C
		}
	}
	return nil
}

func (s *singly) runOne(job *errand.Job, run func(n int64)) error {
	var in Job
	if err := json.Unmarshal(job.Payload, &in); err != nil {
		return err
	}
	run(in.N)
	refused, err := s.st.Settle(context.Background(), errand.SettleRequest{Now: time.Now(), Worker: "bench", Outcomes: []errand.Outcome{
		{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded},
	}})
	return errors.Join(append(refused, err)...)
}
