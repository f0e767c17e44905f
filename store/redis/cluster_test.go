package redis_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/redis"
)

// watchedStore knows which jobs have succeeded, as the store has acknowledged it; a worker that stands still also gives jobs back.
type watchedStore struct {
	*redis.Store
	settled func(id string)
}

func (s watchedStore) Settle(ctx context.Context, req errand.SettleRequest) ([]error, error) {
	errs, err := s.Store.Settle(ctx, req)
	for i := range errs {
		if err == nil && errs[i] == nil && req.Outcomes[i].Event == errand.EventSucceeded {
			s.settled(req.Outcomes[i].ID)
		}
	}
	return errs, err
}

// fate is what producers, handlers and the settler saw of one job.
type fate struct {
	acked, settled time.Time
	runs           int
	again          bool // it was run after it had been settled
	enqueue, end   trust
}

// trust says whether a replica had got what was acknowledged of a job.
type trust int

const (
	fresh    trust = iota // nobody knows
	safe                  // it had
	doubtful              // it may have been missing when the replica took over
)

// fates are those of all jobs, by id.
type fates struct {
	mu    sync.Mutex
	jobs  map[string]*fate
	acked int
	ran   int
}

// of changes what is known of a job.
func (f *fates) of(id string, change func(*fate)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.jobs[id] == nil {
		f.jobs[id] = &fate{}
	}
	change(f.jobs[id])
}

func (f *fates) ack(id string) { f.of(id, func(j *fate) { j.acked = time.Now(); f.acked++ }) }

func (f *fates) settled(id string) { f.of(id, func(j *fate) { j.settled = time.Now() }) }

func (f *fates) run(ctx context.Context, _ int) error {
	info, _ := errand.JobFromContext(ctx)
	f.of(info.ID, func(j *fate) {
		j.runs++
		j.again = j.again || !j.settled.IsZero()
		f.ran++
	})
	return nil
}

// mark gives what has been acknowledged so far, and not been marked before, its mark.
func (f *fates) mark(as trust) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, j := range f.jobs {
		if !j.acked.IsZero() && j.enqueue == fresh {
			j.enqueue = as
		}
		if !j.settled.IsZero() && j.end == fresh {
			j.end = as
		}
	}
}

func (f *fates) counts() (acked, ran int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acked, f.ran
}

// produce enqueues jobs until told to stop, whatever the server says.
func (f *fates) produce(task *errand.Task[int, errand.None], q *errand.Queue, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if h, err := task.Enqueue(ctx, q, 1); err == nil {
			f.ack(h.ID)
		}
		cancel()
	}
}

// TestClusterFailover: in a cluster, the primary of a queue is killed with kill -9 while a worker drains a backlog and
// producers enqueue. Its replica takes over, and all go on by themselves. What the replica had is neither lost nor, once it
// was settled, run again; what may be lost, or run again, is what was acknowledged in the last moments before the kill. The
// old primary comes back as a replica, and takes over when the new one is killed in turn.
func TestClusterFailover(t *testing.T) {
	server := testserver.RedisClusterReplicated(t)
	inner, err := redis.Open(t.Context(), server.URL, redis.Logger(quiet))
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	f := &fates{jobs: map[string]*fate{}}
	st := watchedStore{inner, f.settled}
	task := errand.DefineFunc("work", f.run)
	q := errand.NewQueue(st, "work")
	const backlog = 20_000
	handles, err := task.EnqueueMany(t.Context(), q, make([]int, backlog))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range handles {
		f.ack(h.ID)
	}
	stopWorker := startWorker(t, st, "work", 10, task)
	stop := make(chan struct{})
	var producers sync.WaitGroup
	for range 8 {
		producers.Go(func() { f.produce(task, q, stop) })
	}

	primary := server.SlotNode("{errand:q:work}")
	for _, node := range []int{primary, primary + 3} {
		f.failover(t, server, node)
	}
	close(stop)
	producers.Wait()
	eventually(t, "nothing waits", func() bool { return idle(t, inner, "work") })
	stopWorker()
	f.check(t)
}

// failover kills a primary in the middle of the work, sees the work go on, and starts the node again.
func (f *fates) failover(t *testing.T, server *testserver.Server, primary int) {
	t.Helper()
	_, ran := f.counts()
	eventually(t, "500 more jobs have run", func() bool { _, now := f.counts(); return now >= ran+500 })
	f.mark(safe)
	server.AwaitReplica(primary)
	server.KillNode(primary)
	killed := time.Now()
	acked, ran := f.counts()
	eventually(t, "10 more jobs have run", func() bool { _, now := f.counts(); return now >= ran+10 })
	t.Logf("10 more jobs had run %v after the primary was killed", time.Since(killed).Round(time.Millisecond))
	eventually(t, "500 more jobs are acknowledged", func() bool { now, _ := f.counts(); return now >= acked+500 })
	f.mark(doubtful)
	t.Logf("500 more were acknowledged %v after it", time.Since(killed).Round(time.Millisecond))
	server.StartNode(primary)
	server.AwaitCluster()
	eventually(t, "the old primary is a replica that has all", func() bool {
		info := server.Ask(primary, "INFO", "replication")
		return strings.Contains(info, "role:slave") && strings.Contains(info, "master_link_status:up")
	})
}

// check is called when nothing waits any more.
func (f *fates) check(t *testing.T) {
	t.Helper()
	lost, twice := 0, 0
	for id, j := range f.jobs {
		if !j.acked.IsZero() && j.runs == 0 {
			if lost++; j.enqueue == safe {
				t.Errorf("job %s is lost, and the replica had it", id)
			}
		}
		if j.runs > 1 {
			twice++
		}
		if j.again && j.end == safe {
			t.Errorf("job %s was run again, and the replica knew that it was settled", id)
		}
	}
	t.Logf("of %d acknowledged jobs %d are lost and %d ran twice", f.acked, lost, twice)
}
