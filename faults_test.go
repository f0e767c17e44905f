package errand_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// troubled is a store whose calls fail now and then, half of them after they were carried out: the reply is lost. Since it
// hides the Notifier, it also shows that a store that wakes nobody is polled.
type troubled struct {
	errand.Store
	every int64 // of each kind of call, one in so many fails; 0: none
	calls struct{ enqueue, claim, settle, renew, maintain atomic.Int64 }
	down  atomic.Bool
}

var errCut = fmt.Errorf("connection cut: %w", errand.ErrUnavailable)

// trouble decides what befalls a call: failed before it, or after it.
func (s *troubled) trouble(calls *atomic.Int64) (before, after bool) {
	if s.down.Load() {
		return true, false
	}
	n := calls.Add(1)
	if s.every == 0 || n%s.every != 0 {
		return false, false
	}
	return n/s.every%2 == 0, n/s.every%2 == 1
}

func disturb[R any](s *troubled, calls *atomic.Int64, call func() (R, error)) (R, error) {
	before, after := s.trouble(calls)
	var none R
	if before {
		return none, errCut
	}
	r, err := call()
	if after {
		return none, errCut
	}
	return r, err
}

func (s *troubled) Enqueue(ctx context.Context, req errand.EnqueueRequest) ([]error, error) {
	return disturb(s, &s.calls.enqueue, func() ([]error, error) { return s.Store.Enqueue(ctx, req) })
}

func (s *troubled) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	return disturb(s, &s.calls.claim, func() (errand.ClaimReply, error) { return s.Store.Claim(ctx, req) })
}

func (s *troubled) Settle(ctx context.Context, req errand.SettleRequest) ([]error, error) {
	return disturb(s, &s.calls.settle, func() ([]error, error) { return s.Store.Settle(ctx, req) })
}

func (s *troubled) Renew(ctx context.Context, req errand.RenewRequest) ([]error, error) {
	return disturb(s, &s.calls.renew, func() ([]error, error) { return s.Store.Renew(ctx, req) })
}

func (s *troubled) Maintain(ctx context.Context, req errand.MaintainRequest) (errand.MaintainReply, error) {
	return disturb(s, &s.calls.maintain, func() (errand.MaintainReply, error) { return s.Store.Maintain(ctx, req) })
}

func (s *troubled) Now(ctx context.Context) (time.Time, error) {
	if s.down.Load() {
		return time.Time{}, errCut
	}
	return s.Store.Now(ctx)
}

// TestLostRepliesLoseAndDoubleNothing: every third call of each kind fails, and yet each job runs once.
func TestLostRepliesLoseAndDoubleNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &troubled{Store: memory.New(), every: 3}
		var mu sync.Mutex
		runs := map[int]int{}
		task := errand.DefineFunc("task", func(_ context.Context, n int) error {
			mu.Lock()
			defer mu.Unlock()
			runs[n]++
			return nil
		})
		q := errand.NewQueue(st, "q")
		_, stop := work(t, st, errand.WorkerConfig{}, task)
		const jobs = 300
		for n := range jobs {
			h := must(task.Enqueue(t.Context(), q, n))(t)
			if n%10 == 0 {
				if err := h.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for n := range jobs {
			if runs[n] != 1 {
				t.Errorf("job %d ran %d times", n, runs[n])
			}
		}
		if left := must(st.Jobs(t.Context(), errand.JobFilter{}))(t); len(left.Jobs) != 0 {
			t.Errorf("%d jobs are left", len(left.Jobs))
		}
	})
}

// TestOutcomeOutlivesAnOutage: the store is away for longer than a lease while outcomes wait; when it is back, they are
// settled and nothing has run twice.
func TestOutcomeOutlivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &troubled{Store: memory.New()}
		var runs atomic.Int32
		task := errand.DefineFunc("task", func(context.Context, int) error {
			runs.Add(1)
			st.down.Store(true)
			return nil
		})
		h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		work(t, st, errand.WorkerConfig{}, task)
		time.Sleep(5 * time.Minute)
		st.down.Store(false)
		if err := h.Wait(t.Context()); err != nil || runs.Load() != 1 {
			t.Errorf("%d runs; %v", runs.Load(), err)
		}
	})
}

// late is a store whose first claim of a job is answered when its lease has run out.
type late struct {
	errand.Store
	by    time.Duration
	tardy sync.Once
}

func (s *late) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	reply, err := s.Store.Claim(ctx, req)
	if len(reply.Jobs) > 0 {
		s.tardy.Do(func() { time.Sleep(s.by) })
	}
	return reply, err
}

// TestJobWhoseLeaseRanOutBeforeItBeganIsNotBegun: as after a freeze of the process between claim and start, the job may
// have been run by another worker meanwhile. It is given back, and runs under its next token only.
func TestJobWhoseLeaseRanOutBeforeItBeganIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &late{Store: memory.New(), by: 3 * time.Second}
		var runs atomic.Int32
		task := errand.DefineFunc("task", func(ctx context.Context, _ int) error {
			runs.Add(1)
			return nil
		}, errand.KeepResult(time.Hour))
		h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		work(t, st, errand.WorkerConfig{Lease: time.Second}, task)
		if err := h.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if job := must(h.Job(t.Context()))(t); runs.Load() != 1 || job.Token != 2 || job.Attempt != 1 {
			t.Errorf("%d runs, token %d, attempt %d; want one run, of token 2, as attempt 1", runs.Load(), job.Token, job.Attempt)
		}
	})
}

// TestStoppingDuringAnOutageEnds: a worker that cannot settle stops all the same, once its leases have run out.
func TestStoppingDuringAnOutageEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &troubled{Store: memory.New()}
		task := errand.DefineFunc("task", func(context.Context, int) error { st.down.Store(true); return nil })
		must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		_, stop := work(t, st, errand.WorkerConfig{}, task)
		time.Sleep(time.Second)
		began := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("stopping took %v", took)
		}
	})
}

// TestRefusedOutcomeDoesNotHoldUpOthers: an outcome that the store never takes is given up; its neighbours are settled.
func TestRefusedOutcomeDoesNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &picky{Store: memory.New()}
		task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
		q := errand.NewQueue(st, "q")
		hs := must(task.EnqueueMany(t.Context(), q, []int{1, 2, 3}))(t)
		st.hates.Store(&hs[1].ID)
		work(t, st, errand.WorkerConfig{}, task)
		for _, i := range []int{0, 2} {
			if err := hs[i].Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

type picky struct {
	errand.Store
	hates atomic.Pointer[string]
}

func (s *picky) Settle(ctx context.Context, req errand.SettleRequest) ([]error, error) {
	for _, o := range req.Outcomes {
		if o.ID == *s.hates.Load() {
			return nil, errors.New("constraint violated")
		}
	}
	return s.Store.Settle(ctx, req)
}

// slow is a store whose enqueues take their time and count themselves.
type slow struct {
	errand.Store
	requests atomic.Int32
}

func (s *slow) Enqueue(ctx context.Context, req errand.EnqueueRequest) ([]error, error) {
	s.requests.Add(1)
	time.Sleep(time.Millisecond) // in the bubble's time
	return s.Store.Enqueue(ctx, req)
}

func TestConcurrentEnqueuesShareRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &slow{Store: memory.New()}
		task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
		q := errand.NewQueue(st, "q")
		var wg sync.WaitGroup
		for n := range 100 {
			wg.Go(func() {
				if _, err := task.Enqueue(t.Context(), q, n); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := st.requests.Load(); n > 3 {
			t.Errorf("100 concurrent enqueues took %d requests", n)
		}
		page := must(st.Jobs(t.Context(), errand.JobFilter{Limit: 1000}))(t)
		if len(page.Jobs) != 100 {
			t.Errorf("%d jobs are in", len(page.Jobs))
		}
	})
}

// pipelined is a store to which two enqueues may be under way, each of which loses its first answer.
type pipelined struct {
	slow
	mu       sync.Mutex
	underWay map[string]bool  // by producer
	last     map[string]int64 // their requests' numbers
	most     int              // that were under way at a time
}

func (s *pipelined) Pipeline() int { return 2 }

func (s *pipelined) Enqueue(ctx context.Context, req errand.EnqueueRequest) ([]error, error) {
	s.mu.Lock()
	again := req.Number == s.last[req.Producer]
	if s.underWay[req.Producer] || req.Number < s.last[req.Producer] {
		s.mu.Unlock()
		return nil, fmt.Errorf("producer %s has another request under way, or number %d is not above %d", req.Producer, req.Number, s.last[req.Producer])
	}
	s.underWay[req.Producer], s.last[req.Producer] = true, req.Number
	s.most = max(s.most, len(s.underWay))
	s.mu.Unlock()
	refusals, err := s.slow.Enqueue(ctx, req)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.underWay, req.Producer)
	if err == nil && !again {
		return nil, fmt.Errorf("%w: the answer was lost", errand.ErrUnavailable)
	}
	return refusals, err
}

// TestEnqueuesInAPipeline: a store that takes two requests of one queue at a time gets them from two producers, each of
// which numbers its own, so that one repeated after a lost answer makes no second job.
func TestEnqueuesInAPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &pipelined{slow: slow{Store: memory.New()}, underWay: map[string]bool{}, last: map[string]int64{}}
		task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
		q := errand.NewQueue(st, "q")
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for n := range 10 {
					if _, err := task.Enqueue(t.Context(), q, n); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if st.most != 2 || len(st.last) != 2 {
			t.Errorf("%d requests were under way at a time, of %d producers; want 2 of 2", st.most, len(st.last))
		}
		if page := must(st.Jobs(t.Context(), errand.JobFilter{Limit: 1000}))(t); len(page.Jobs) != 640 {
			t.Errorf("%d jobs are in, want 640", len(page.Jobs))
		}
	})
}

type silent struct{ errand.Store }

func (silent) Pipeline() int { return 0 }

// TestNoPipeline: a store that wants no requests under way gets one at a time, and no enqueue hangs.
func TestNoPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
		if _, err := task.Enqueue(t.Context(), errand.NewQueue(silent{memory.New()}, "q"), 1); err != nil {
			t.Error(err)
		}
	})
}

func TestEnqueueGivenUpBeforeItsTurnIsNotIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &slow{Store: memory.New()}
		task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
		q := errand.NewQueue(st, "q")
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = task.Enqueue(t.Context(), q, 1) })
		synctest.Wait() // the first is on its way, so the second waits its turn
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := task.Enqueue(ctx, q, 2); !errors.Is(err, context.Canceled) || errors.Is(err, errand.ErrUnknownOutcome) {
				t.Errorf("given up while waiting: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		if page := must(st.Jobs(t.Context(), errand.JobFilter{}))(t); len(page.Jobs) != 1 {
			t.Errorf("%d jobs are in, want 1", len(page.Jobs))
		}
	})
}
