// Parameters turns a function of one parameter into a loop over a queue of parameters.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/memory"
)

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

	limit := 1000
	squares := make(chan int)
	numbers := hotqueue.New[int](st, "numbers")
	square := hotqueue.Worker(numbers, func(_ context.Context, n int) error {
		if n > limit {
			return fmt.Errorf("%d is more than %d", n, limit)
		}
		squares <- n * n
		return nil
	}) // calls one at a time, in order; hotqueue.Concurrency(n) makes it n

	// The loop waits when the queue is empty. It runs until ctx ends.
	done := make(chan error, 1)
	go func() { done <- square.Run(ctx) }()

	// Anybody may put parameters, here or in another program.
	if err := numbers.Put(ctx, 12, 5000, 7); err != nil {
		return err
	}
	fmt.Println(<-squares)
	fmt.Println(<-squares)

	// A parameter whose call fails is kept as a failed job ...
	page, err := st.Jobs(ctx, errand.JobFilter{Queue: "numbers", State: errand.StateFailed})
	if err != nil {
		return err
	}
	for _, job := range page.Jobs {
		rec, _ := job.LastError()
		fmt.Printf("%s failed: %s\n", job.Payload, rec.Error)
	}

	// ... and called again when somebody requeues it.
	limit = 10_000
	now, err := st.Now(ctx)
	if err != nil {
		return err
	}
	if _, err := st.Requeue(ctx, errand.Command{Now: now, Filter: errand.JobFilter{Queue: "numbers"}}); err != nil {
		return err
	}
	fmt.Println(<-squares)

	stop()
	return <-done
}
