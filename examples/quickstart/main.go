// Quickstart defines a task, enqueues a call of it, runs a worker and waits for the result.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/sqlite"
)

// Square is a task: a Go function with a name, which the store keeps in place of the function.
var Square = errand.Define("square", func(_ context.Context, n int) (int, error) {
	return n * n, nil
})

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, stop); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, stop func()) error {
	dir, err := os.MkdirTemp("", "errand-*") // a program of yours keeps its file
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	st, err := sqlite.Open(ctx, filepath.Join(dir, "jobs.db"))
	if err != nil {
		return err
	}
	defer st.Close()

	// Whoever has the store can enqueue. A finished job is deleted at once, unless its result is to be kept.
	q := errand.NewQueue(st, "math")
	job, err := Square.Enqueue(ctx, q, 12, errand.KeepResult(time.Hour))
	if err != nil {
		return err
	}

	// Workers run in this process or in others, on this machine or on others.
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"math"}, Concurrency: 10})
	w.Register(Square)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()

	n, err := job.Result(ctx)
	if err != nil {
		return err
	}
	fmt.Println("12 squared is", n)

	stop() // the end of ctx stops the worker: running jobs may finish
	return <-done
}
