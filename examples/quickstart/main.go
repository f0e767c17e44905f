// Quickstart defines a task, enqueues a call of it, runs a worker and waits for the result. It is the first program of the
// README, and leaves jobs.db behind.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/sqlite"
)

// Square is a task: a Go function with a name, so that it can be called later, and elsewhere.
var Square = errand.Define("square", func(_ context.Context, n int) (int, error) {
	return n * n, nil
})

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	st, err := sqlite.Open(ctx, "jobs.db")
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	q := errand.NewQueue(st, "math")
	job, err := Square.Enqueue(ctx, q, 12, errand.KeepResult(time.Hour))
	if err != nil {
		log.Fatal(err)
	}

	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"math"}, Concurrency: 10})
	w.Register(Square)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()

	n, err := job.Result(ctx) // typed; waits
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n) // 144

	stop() // running jobs finish, the others go back
	if err := <-done; err != nil {
		log.Fatal(err)
	}
}
