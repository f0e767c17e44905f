// Retries shows what a task can do about trouble: be retried, ask for patience, or give up at once.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// open says whether the shop is open; it is closed at the first visit.
var open atomic.Bool

// Deliver fails in ways that depend on where to. Its jobs are retried three times, unless their enqueue says otherwise.
var Deliver = errand.DefineFunc("deliver", func(ctx context.Context, where string) error {
	job, _ := errand.JobFromContext(ctx)
	fmt.Printf("%s: attempt %d\n", where, job.Attempt)
	switch where {
	case "a flaky server":
		if job.Attempt < 3 {
			return errors.New("connection reset") // the next attempt follows after the backoff
		}
	case "a busy server":
		if job.Attempt < 2 {
			return errand.RetryAfter(20*time.Millisecond, errors.New("come back later")) // it said when
		}
	case "nowhere":
		return errand.Discard(errors.New("no such address")) // trying again would not help
	case "a shop that opens soon":
		if !open.Swap(true) {
			return errand.Snooze(50 * time.Millisecond) // not an error, and no attempt is charged
		}
	}
	return nil
}, errand.Retry(3, errand.Exponential(10*time.Millisecond, time.Second)))

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	st := memory.New()
	defer st.Close()
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"parcels"}})
	w.Register(Deliver)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()

	q := errand.NewQueue(st, "parcels")
	for _, where := range []string{"a flaky server", "a busy server", "nowhere", "a shop that opens soon"} {
		job, err := Deliver.Enqueue(ctx, q, where)
		if err != nil {
			return err
		}
		var failure *errand.JobError
		switch err := job.Wait(ctx); {
		case err == nil:
			fmt.Printf("%s: done\n", where)
		case errors.As(err, &failure):
			fmt.Printf("%s: failed for good: %s\n", where, failure.Message)
		default:
			return err
		}
	}
	stop()
	return <-done
}
