package redis_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testproc"
	"github.com/errandhq/errand/internal/testserver"
)

// commands counts what a server has carried out, scripts and what they call among it, since it was started.
func commands(t testing.TB, server *testserver.Server) (all, scripts int64) {
	t.Helper()
	for line := range strings.Lines(server.Ask(0, "INFO", "commandstats")) {
		name, rest, _ := strings.Cut(line, ":calls=")
		text, _, _ := strings.Cut(rest, ",")
		n, err := strconv.ParseInt(text, 10, 64)
		switch name {
		case "cmdstat_info", "cmdstat_ping":
			continue // our own question, and the client's when it has waited for a second
		case "cmdstat_evalsha":
			scripts = n
		}
		if err == nil {
			all += n
		}
	}
	return all, scripts
}

// An idle worker in another process sends the server at most two commands a second, and starts a job that comes without
// waiting for its next look. BenchmarkPickup tells how soon.
func TestIdleWorker(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "no")
	p := newPrefix()
	st := openAt(t, place{server.URL, p})
	waits := otherPickup(t, st, server, p, 1)
	t.Logf("the first job waited %v", waits[0])
	const span = 6 * time.Second
	<-time.After(time.Second) // what follows from that job
	before, scripts := commands(t, server)
	began := time.Now()
	<-time.After(span)
	after, scriptsAfter := commands(t, server)
	lasted := time.Since(began)
	// Commands that scripts call are no round trips: a script stands for them.
	t.Logf("an idle worker: %d commands in %v, %d of them scripts", after-before, lasted, scriptsAfter-scripts)
	if each := float64(scriptsAfter-scripts) / lasted.Seconds(); each > 2 {
		t.Errorf("%.1f round trips a second, at most 2 are allowed", each)
	}
	waits = otherPickup(t, st, server, p, 200)
	t.Logf("pickup by another process: p50 %v, p99 %v", waits[len(waits)/2], waits[len(waits)*99/100])
	// A worker that nobody wakes looks every five seconds. How much less it is says the machine too, so that is logged only.
	if waits[len(waits)/2] > time.Second {
		t.Errorf("half of the jobs waited for %v and more, as if nobody had woken the worker", waits[len(waits)/2])
	}
}

var others = make(map[string]*testproc.Proc) // by prefix

// otherPickup has a worker in another process run jobs that come one by one, and returns how long each waited from the call
// of Enqueue to the start of its handler, sorted.
func otherPickup(tb testing.TB, st errand.Store, server *testserver.Server, prefix string, jobs int) []time.Duration {
	tb.Helper()
	proc := others[prefix]
	if proc == nil {
		var err error
		if proc, err = testproc.Start("worker", server.URL, prefix); err != nil {
			tb.Fatal(err)
		}
		others[prefix] = proc
		tb.Cleanup(func() { proc.Kill() })
	}
	q := errand.NewQueue(st, "work")
	task := errand.DefineFunc("work", func(context.Context, int) error { return nil })
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	var waits []time.Duration
	for n := range jobs {
		<-pace.C
		called := time.Now()
		if _, err := task.Enqueue(tb.Context(), q, n); err != nil {
			tb.Fatal(err)
		}
		line, ok := <-proc.Lines
		us, err := strconv.ParseInt(line, 10, 64)
		if !ok || err != nil {
			tb.Fatalf("the worker has ended, or says %q", line)
		}
		waits = append(waits, time.UnixMicro(us).Sub(called))
	}
	slices.Sort(waits)
	return waits
}

// BenchmarkPickup is how long a job waits, from the call of Enqueue to the start of its handler in another process that has
// nothing else to do.
func BenchmarkPickup(b *testing.B) {
	server := testserver.Redis(b)
	p := newPrefix()
	st := openAt(b, place{server.URL, p})
	otherPickup(b, st, server, p, 50)
	b.ResetTimer()
	waits := otherPickup(b, st, server, p, max(b.N, 2))
	for _, part := range []int{50, 99} {
		b.ReportMetric(float64(waits[(len(waits)-1)*part/100].Microseconds())/1000, fmt.Sprintf("ms-p%d", part))
	}
}
