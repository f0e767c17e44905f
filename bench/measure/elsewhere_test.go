package measure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// TestMain has the test's program be the worker process where it is started as one.
func TestMain(m *testing.M) {
	if child, err := Child(context.Background()); child {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKilledWorker proves that a worker process that hangs in its jobs can be killed, and that one that does not can be
// stopped, after they have taken the jobs.
func TestKilledWorker(t *testing.T) {
	e, err := peer.Find(peer.SQLite, "Errand")
	if err != nil {
		t.Fatal(err)
	}
	for _, hang := range []bool{true, false} {
		t.Run(fmt.Sprintf("hang=%v", hang), func(t *testing.T) {
			url := "sqlite:" + t.TempDir() + "/jobs.db"
			s, err := e.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			const jobs = 3
			if err := bulk(t.Context(), s, work(0, jobs, "x")); err != nil {
				t.Fatal(err)
			}
			l := newLedger(jobs)
			w := away(s, e, url, 1)
			w.Hang = hang
			stop, err := w.Work(t.Context(), jobs, l.tick)
			if err != nil {
				t.Fatal(err)
			}
			select {
			case <-l.done:
			case <-time.After(time.Minute):
				t.Error("the worker did not take its jobs")
			}
			if hang {
				stop = w.children[0].kill
			}
			if err := errors.Join(stop(), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}
