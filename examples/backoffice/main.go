// Backoffice is what a back office runs behind its web pages, as one binary: three queues (data upload, command downlink,
// automatic calculation), people who are told things, and its own worker command:
//
//	go run ./examples/backoffice enqueue-demo     # what requests to the web pages would enqueue
//	go run ./examples/backoffice worker --burst   # runs it; without --burst, for ever
//	go run ./examples/backoffice info             # looks at the queues; "help" lists the rest
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/cli"
	"github.com/errandhq/errand/store"
)

// The queues, in the order in which workers serve them: commands do not wait for calculations.
const (
	downlink    = "downlink"
	upload      = "upload"
	calculation = "calculation"
)

// app is the command line of this program: Errand's own, with the tasks of tasks.go.
func app() cli.App {
	return cli.App{
		Tasks:  []errand.AnyTask{UploadData, SendCommand, TellBalance, TellPrize},
		Queues: []string{downlink, upload, calculation},
		Store:  storeURL(),
	}
}

// storeURL says where the jobs are. Set it to a server's URL, and the office may have many machines.
func storeURL() string {
	if url := os.Getenv("ERRAND_STORE"); url != "" {
		return url
	}
	return "sqlite:backoffice.db"
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "enqueue-demo" {
		if err := enqueueDemo(context.Background(), os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	cli.Main(app())
}

// enqueueDemo does what the office's web pages do: they call nothing that takes long, they enqueue it.
func enqueueDemo(ctx context.Context, out io.Writer) error {
	st, err := store.Open(ctx, storeURL())
	if err != nil {
		return err
	}
	defer st.Close()
	uploads, downlinks, calculations := errand.NewQueue(st, upload), errand.NewQueue(st, downlink), errand.NewQueue(st, calculation)

	// A meter has sent its readings, and is told to go on.
	if _, err := UploadData.Enqueue(ctx, uploads, Readings{Meter: "m-17", Values: []float64{3.5, 4, 4.5}}); err != nil {
		return err
	}
	if _, err := SendCommand.Enqueue(ctx, downlinks, Command{Meter: "m-17", Order: "next"}); err != nil {
		return err
	}
	// A meter that does not answer: the job fails, and waits for somebody to look and to requeue it.
	if _, err := SendCommand.Enqueue(ctx, downlinks, Command{Meter: "m-0", Order: "next"}); err != nil {
		return err
	}
	// A customer is told a balance, which takes some calculation, and two people are told of a prize.
	if _, err := TellBalance.Enqueue(ctx, calculations, Account{Customer: "Ada", Cents: []int64{10000, -2550, 75}}); err != nil {
		return err
	}
	if _, err := TellPrize.EnqueueMany(ctx, calculations, []string{"Bob", "Cat"}); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "enqueued 6 jobs")
	return err
}
