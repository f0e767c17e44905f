package carry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testproc"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store"
)

func TestMain(m *testing.M) {
	testproc.Main(map[string]func([]string) error{"mover": runMover})
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil))) // stores warn of servers that are not durable
	os.Exit(testserver.Run(m))
}

// runMover moves, in small parcels, and prints a line for each.
func runMover(args []string) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx := context.Background()
	from, err := store.Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := store.Open(ctx, args[1])
	if err != nil {
		return err
	}
	defer to.Close()
	m := Mover{From: from, To: to, Wait: true, size: 20, Progress: func(int64, int64) { fmt.Println("parcel") }}
	report, err := m.Run(ctx)
	if err == nil {
		fmt.Printf("end %+v\n", report)
	}
	return err
}

// places start one store of each kind that outlives a process, in turn.
var places = []struct {
	name string
	url  func(testing.TB) string
}{
	{"sqlite", sqliteURL},
	{"redis", func(t testing.TB) string { return testserver.Redis(t, "--appendonly", "no").URL }},
	{"postgres", func(t testing.TB) string { return testserver.OwnPostgres(t).URL }},
	{"mysql", func(t testing.TB) string {
		return strings.TrimSuffix(testserver.OwnMariaDB(t).URL, "/") + "/mysql" // the one database that is there
	}},
	{"redis cluster", func(t testing.TB) string { return testserver.RedisCluster(t, "--appendonly", "no").URL }},
	{"sqlite again", sqliteURL},
}

func sqliteURL(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "jobs.db") }

func open(t testing.TB, url string) errand.Store {
	t.Helper()
	st, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// TestKilled carries jobs and messages of all kinds through every kind of store, by movers that are killed again and
// again, and proves that what arrives is what was there: ids, states, order, payloads, attempts, histories, messages. At
// the end every job is run, once, in the order of its dependencies.
func TestKilled(t *testing.T) {
	url := places[0].url(t)
	st := open(t, url)
	h := &hoard{t: t, st: st}
	h.fill(2000)
	want := h.jobs(st)
	kills, parcels := 0, 0
	for _, place := range places[1:] {
		next := place.url(t)
		other := open(t, next)
		began := time.Now()
		k, p := killMovers(t, url, next, 40)
		kills, parcels = kills+k, parcels+p
		t.Logf("to %s: %d jobs and %d messages in %v, %d kills", place.name, len(want), len(h.messages["m"])+len(h.messages["bulk"]),
			time.Since(began).Round(time.Millisecond), k)
		if left := h.jobs(st); len(left) != 0 {
			t.Fatalf("%d jobs were left", len(left))
		}
		same(t, h.jobs(other), want)
		if infos := queues(t, other); !infos["paused"].Paused || infos["q0"].Paused {
			t.Fatalf("paused: %v and %v", infos["paused"].Paused, infos["q0"].Paused)
		}
		h.st = other
		h.popAll(place.name)
		h.putAll()
		url, st = next, other
	}
	if kills < 20 {
		t.Errorf("only %d kills: nothing is proven", kills)
	}
	h.runAll(want)
}

// killMovers starts movers and kills all but the last, each after some parcels, most of them at most, and a moment.
func killMovers(t *testing.T, from, to string, most int) (kills, parcels int) {
	t.Helper()
	for try := 0; ; try++ {
		p, err := testproc.Start("mover", from, to)
		if err != nil {
			t.Fatal(err)
		}
		patience := 1 + rand.IntN(most)
		if try >= 60 {
			patience = -1
		}
		ended := false
		for line := range p.Lines {
			if strings.HasPrefix(line, "end") {
				ended = true
			} else {
				parcels++
			}
			if patience--; patience == 0 {
				<-time.After(rand.N(4 * time.Millisecond))
				p.Kill()
				kills++
				break
			}
		}
		if err := p.Wait(); err == nil && ended {
			return kills, parcels
		} else if try > 100 {
			t.Fatalf("the mover does not end: %v", err)
		}
	}
}

// hoard is what is moved.
type hoard struct {
	t        *testing.T
	st       errand.Store
	messages map[string][][]byte
	claims   int64
}

func (h *hoard) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hoard) now() time.Time {
	now, err := h.st.Now(h.t.Context())
	h.ok(err)
	return now
}

func (h *hoard) enqueue(specs ...errand.JobSpec) []string {
	var ids []string
	for i := range specs {
		specs[i].ID, specs[i].Task = errand.NewID(), "task"
		ids = append(ids, specs[i].ID)
	}
	errs, err := h.st.Enqueue(h.t.Context(), errand.EnqueueRequest{Now: h.now(), Groups: [][]errand.JobSpec{specs}})
	h.ok(errors.Join(append(errs, err)...))
	return ids
}

// claim takes jobs and ends them.
func (h *hoard) claim(queue string, n int, end func(*errand.Job) errand.Outcome) int {
	h.claims++
	now := h.now()
	reply, err := h.st.Claim(h.t.Context(), errand.ClaimRequest{
		Now: now, Worker: "w", Number: h.claims, Queues: []string{queue}, Limit: n, Lease: time.Minute, MaxRecoveries: 3, LastChance: true,
	})
	h.ok(err)
	req := errand.SettleRequest{Now: now, Worker: "w"}
	for _, job := range reply.Jobs {
		o := end(job)
		o.ID, o.Queue, o.Token = job.ID, job.Queue, job.Token
		req.Outcomes = append(req.Outcomes, o)
	}
	errs, err := h.st.Settle(h.t.Context(), req)
	h.ok(errors.Join(append(errs, err)...))
	return len(reply.Jobs)
}

// fill makes n queued jobs in three queues, and some of every other kind.
func (h *hoard) fill(n int) {
	for i := 0; i < n; i += 50 {
		group := make([]errand.JobSpec, 50)
		for k := range group {
			group[k] = errand.JobSpec{Queue: fmt.Sprintf("q%d", i/50%3), Priority: rand.IntN(10), Payload: payload()}
		}
		h.enqueue(group...)
	}
	record := errand.AttemptRecord{
		Attempt: 1, Token: 1, Outcome: errand.EventFailed, Worker: "w", StartedAt: h.now(), EndedAt: h.now(),
		Error: "dial: \xff\u4e2d", Chain: []string{"a", "b"}, Stack: strings.Repeat("main.main()\n", 50), Log: []string{"x", ""},
	}
	record.Error = strings.ToValidUTF8(record.Error, "?")
	tomorrow := h.now().Add(24 * time.Hour)
	for i := range 60 {
		h.enqueue(errand.JobSpec{Queue: "late", RunAt: tomorrow.Add(time.Duration(i%7) * time.Second), Payload: payload()})
		h.enqueue(errand.JobSpec{Queue: "q0", UniqueKey: fmt.Sprintf("key %d \x00\xfe", i), UniqueFor: time.Duration(i%2) * time.Hour})
		h.enqueue(errand.JobSpec{Queue: "paused", KeepResult: time.Hour, Timeout: time.Minute, Retry: errand.RetryPolicy{Max: i}})
		parent := h.enqueue(errand.JobSpec{Queue: "ends", Priority: 9})[0]
		child := h.enqueue(errand.JobSpec{Queue: "orphans", DependsOn: []string{parent}})[0]
		h.enqueue(errand.JobSpec{Queue: "ends", DependsOn: []string{child}})
		h.claim("ends", 1, func(*errand.Job) errand.Outcome { return errand.Outcome{Event: errand.EventFailed, Record: &record} })
		h.enqueue(errand.JobSpec{Queue: "kept", Payload: payload(), KeepResult: 100 * time.Hour})
		h.claim("kept", 1, func(*errand.Job) errand.Outcome {
			return errand.Outcome{Event: errand.EventSucceeded, Keep: 100 * time.Hour, Result: payload()}
		})
		h.enqueue(errand.JobSpec{Queue: "late"})
		h.claim("late", 1, func(*errand.Job) errand.Outcome {
			return errand.Outcome{Event: errand.EventRetried, At: tomorrow, Record: &record}
		})
		canceled := h.enqueue(errand.JobSpec{Queue: "q1"})
		_, err := h.st.Cancel(h.t.Context(), errand.Command{Now: h.now(), IDs: canceled})
		h.ok(err)
		first := h.enqueue(errand.JobSpec{Queue: "first", Payload: payload()})[0]
		second := h.enqueue(errand.JobSpec{Queue: "after", DependsOn: []string{first}})[0]
		h.enqueue(errand.JobSpec{Queue: "first", DependsOn: []string{first, second}})
	}
	h.ok(h.st.Pause(h.t.Context(), h.now(), "paused"))
	h.messages = map[string][][]byte{"m": {nil, {0}, []byte("\xff\xfe")}}
	for range 400 {
		h.messages["bulk"] = append(h.messages["bulk"], payload())
	}
	h.putAll()
}

func (h *hoard) putAll() {
	for queue, list := range h.messages {
		h.ok(h.st.Put(h.t.Context(), errand.PutRequest{Now: h.now(), Queue: queue, Messages: list}))
	}
}

// payload is bytes of any kind.
func payload() []byte {
	b := make([]byte, rand.IntN(300))
	for i := range b {
		b[i] = byte(rand.IntN(256))
	}
	return b
}

// jobs lists all jobs, in their order.
func (h *hoard) jobs(st errand.Store) (jobs []*errand.Job) {
	h.t.Helper()
	filter := errand.JobFilter{Limit: 500}
	for more := true; more; more = filter.Cursor != "" {
		page, err := st.Jobs(h.t.Context(), filter)
		h.ok(err)
		jobs, filter.Cursor = append(jobs, page.Jobs...), page.Next
	}
	return jobs
}

func queues(t *testing.T, st errand.Store) map[string]errand.QueueInfo {
	t.Helper()
	infos, err := st.Queues(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]errand.QueueInfo)
	for _, info := range infos {
		found[info.Name] = info
	}
	return found
}

// same fails unless two lists of jobs are equal in every field.
func same(t *testing.T, got, want []*errand.Job) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d jobs, want %d", len(got), len(want))
	}
	for i := range want {
		g, w := normal(got[i]), normal(want[i])
		if !reflect.DeepEqual(g, w) {
			t.Fatalf("job %d:\n\tgot  %+v\n\twant %+v", i, g, w)
		}
	}
}

// normal is a job with no bytes and no list as nil.
func normal(job *errand.Job) errand.Job {
	n := *job
	if len(n.Payload) == 0 {
		n.Payload = nil
	}
	if len(n.Result) == 0 {
		n.Result = nil
	}
	if len(n.DependsOn) == 0 {
		n.DependsOn = nil
	}
	if len(n.Retry.Backoff.Delays) == 0 {
		n.Retry.Backoff.Delays = nil
	}
	n.Attempts = slices.Clone(n.Attempts)
	if len(n.Attempts) == 0 {
		n.Attempts = nil
	}
	return n
}

// popAll proves that the messages are those that were put, in their order.
func (h *hoard) popAll(where string) {
	h.t.Helper()
	for queue, list := range h.messages {
		got, err := h.st.Pop(h.t.Context(), h.now(), queue, len(list)+10)
		h.ok(err)
		if !slices.EqualFunc(got, list, bytes.Equal) {
			h.t.Fatalf("%s: %d messages of %s, want %d, or others", where, len(got), queue, len(list))
		}
	}
}

// runAll runs every job that waits, and proves that each runs once, after those on which it depends.
func (h *hoard) runAll(jobs []*errand.Job) {
	h.t.Helper()
	ran := make(map[string]int)
	ctx := h.t.Context()
	for queue, info := range queues(h.t, h.st) {
		if info.Paused {
			h.ok(h.st.Resume(ctx, h.now(), queue))
		}
	}
	for idle := false; !idle; {
		idle = true
		for queue := range queues(h.t, h.st) {
			n := h.claim(queue, 500, func(job *errand.Job) errand.Outcome {
				for _, parent := range job.DependsOn {
					if ran[parent] == 0 {
						h.t.Errorf("job %s ran before %s, on which it depends", job.ID, parent)
					}
				}
				ran[job.ID]++
				return errand.Outcome{Event: errand.EventSucceeded}
			})
			idle = idle && n == 0
		}
	}
	for _, job := range jobs {
		want := 0
		if job.State == errand.StateQueued || job.State == errand.StateDeferred {
			want = 1
		}
		if ran[job.ID] != want {
			h.t.Errorf("%v job %s of %s ran %d times", job.State, job.ID, job.Queue, ran[job.ID])
		}
	}
}

// TestLive proves that nothing need stand still: while movers are killed again and again, workers of both stores go on,
// and every job, also of those that come to the first store meanwhile, runs once, in one store or the other.
func TestLive(t *testing.T) {
	l := &live{t: t, from: sqliteURL(t), to: testserver.Redis(t, "--appendonly", "no").URL, ran: make(map[string]string)}
	a, b := open(t, l.from), open(t, l.to)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	l.enqueue(a, 1000)
	for st, where := range map[errand.Store]string{a: "first", b: "second"} {
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"live"}, Concurrency: 1, Logger: quiet})
		w.Register(l.task(where))
		wg.Go(func() {
			if err := w.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	kills, parcels := 0, 0
	for more := 300; l.count("") < len(l.ids) || kills < 5; {
		if kills < 5 {
			l.enqueue(a, more)
		}
		k, p := killMovers(t, l.from, l.to, 8)
		kills, parcels = kills+k, parcels+p
		if k == 0 {
			more *= 2 // the worker had done all before a mover had begun
		}
	}
	first, second := l.count("first"), l.count("second")
	t.Logf("%d kills, %d parcels; %d jobs ran in the first store, %d in the second", kills, parcels, first, second)
	for _, id := range l.ids {
		if l.ran[id] == "" {
			t.Errorf("job %s never ran", id)
		}
	}
	if first == 0 || second == 0 || parcels == 0 {
		t.Error("nothing is proven: one store ran all jobs")
	}
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// live is what is known of a move between stores that are in use.
type live struct {
	t        *testing.T
	from, to string
	ids      []string

	mu  sync.Mutex
	ran map[string]string // where each job ran
}

// task takes a moment, as real ones do, so that the workers do not have done all before the first parcel.
func (l *live) task(where string) *errand.Task[int, errand.None] {
	return errand.DefineFunc("count", func(ctx context.Context, _ int) error {
		info, _ := errand.JobFromContext(ctx)
		<-time.After(time.Millisecond)
		l.mu.Lock()
		defer l.mu.Unlock()
		if other, twice := l.ran[info.ID]; twice {
			l.t.Errorf("job %s ran in the %s store and in the %s", info.ID, other, where)
		}
		l.ran[info.ID] = where
		return nil
	})
}

func (l *live) enqueue(st errand.Store, n int) {
	l.t.Helper()
	handles, err := l.task("").EnqueueMany(l.t.Context(), errand.NewQueue(st, "live"), slices.Repeat([]int{1}, n))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, handle := range handles {
		l.ids = append(l.ids, handle.ID)
	}
}

// count says how many jobs ran in a store; empty: in any.
func (l *live) count(where string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.ran {
		if where == "" || w == where {
			n++
		}
	}
	return n
}

// BenchmarkMove moves 10,000 jobs of 100 bytes from one kind of store to the next, as errand move does.
func BenchmarkMove(b *testing.B) {
	const n = 10_000
	st := open(b, places[0].url(b))
	for i := 0; i < n; i += errand.MaxBatch {
		group := make([]errand.JobSpec, errand.MaxBatch)
		for k := range group {
			group[k] = errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "task", Payload: bytes.Repeat([]byte("x"), 100)}
		}
		if _, err := st.Enqueue(b.Context(), errand.EnqueueRequest{Now: time.Now(), Groups: [][]errand.JobSpec{group}}); err != nil {
			b.Fatal(err)
		}
	}
	for i, place := range places[1:] {
		other := open(b, place.url(b))
		b.Run(places[i].name+" to "+place.name, func(b *testing.B) {
			for b.Loop() { // once: then there is nothing left
				began := time.Now()
				report, err := (&Mover{From: st, To: other}).Run(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if report.Jobs > 0 {
					b.ReportMetric(float64(report.Jobs)/time.Since(began).Seconds(), "jobs/s")
				}
			}
		})
		st = other
	}
}
