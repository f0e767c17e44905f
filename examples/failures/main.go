// Failures shows what is kept of jobs that fail: enough to find the reason, mend it and run them again.
package main

import (
	"context"
	"fmt"
	"log"
	"strconv"
	"strings"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// While it is set this program has two bugs, which people mend below.
var buggy = true

// Divide panics on zero while the bug is in it.
var Divide = errand.DefineFunc("divide", func(_ context.Context, by int) error {
	if by == 0 && !buggy {
		fmt.Println("nothing to divide")
		return nil
	}
	fmt.Println(100 / by)
	return nil
})

// Price returns an error that wraps another.
var Price = errand.DefineFunc("price", func(_ context.Context, text string) error {
	if !buggy {
		text = strings.Replace(text, ",", ".", 1)
	}
	price, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("read the price: %w", err)
	}
	fmt.Println(price)
	return nil
})

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	st := memory.New()
	defer st.Close()
	q := errand.NewQueue(st, "calculation")
	if _, err := Divide.EnqueueMany(ctx, q, []int{4, 0, 5}); err != nil {
		return err
	}
	if _, err := Price.Enqueue(ctx, q, "9,99"); err != nil {
		return err
	}
	if err := work(ctx, st); err != nil { // a failed job stops nothing
		return err
	}

	// A person looks: at the error, what it wraps, and the stack trace of a panic.
	failed := errand.JobFilter{Queue: "calculation", State: errand.StateFailed}
	page, err := st.Jobs(ctx, failed)
	if err != nil {
		return err
	}
	for _, job := range page.Jobs {
		rec, _ := job.LastError()
		fmt.Printf("%s(%s) failed: %s\n", job.Task, job.Payload, rec.Error)
		for _, wrapped := range rec.Chain[1:] {
			fmt.Println("\twhich wraps", wrapped)
		}
		if strings.Contains(rec.Stack, "failures/main.go") {
			fmt.Println("\tand its stack trace leads to this file")
		}
	}

	// A person mends the program and requeues: one job by its id, or all that a filter selects.
	buggy = false
	now, err := st.Now(ctx)
	if err != nil {
		return err
	}
	reply, err := st.Requeue(ctx, errand.Command{Now: now, Filter: failed})
	if err != nil {
		return err
	}
	fmt.Println("requeued", reply.Done)
	return work(ctx, st)
}

func work(ctx context.Context, st errand.Store) error {
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"calculation"}, Concurrency: 1, Burst: true})
	w.Register(Divide, Price)
	return w.Run(ctx)
}
