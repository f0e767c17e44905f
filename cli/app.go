// Package cli is Errand's command line. Package cmd/errand is the ready binary of it; a program of one's own is a main of
// a few lines, which knows its tasks and so can run them too:
//
//	var Square = errand.Define("square", func(ctx context.Context, n int) (int, error) {
//		return n * n, nil
//	})
//
//	func main() {
//		cli.Main(cli.App{Tasks: []errand.AnyTask{Square}, Store: "sqlite:jobs.db"})
//	}
//
// Built as "office", "office worker" runs its jobs, "office enqueue square 12" adds one, "office info" looks at the
// queues; "office help" lists the rest.
//
// The exit status is 0 when all is done, 1 when it failed and 2 when the command line was misused. What reports has
// --json, whose fields stay; see json.go.
package cli

import (
	"context"
	"io"
	"os"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store"
)

// App says what a command line knows. The zero value is one that can look at every store and run the demo's jobs only.
type App struct {
	// Name is the program's name in its help. Default: the name under which it was called.
	Name string
	// Version is what the version command prints. Default: what the Go toolchain recorded in the binary.
	Version string
	// Store is the URL of the store where neither --store nor $ERRAND_STORE names one. Default "sqlite:errand.db".
	Store string
	// Tasks are what the worker command runs, and what the enqueue command checks payloads against.
	Tasks []errand.AnyTask
	// Queues are what the worker command serves unless told otherwise. Default: Worker.Queues, else "default".
	Queues []string
	// Worker has the defaults of the worker command's flags, and what it has no flags for. Its Logger gets what the
	// worker has to say; default: standard error.
	Worker errand.WorkerConfig
	// HotQueues make the parameter workers that the worker command runs beside the jobs' worker, on the store that it
	// has opened.
	HotQueues []func(errand.Store) hotqueue.Runner
}

// The exit statuses.
const (
	exitDone    = 0
	exitFailed  = 1
	exitMisused = 2
)

// Main runs the command line of this process and exits. The first SIGINT or SIGTERM ends what runs cleanly, the second
// cancels running jobs, the third exits at once.
func Main(app App) {
	os.Exit(untilSignal(func(ctx context.Context, abort <-chan struct{}) int {
		s := newSession(app, os.Stdin, os.Stdout, os.Stderr)
		s.abort, s.process = abort, true
		return s.run(ctx, os.Args[1:])
	}))
}

// Run is [Main] without the process: it runs the command line args, without the program's name, until it is done or
// ctx ends, and returns the exit status.
func Run(ctx context.Context, app App, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return newSession(app, stdin, stdout, stderr).run(ctx, args)
}

// opener opens a store by its URL.
type opener func(ctx context.Context, url string) (errand.Store, error)

var _ opener = store.Open
