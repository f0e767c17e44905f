package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/cli"
	"github.com/errandhq/errand/store"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "errand-*")
	if err != nil {
		panic(err)
	}
	os.Setenv("ERRAND_STORE", "sqlite:"+filepath.Join(dir, "backoffice.db"))
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

func Example() {
	ctx := context.Background()
	if err := enqueueDemo(ctx, os.Stdout); err != nil {
		fmt.Println(err)
	}
	var stderr bytes.Buffer
	if status := cli.Run(ctx, app(), []string{"worker", "--burst", "--concurrency", "1"}, nil, os.Stdout, &stderr); status != 0 {
		fmt.Println(status, stderr.String())
	}
	st, err := store.Open(ctx, storeURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer st.Close()
	page, err := st.Jobs(ctx, errand.JobFilter{})
	if err != nil {
		fmt.Println(err)
	}
	for _, job := range page.Jobs {
		rec, _ := job.LastError()
		fmt.Printf("%s %v: %s\n", job.Task, job.State, rec.Error)
	}
	// Output:
	// enqueued 6 jobs
	// m-17: told "next"
	// m-17: 3 readings, 12 in all
	// Dear Ada, your balance is 75.25.
	// Dear Bob, you have won a prize!
	// Dear Cat, you have won a prize!
	// send-command failed: meter m-0 does not answer
}
