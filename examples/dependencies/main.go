// Dependencies runs a graph of jobs: each waits for those that it depends on, whichever workers run them.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// Step is one step of a release.
var Step = errand.DefineFunc("step", func(_ context.Context, name string) error {
	if name == "test 1.1" {
		return errors.New("a test failed")
	}
	fmt.Println(name)
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
	for _, version := range []string{"1.0", "1.1"} {
		if err := release(ctx, st, version); err != nil {
			return err
		}
	}
	return nil
}

func release(ctx context.Context, st errand.Store, version string) error {
	q := errand.NewQueue(st, "release")
	compile, err := Step.Enqueue(ctx, q, "compile "+version)
	if err != nil {
		return err
	}
	test, err := Step.Enqueue(ctx, q, "test "+version, errand.DependsOn(compile.ID))
	if err != nil {
		return err
	}
	pack, err := Step.Enqueue(ctx, q, "pack "+version, errand.DependsOn(compile.ID))
	if err != nil {
		return err
	}
	publish, err := Step.Enqueue(ctx, q, "publish "+version, errand.DependsOn(test.ID, pack.ID))
	if err != nil {
		return err
	}

	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"release"}, Concurrency: 1, Burst: true})
	w.Register(Step)
	if err := w.Run(ctx); err != nil {
		return err
	}
	// What depends on a job that failed fails with that reason. Requeue the one, and the others wait for it again.
	var failure *errand.JobError
	switch err := publish.Wait(ctx); {
	case err == nil:
		fmt.Println("published", version)
	case errors.As(err, &failure):
		fmt.Println("not published", version)
	default:
		return err
	}
	return nil
}
