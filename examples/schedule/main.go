// Schedule runs jobs later, and important ones first.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// Say is a task without a result.
var Say = errand.DefineFunc("say", func(_ context.Context, words string) error {
	fmt.Println(words)
	return nil
})

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
	q := errand.NewQueue(st, "words")

	// Jobs may wait for their time: for a while, by the store's clock, or until a moment.
	last, err := Say.Enqueue(ctx, q, "in a while", errand.In(2*time.Second))
	if err != nil {
		return err
	}
	if _, err := Say.Enqueue(ctx, q, "at its time", errand.At(time.Now().Add(time.Second))); err != nil {
		return err
	}
	// Among those whose time has come the higher priority goes first, then who came first.
	if _, err := Say.EnqueueMany(ctx, q, []string{"first", "second"}); err != nil {
		return err
	}
	if _, err := Say.Enqueue(ctx, q, "urgent", errand.Priority(9)); err != nil {
		return err
	}

	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"words"}, Concurrency: 1})
	w.Register(Say)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()

	if err := last.Wait(ctx); err != nil {
		return err
	}
	stop()
	return <-done
}
