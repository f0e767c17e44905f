// Unique keeps the same work from being queued twice.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// Recalculate is work that need not be done twice for one customer, however many ask for it. It is unique until its job
// is final, and for an hour at most.
var Recalculate = errand.DefineFunc("recalculate", func(_ context.Context, customer int) error {
	fmt.Println("recalculating customer", customer)
	return nil
}, errand.Unique(time.Hour))

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	st := memory.New()
	defer st.Close()
	q := errand.NewQueue(st, "calculation")
	for range 2 { // the second round comes after the first one's work is done
		for _, customer := range []int{7, 7, 8} {
			job, err := Recalculate.Enqueue(ctx, q, customer)
			var duplicate *errand.DuplicateError
			switch {
			case err == nil:
				fmt.Println("customer", customer, "queued")
			case errors.As(err, &duplicate):
				waiting, err := Recalculate.Handle(st, duplicate.ID).Job(ctx)
				if err != nil {
					return err
				}
				fmt.Println("customer", customer, "is", waiting.State, "already")
			default:
				return fmt.Errorf("job %s: %w", job.ID, err)
			}
		}
		w := errand.NewWorker(st, errand.WorkerConfig{
			Queues: []string{"calculation"}, Concurrency: 1,
			Burst: true, // stop when nothing is left to run
		})
		w.Register(Recalculate)
		if err := w.Run(ctx); err != nil {
			return err
		}
	}
	return nil
}
