// Package crashtest kills and freezes real processes in the middle of their work and then checks what the store promises
// (the invariants I1 to I9 of the project's reliability rules): nothing acknowledged is lost, nothing is settled twice,
// only what was in flight may have run twice, a zombie is refused, and a killer takes no neighbour with it.
package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testproc"
	"github.com/errandhq/errand/internal/wait"
	"github.com/errandhq/errand/store/sqlite"
)

func TestMain(m *testing.M) {
	testproc.Main(map[string]func([]string) error{"worker": runWorker, "producer": runProducer, "counter": runCounter, "ticker": runTicker, "recorded": runRecorded})
	os.Exit(m.Run())
}

const (
	queueName = "crash"
	lease     = time.Second // the shortest there is: a dead worker's jobs are run again soon
	slowly    = 4 * lease   // real work that takes real time: a worker has to be frozen meanwhile
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// step is the parameter of the jobs: what each of them does.
type step struct {
	N    int  `json:"n"`
	Kill bool `json:"kill,omitempty"` // end the process, as a crash in a C library or the kernel's OOM killer would
	Slow bool `json:"slow,omitempty"` // take several leases' time
}

func task(journal *os.File, started func()) *errand.Task[step, errand.None] {
	return errand.DefineFunc("step", func(_ context.Context, s step) error {
		// One write to a file opened for appending is whole, and outlives kill -9.
		if _, err := fmt.Fprintf(journal, "%d\n", s.N); err != nil {
			return err
		}
		started()
		if s.Kill {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		if s.Slow {
			time.Sleep(slowly)
		}
		return nil
	})
}

// runWorker works on a database until it is killed. It prints a line for each handler that starts. With a number of jobs,
// it runs these and then holds on to what it has begun, under leases that a machine may stand still for a while of.
func runWorker(args []string) error {
	var left atomic.Int64
	left.Store(math.MaxInt64)
	lease := lease
	if len(args) > 2 {
		n, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			return err
		}
		left.Store(n)
		lease *= 5
	}
	ctx := context.Background()
	st, err := sqlite.Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer st.Close()
	journal, err := os.OpenFile(args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Concurrency: 16, Lease: lease, Logger: quiet})
	w.Register(task(journal, func() {
		fmt.Println("started")
		if left.Add(-1) < 0 {
			select {}
		}
	}))
	return w.Run(ctx)
}

// runProducer enqueues jobs until it is killed, and prints the id of each that was acknowledged.
func runProducer(args []string) error {
	ctx := context.Background()
	st, err := sqlite.Open(ctx, args[0])
	if err != nil {
		return err
	}
	q, t := errand.NewQueue(st, queueName), task(nil, nil)
	for n := 0; ; n++ {
		h, err := t.Enqueue(ctx, q, step{N: n})
		if err != nil {
			return err
		}
		fmt.Println(h.ID)
	}
}

// scene is a database, the journal of what ran, and the processes at work on it.
type scene struct {
	*testing.T
	db, journal string
	st          *sqlite.Store
	workers     []*testproc.Proc
}

func newScene(t *testing.T) *scene {
	t.Helper()
	dir := t.TempDir()
	s := &scene{T: t, db: filepath.Join(dir, "jobs.db"), journal: filepath.Join(dir, "journal")}
	st, err := sqlite.Open(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	s.st = st
	t.Cleanup(func() {
		for _, p := range s.workers {
			p.Kill()
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *scene) enqueue(steps []step) {
	s.Helper()
	if _, err := task(nil, nil).EnqueueMany(s.Context(), errand.NewQueue(s.st, queueName), steps); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) startWorker(jobs ...string) *testproc.Proc {
	s.Helper()
	return s.start("worker", append([]string{s.db, s.journal}, jobs...)...)
}

func (s *scene) start(mode string, args ...string) *testproc.Proc {
	s.Helper()
	p, err := testproc.Start(mode, args...)
	if err != nil {
		s.Fatal(err)
	}
	s.workers = append(s.workers, p)
	return p
}

// await reads n lines of what a process prints.
func (s *scene) await(p *testproc.Proc, n int) {
	s.Helper()
	patience := time.After(2 * time.Minute)
	for i := range n {
		select {
		case _, ok := <-p.Lines:
			if !ok {
				s.Fatalf("the process ended after %d of %d lines", i, n)
			}
		case <-patience:
			s.Fatalf("%d of %d lines within two minutes", i, n)
		}
	}
}

// drop lets a process print what it likes.
func drop(p *testproc.Proc) {
	go func() {
		for range p.Lines {
		}
	}()
}

func (s *scene) info() errand.QueueInfo {
	s.Helper()
	queues, err := s.st.Queues(context.Background(), time.Now())
	if err != nil || len(queues) != 1 {
		s.Fatalf("%d queues, %v", len(queues), err)
	}
	return queues[0]
}

// drained waits until every job is final.
func (s *scene) drained() errand.QueueInfo {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 2*time.Minute)
	defer cancel()
	waiter := wait.Waiter{First: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	for {
		info := s.info()
		c := info.Counts
		if c[errand.StateQueued]+c[errand.StateStarted]+c[errand.StateScheduled]+c[errand.StateDeferred] == 0 {
			return info
		}
		if err := waiter.Wait(ctx); err != nil {
			s.Fatalf("not drained within two minutes: %v", c)
		}
	}
}

// runs returns how often each job ran.
func (s *scene) runs() map[int]int {
	s.Helper()
	data, err := os.ReadFile(s.journal)
	if err != nil {
		s.Fatal(err)
	}
	runs := map[int]int{}
	for line := range strings.FieldsSeq(string(data)) {
		n, err := strconv.Atoi(line)
		if err != nil {
			s.Fatal(err)
		}
		runs[n]++
	}
	return runs
}

func steps(n int) []step {
	list := make([]step, n)
	for i := range list {
		list[i].N = i
	}
	return list
}

func TestKilledWorkersLoseNothing(t *testing.T) {
	s := newScene(t)
	const jobs = 10_000
	s.enqueue(steps(jobs))
	inFlight := int64(0)
	for range 2 {
		const first = 2500
		p := s.startWorker(strconv.Itoa(first))
		s.await(p, first+1)
		p.Kill()
		held := s.info().Counts[errand.StateStarted]
		if held == 0 {
			t.Error("the kill hit nothing in flight: it proves nothing")
		}
		inFlight += held
	}
	drop(s.startWorker(strconv.Itoa(jobs)))
	info := s.drained()

	var lost, once, twice, more int64
	runs := s.runs()
	for n := range jobs {
		switch runs[n] {
		case 0:
			lost++
		case 1:
			once++
		case 2:
			twice++
		default:
			more++
		}
	}
	t.Logf("%d jobs, 2 workers killed with kill -9: %d ran once, %d twice, %d more often, %d lost; "+
		"%d were in flight at the kills; %d settled as finished, %d failed",
		jobs, once, twice, more, lost, inFlight, info.Finished.Total, info.Counts[errand.StateFailed])
	if lost > 0 || len(runs) != jobs {
		t.Errorf("%d jobs never ran", lost)
	}
	if twice+2*more > inFlight {
		t.Errorf("%d jobs ran again, but only %d were in flight", twice+more, inFlight)
	}
	if info.Finished.Total != jobs || info.Counts[errand.StateFailed] != 0 {
		t.Errorf("%d jobs were settled as finished, want %d; %d failed", info.Finished.Total, jobs, info.Counts[errand.StateFailed])
	}
}

func TestKilledProducerLosesNothingAcknowledged(t *testing.T) {
	s := newScene(t)
	p, err := testproc.Start("producer", s.db)
	if err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	for id := range p.Lines {
		if acknowledged = append(acknowledged, id); len(acknowledged) == 300 {
			break
		}
	}
	p.Kill()
	for _, id := range acknowledged {
		if job, err := s.st.Job(t.Context(), queueName, id); err != nil || job.State != errand.StateQueued {
			t.Errorf("acknowledged job %s: %v", id, err)
		}
	}
	s.enqueue(steps(1)) // and the database still works
}

// freeze stops a process, but not in the middle of a transaction: there it would keep SQLite's lock and stop everybody.
func (s *scene) freeze(p *testproc.Proc) {
	s.Helper()
	var probe *sqlite.Store
	until(s.T, "the database is opened", func() bool { // it may be locked for so long
		var err error
		probe, err = sqlite.Open(s.Context(), s.db, sqlite.LockTimeout(50*time.Millisecond))
		return err == nil
	})
	defer probe.Close()
	for range 20 {
		if err := p.Signal(syscall.SIGSTOP); err != nil {
			s.Fatal(err)
		}
		if err := probe.Resume(s.Context(), time.Now(), queueName); err == nil {
			return
		}
		if err := p.Signal(syscall.SIGCONT); err != nil {
			s.Fatal(err)
		}
	}
	s.Fatal("whenever the worker was stopped it held the lock")
}

// TestFrozenWorkerIsRefused stops a worker for longer than its lease. When it comes back, another has run its jobs, and
// what it reports changes nothing.
func TestFrozenWorkerIsRefused(t *testing.T) {
	s := newScene(t)
	const jobs = 8
	list := steps(jobs)
	for i := range list {
		list[i].Slow = true
	}
	s.enqueue(list)
	frozen := s.startWorker()
	s.await(frozen, jobs)
	s.freeze(frozen)
	other := s.startWorker()
	s.await(other, jobs) // every job has been taken over and is running again
	if err := frozen.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	drop(frozen)
	drop(other)
	info := s.drained()
	for n, count := range s.runs() {
		if count < 2 { // more, where the machine stood still for longer than a lease
			t.Errorf("job %d ran %d times, want 2", n, count)
		}
	}
	if info.Finished.Total != jobs || info.Counts[errand.StateFailed] != 0 {
		t.Errorf("%d settled as finished, want %d; %d failed", info.Finished.Total, jobs, info.Counts[errand.StateFailed])
	}
}

// TestKillerAmongInnocents: one job of 501 kills the process that runs it, again and again. It ends as a poison pill, and
// no neighbour fails.
func TestKillerAmongInnocents(t *testing.T) {
	s := newScene(t)
	const innocents, killer = 500, 250
	list := steps(innocents + 1)
	list[killer].Kill = true
	s.enqueue(list)
	workers := 0
	var info errand.QueueInfo
	for workers < 10 {
		p := s.startWorker()
		workers++
		died := make(chan struct{})
		go func() {
			for range p.Lines {
			}
			close(died)
		}()
		if info = s.untilDeadOrDrained(died); info.Counts[errand.StateFailed] > 0 {
			break
		}
	}
	page, err := s.st.Jobs(t.Context(), errand.JobFilter{State: errand.StateFailed})
	if err != nil || len(page.Jobs) != 1 {
		t.Fatalf("%d jobs failed, want the killer alone; %v", len(page.Jobs), err)
	}
	rec, _ := page.Jobs[0].LastError()
	runs := s.runs()
	t.Logf("%d workers, the killer started %d times and failed with: %s", workers, runs[killer], rec.Error)
	// Fewer, where the machine stood still for longer than a lease and a worker lost the job before it began.
	if !strings.Contains(rec.Error, errand.ErrPoisoned.Error()) || runs[killer] > errand.DefaultMaxRecoveries+1 || runs[killer] < 2 {
		t.Errorf("the killer started %d times, want %d; record %+v", runs[killer], errand.DefaultMaxRecoveries+1, rec)
	}
	if info.Finished.Total != innocents {
		t.Errorf("%d innocents finished, want %d", info.Finished.Total, innocents)
	}
}

// untilDeadOrDrained waits until a worker has died, or every job is final.
func (s *scene) untilDeadOrDrained(died <-chan struct{}) errand.QueueInfo {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 2*time.Minute)
	defer cancel()
	waiter := wait.Waiter{First: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	for {
		info := s.info()
		c := info.Counts
		if c[errand.StateQueued]+c[errand.StateStarted] == 0 {
			return info
		}
		select {
		case <-died:
			return info
		default:
		}
		if err := waiter.Wait(ctx); errors.Is(err, context.DeadlineExceeded) {
			s.Fatalf("neither dead nor drained within two minutes: %v", c)
		}
	}
}
