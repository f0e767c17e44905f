package crashtest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/history"
	"github.com/errandhq/errand/internal/testproc"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/internal/wait"
	"github.com/errandhq/errand/store"
)

// TestFaultRun proves, for every store that outlives a process, that workers killed in a handler, killed while they
// settle, frozen for longer than their lease, or killed by their own job, and a server killed with kill -9 and started
// again on its data, break none of the invariants I1 to I8. Producers and other workers go on all the while.
func TestFaultRun(t *testing.T) {
	for _, kind := range []struct {
		name  string
		start func(*testing.T) (url string, server *testserver.Server)
	}{
		{"sqlite", func(t *testing.T) (string, *testserver.Server) {
			return "sqlite:" + filepath.Join(t.TempDir(), "jobs.db"), nil
		}},
		{"postgres", func(t *testing.T) (string, *testserver.Server) {
			s := testserver.OwnPostgres(t)
			return s.URL, s
		}},
		{"mariadb", func(t *testing.T) (string, *testserver.Server) {
			s := testserver.OwnMariaDB(t)
			return strings.TrimSuffix(s.URL, "/") + "/mysql", s // the one database that is there
		}},
		{"redis", func(t *testing.T) (string, *testserver.Server) {
			s := testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
			return s.URL, s
		}},
		{"redis-everysec", func(t *testing.T) (string, *testserver.Server) {
			s := testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "everysec") // a kill of the process alone costs nothing
			return s.URL, s
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			url, server := kind.start(t)
			r := newFaultRun(t, url, server)
			r.killWorkers()
			r.freezeWorker()
			r.killServer()
			r.poison()
			r.finish()
		})
	}
}

// runRecorded works until it is killed, and writes down what it does. It prints a line for each handler that starts and
// for each settle.
func runRecorded(args []string) error {
	ctx := context.Background()
	journal, err := history.Open(args[1])
	if err != nil {
		return err
	}
	st, err := openWhenThere(ctx, args[0])
	if err != nil {
		return err
	}
	defer st.Close()
	rec := history.Record(st, journal)
	rec.Settling = func() { fmt.Println("settling") }
	w := errand.NewWorker(rec.Wrapped(), errand.WorkerConfig{
		Queues: []string{queueName}, Concurrency: 8, Lease: lease, Logger: quiet,
	})
	w.Register(errand.DefineFunc("step", func(ctx context.Context, s step) error {
		info, _ := errand.JobFromContext(ctx)
		if err := journal.Started(info.ID, rec.Token(info.ID), info.Started); err != nil {
			return err
		}
		switch {
		case s.Kill:
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		case s.Slow:
			fmt.Println("slow")
			time.Sleep(slowly)
		default:
			fmt.Println("started")
		}
		if s.N%10 == 0 && info.Attempt == 1 {
			return errors.New("the first attempt fails")
		}
		return nil
	}))
	return w.Run(ctx)
}

// openWhenThere opens a store as soon as its server serves.
func openWhenThere(ctx context.Context, url string) (errand.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	waiter := wait.Waiter{First: 20 * time.Millisecond, Max: 200 * time.Millisecond}
	for {
		st, err := store.Open(ctx, url)
		if err == nil {
			return st, nil
		}
		if waiter.Wait(ctx) != nil {
			return nil, err
		}
	}
}

// faultRun is a store, the producers and workers that use it, and the history of what they did.
type faultRun struct {
	*testing.T
	url, path string
	server    *testserver.Server // nil: there is none
	st        errand.Store
	rec       *history.Recorder
	work      *errand.Task[step, errand.None]

	crew         []*member
	acknowledged atomic.Int64
	stop         func() // the producers
	stopped      chan struct{}
	producers    sync.WaitGroup
}

// member is a worker process.
type member struct {
	*testproc.Proc
	said map[string]chan struct{} // has a value when the process has printed the word since it was last asked
	dead chan struct{}
}

func newFaultRun(t *testing.T, url string, server *testserver.Server) *faultRun {
	t.Helper()
	r := &faultRun{T: t, url: url, server: server, path: filepath.Join(t.TempDir(), "journal"), stopped: make(chan struct{})}
	journal, err := history.Open(r.path)
	if err != nil {
		t.Fatal(err)
	}
	if r.st, err = store.Open(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	r.rec = history.Record(r.st, journal)
	r.work = errand.DefineFunc("step", func(context.Context, step) error { return nil }, errand.Retry(3, errand.Fixed(0)))
	r.stop = sync.OnceFunc(func() { close(r.stopped) })
	t.Cleanup(func() {
		r.stop()
		r.producers.Wait()
		for _, m := range r.crew {
			m.Kill()
		}
		_ = r.st.Close()
		_ = journal.Close()
	})
	q := errand.NewQueue(r.rec.Wrapped(), queueName)
	for i := range 4 {
		r.producers.Go(func() { r.produce(q, i) })
	}
	r.crew = []*member{r.hire(), r.hire()}
	return r
}

// produce enqueues a job every few milliseconds, whatever the server says.
func (r *faultRun) produce(q *errand.Queue, producer int) {
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for n := producer; ; n += 4 {
		select {
		case <-r.stopped:
			return
		case <-pace.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if _, err := r.work.Enqueue(ctx, q, step{N: n}); err == nil {
			r.acknowledged.Add(1)
		}
		cancel()
	}
}

func (r *faultRun) hire() *member {
	r.Helper()
	p, err := testproc.Start("recorded", r.url, r.path)
	if err != nil {
		r.Fatal(err)
	}
	m := &member{Proc: p, said: map[string]chan struct{}{}, dead: make(chan struct{})}
	for _, word := range []string{"started", "slow", "settling"} {
		m.said[word] = make(chan struct{}, 1)
	}
	go func() {
		defer close(m.dead)
		for word := range p.Lines {
			select {
			case m.said[word] <- struct{}{}:
			default:
			}
		}
	}()
	return m
}

// hears waits until the member says a word from now on.
func (r *faultRun) hears(m *member, word string) {
	r.Helper()
	select {
	case <-m.said[word]: // said before
	default:
	}
	select {
	case <-m.said[word]:
	case <-m.dead:
		r.Fatalf("a worker ended by itself before it was %s", word)
	case <-time.After(2 * time.Minute):
		r.Fatalf("a worker was not %s within two minutes", word)
	}
}

// until waits for something, and replaces workers that have died meanwhile.
func (r *faultRun) until(what string, done func() bool) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 4*time.Minute)
	defer cancel()
	waiter := wait.Waiter{First: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	for !done() {
		for i, m := range r.crew {
			select {
			case <-m.dead:
				m.Kill() // and is waited for
				r.crew[i] = r.hire()
			default:
			}
		}
		if waiter.Wait(ctx) != nil {
			r.Fatalf("four minutes have passed without this: %s", what)
		}
	}
}

func (r *faultRun) untilMoreAcknowledged(n int64) {
	r.Helper()
	goal := r.acknowledged.Load() + n
	r.until(fmt.Sprintf("%d more jobs are acknowledged", n), func() bool { return r.acknowledged.Load() >= goal })
}

// enqueue adds one job and returns its id.
func (r *faultRun) enqueue(s step) string {
	r.Helper()
	h, err := r.work.Enqueue(r.Context(), errand.NewQueue(r.rec.Wrapped(), queueName), s)
	if err != nil {
		r.Fatal(err)
	}
	return h.ID
}

// killWorkers kills workers until a kill has met a settle, and then some.
func (r *faultRun) killWorkers() {
	words := []string{"started", "settling"}
	for kills := 0; kills < 5 || !r.settleCutOff() && kills < 30; kills++ {
		r.hears(r.crew[0], words[kills%2])
		r.crew[0].Kill()
		r.crew[0] = r.hire()
		r.untilMoreAcknowledged(50)
	}
}

// settleCutOff reports whether a worker was killed while it settled: for long it has been unknown what came of that.
func (r *faultRun) settleCutOff() bool {
	events, err := history.Read(r.path)
	if err != nil {
		return false // somebody is just writing
	}
	long := time.Now().Add(-2 * lease).UnixNano()
	return slices.ContainsFunc(events, func(e history.Event) bool {
		return e.Op == history.Settle && e.Result == history.Unknown && e.Called < long
	})
}

// freezeWorker stops a worker for longer than its lease, until the other has run its job, and lets it go on. On SQLite,
// where a process may be stopped while it holds the file's lock, TestFrozenWorkerIsRefused does this.
func (r *faultRun) freezeWorker() {
	if r.server == nil {
		return
	}
	id := r.enqueue(step{N: 1, Slow: true})
	frozen, other := r.crew[0], r.crew[1]
	select {
	case <-frozen.said["slow"]:
	case <-other.said["slow"]:
		frozen, other = other, frozen
	case <-time.After(2 * time.Minute):
		r.Fatal("the slow job did not start within two minutes")
	}
	if err := frozen.Signal(syscall.SIGSTOP); err != nil {
		r.Fatal(err)
	}
	r.hears(other, "slow")
	if err := frozen.Signal(syscall.SIGCONT); err != nil {
		r.Fatal(err)
	}
	r.until("the slow job has ended", func() bool {
		_, err := r.st.Job(r.Context(), queueName, id)
		return errors.Is(err, errand.ErrJobNotFound)
	})
	r.untilMoreAcknowledged(50)
}

// killServer kills the server until a kill has met an enqueue, and then some.
func (r *faultRun) killServer() {
	if r.server == nil {
		return
	}
	for kills := 1; kills <= 3 || r.rec.Unknown() == 0 && kills <= 10; kills++ {
		r.untilMoreAcknowledged(100)
		r.server.Kill()
		r.server.Restart()
	}
	r.untilMoreAcknowledged(100)
}

// poison lets a job kill its workers until it is given up.
func (r *faultRun) poison() {
	id := r.enqueue(step{N: 1, Kill: true})
	r.until("the job that kills its worker is failed", func() bool {
		job, err := r.st.Job(r.Context(), queueName, id)
		return err == nil && job.State == errand.StateFailed
	})
}

// finish lets the workers do what is left, and checks what came of it.
func (r *faultRun) finish() {
	r.stop()
	r.producers.Wait()
	r.until("every job is final", func() bool {
		infos, err := r.st.Queues(r.Context(), time.Now())
		return err == nil && len(infos) == 1 && waiting(&infos[0]) == 0
	})
	for _, m := range r.crew {
		m.Kill()
	}
	left := r.left()
	events, err := history.Read(r.path)
	if err != nil {
		r.Fatal(err)
	}
	broken := history.Check(events, left, history.Bounds{Recoveries: errand.DefaultMaxRecoveries, Skew: lease / 2})
	if len(broken) > 0 {
		r.Errorf("%d invariants are broken:\n%s", len(broken), strings.Join(broken[:min(len(broken), 30)], "\n"))
	}
	r.sightings(events, left)
}

func waiting(info *errand.QueueInfo) int64 {
	n := int64(0)
	for state, count := range info.Counts {
		if !state.Final() {
			n += count
		}
	}
	return n
}

// left returns the jobs that are still in the store, and compares the queue's counters with them.
func (r *faultRun) left() []*errand.Job {
	r.Helper()
	var jobs []*errand.Job
	counts := map[errand.State]int64{}
	for filter := (errand.JobFilter{Limit: 1000}); ; {
		page, err := r.st.Jobs(r.Context(), filter)
		if err != nil {
			r.Fatal(err)
		}
		for _, job := range page.Jobs {
			counts[job.State]++
		}
		jobs = append(jobs, page.Jobs...)
		if filter.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	infos, err := r.st.Queues(r.Context(), time.Now())
	if err != nil {
		r.Fatal(err)
	}
	for _, info := range infos {
		for _, state := range errand.States() {
			if info.Counts[state] != counts[state] {
				r.Errorf("%d jobs are counted as %v, and %d are", info.Counts[state], state, counts[state])
			}
		}
	}
	return jobs
}

// sightings fails a run that met too little to prove anything.
func (r *faultRun) sightings(events []history.Event, left []*errand.Job) {
	r.Helper()
	type claim struct {
		id    string
		token int64
	}
	settled, newest := map[claim]bool{}, map[string]int64{}
	seen := map[string]int{}
	for _, e := range events {
		switch {
		case e.Op == history.Claim:
			newest[e.ID] = max(newest[e.ID], e.Token)
		case e.Op == history.Settle:
			settled[claim{e.ID, e.Token}] = true
			if e.Result == history.Unknown {
				seen["settle without a reply"]++
			}
		case e.Op == history.Enqueue && e.Result == history.Unknown:
			seen["enqueue without a reply"]++
		case e.Op == history.Enqueue:
			seen["enqueue"]++
		}
	}
	for _, e := range events {
		switch {
		case e.Op == history.Start && !settled[claim{e.ID, e.Token}]:
			seen["handler that was killed"]++
		case (e.Op == history.Settle || e.Op == history.Renew) && e.Result == history.Refused && e.Token < newest[e.ID]:
			seen["zombie that was refused"]++
		}
	}
	for _, job := range left {
		if rec, ok := job.LastError(); ok && strings.Contains(rec.Error, errand.ErrPoisoned.Error()) {
			seen["poison pill"]++
		}
	}
	r.Logf("%d events, %d jobs left; seen: %v", len(events), len(left), seen)
	wanted := []string{"settle without a reply", "handler that was killed", "poison pill"}
	if r.server != nil {
		wanted = append(wanted, "enqueue without a reply", "zombie that was refused")
	}
	for _, what := range wanted {
		if seen[what] == 0 {
			r.Errorf("the run has seen no %s: it proves nothing", what)
		}
	}
	if n := len(slices.DeleteFunc(left, func(j *errand.Job) bool { return j.State == errand.StateFailed })); n > 0 {
		r.Errorf("%d jobs are neither deleted nor failed", n)
	}
}
