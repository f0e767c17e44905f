package redis_test

import (
	"sync"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// TestLossByKill measures what a kill -9 of the server under load costs for each of its settings, as docs/durability.md
// tells: how many of the jobs that were acknowledged are gone. What is there runs once each, and nothing else does.
func TestLossByKill(t *testing.T) {
	for _, setting := range []struct {
		name    string
		options []string
		kept    bool // nothing that was acknowledged may be lost
	}{
		{"appendfsync always", []string{"--appendonly", "yes", "--appendfsync", "always"}, true},
		{"appendfsync everysec", []string{"--appendonly", "yes", "--appendfsync", "everysec"}, true},
		{"neither AOF nor RDB", []string{"--appendonly", "no"}, false},
	} {
		server := testserver.Redis(t, setting.options...)
		st := openAt(t, place{server.URL, newPrefix()})
		b := newBooks()
		task := errand.DefineFunc("work", b.run)
		q := errand.NewQueue(st, "work")
		stop := make(chan struct{})
		var producers sync.WaitGroup
		for i := range 16 {
			producers.Go(func() { b.produce(task, q, stop, i, 16) })
		}
		eventually(t, "5000 jobs are acknowledged", func() bool { return b.acknowledged() >= 5000 })
		server.Kill()
		killed := time.Now()
		close(stop)
		server.StartNode(0)
		producers.Wait()
		stopWorker := startWorker(t, st, "work", 10, task)
		eventually(t, "nothing waits", func() bool { return idle(t, st, "work") })
		stopWorker()

		before, lost := 0, 0
		for n, at := range b.acked {
			if at.After(killed) {
				continue
			}
			before++
			if b.ran[n] == 0 {
				lost++
			}
		}
		for n, times := range b.ran {
			if times != 1 {
				t.Errorf("%s: job %d ran %d times", setting.name, n, times)
			}
		}
		t.Logf("%s: of %d jobs acknowledged before the kill %d are lost", setting.name, before, lost)
		if setting.kept && lost > 0 {
			t.Errorf("%s: %d acknowledged jobs are lost", setting.name, lost)
		}
		if !setting.kept && lost == 0 {
			t.Errorf("%s: nothing is lost: is this the setting that was meant?", setting.name)
		}
	}
}
