// Progress shows how far a job is and what it says while it runs, and cancels one.
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

// Import is work that takes long and says so.
var Import = errand.DefineFunc("import", func(ctx context.Context, rows int) error {
	job, _ := errand.JobFromContext(ctx)
	for row := range rows / 2 {
		job.Progress(int64(row+1), int64(rows))
	}
	job.Logf("half of %d rows are in", rows)
	<-ctx.Done() // the other half would take for ever
	fmt.Println("the task was told:", context.Cause(ctx))
	return ctx.Err()
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
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"imports"}})
	w.Register(Import)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()

	handle, err := Import.Enqueue(ctx, errand.NewQueue(st, "imports"), 1000)
	if err != nil {
		return err
	}
	// Whoever has the store can look at the job. Progress is stored at most a few times a second.
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for range look.C {
		job, err := handle.Job(ctx)
		if err != nil {
			return err
		}
		if p := job.Progress; p != nil && len(p.Log) > 0 {
			fmt.Printf("%d of %d: %s\n", p.Done, p.Total, p.Log[0])
			break
		}
	}

	// Canceling a job that runs ends its context; one that waits is not run at all.
	now, err := st.Now(ctx)
	if err != nil {
		return err
	}
	if _, err := st.Cancel(ctx, errand.Command{Now: now, IDs: []string{handle.ID}}); err != nil {
		return err
	}
	if err := handle.Wait(ctx); !errors.Is(err, errand.ErrCanceled) {
		return fmt.Errorf("not canceled: %w", err)
	}
	fmt.Println("canceled")
	stop()
	return <-done
}
