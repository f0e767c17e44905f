package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

var errInterrupted = errors.New("interrupted")

// untilSignal calls run with a context that ends at the first SIGINT or SIGTERM, and a channel that is closed at the
// second. The third ends the process.
func untilSignal(run func(ctx context.Context, abort <-chan struct{}) int) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	abort, done := make(chan struct{}), make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-signals:
			case <-done:
				return
			}
			switch n {
			case 1:
				cancel(errInterrupted)
			case 2:
				close(abort)
			default:
				os.Exit(exitFailed)
			}
		}
	})
	status := run(ctx, abort)
	signal.Stop(signals)
	close(done)
	watch.Wait()
	return status
}
