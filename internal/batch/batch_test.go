package batch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func doubler(sizes *[]int) *Batcher[int, int] {
	return &Batcher[int, int]{
		Max: 10,
		Send: func(_ context.Context, items []int) ([]int, error) {
			*sizes = append(*sizes, len(items))
			time.Sleep(time.Second) // in the bubble's time
			out := make([]int, len(items))
			for i, n := range items {
				out[i] = 2 * n
			}
			return out, nil
		},
	}
}

func TestLoneCallGoesAtOnceAndAFloodTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := doubler(&sizes)
		var wg sync.WaitGroup
		call := func(n int) {
			wg.Go(func() {
				if got, err := b.Do(t.Context(), n); got != 2*n || err != nil {
					t.Errorf("%d: got %d, %v", n, got, err)
				}
			})
		}
		call(1)
		synctest.Wait()
		for n := range 25 {
			call(n)
		}
		wg.Wait()
		if want := []int{1, 10, 10, 5}; len(sizes) != 4 || sizes[0] != 1 || sizes[1] != 10 || sizes[3] != 5 {
			t.Errorf("batches of %v, want %v", sizes, want)
		}
	})
}

func TestWeightBoundsABatchAndAHeavyItemGoesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := doubler(&sizes)
		b.Weigh = func(n int) int { return n }
		var wg sync.WaitGroup
		for _, n := range []int{1, 50, 4, 4, 4} {
			wg.Go(func() { _, _ = b.Do(t.Context(), n) })
			synctest.Wait()
		}
		wg.Wait()
		if len(sizes) != 4 || sizes[1] != 1 || sizes[2] != 2 {
			t.Errorf("batches of %v", sizes)
		}
	})
}

func TestErrorReachesAllOfABatchAndTheNextGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		calls := 0
		b := &Batcher[int, int]{Max: 10, Send: func(_ context.Context, items []int) ([]int, error) {
			time.Sleep(time.Second)
			if calls++; calls == 2 {
				return nil, broken
			}
			return items, nil
		}}
		var wg sync.WaitGroup
		var mu sync.Mutex
		failed := 0
		for n := range 6 {
			wg.Go(func() {
				if _, err := b.Do(t.Context(), n); errors.Is(err, broken) {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		if failed != 5 {
			t.Errorf("%d calls failed, want the 5 of the second batch", failed)
		}
		if _, err := b.Do(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
}

// TestGivingUp: a caller who waits takes its item back; one whose item is on its way does not know; and when the one who
// gives up was to lead, another does.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := doubler(&sizes)
		var wg sync.WaitGroup
		do := func(ctx context.Context, n int) chan error {
			result := make(chan error, 1)
			wg.Go(func() { _, err := b.Do(ctx, n); result <- err })
			synctest.Wait()
			return result
		}
		ctx, cancel := context.WithCancel(t.Context())
		lead := do(t.Context(), 1)
		waits := do(ctx, 2)
		stays := do(t.Context(), 3)
		cancel()
		if err := <-waits; !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnknown) {
			t.Errorf("waiting: %v", err)
		}
		time.Sleep(1500 * time.Millisecond) // the second batch, with 3, is on its way
		ctx2, cancel2 := context.WithCancel(t.Context())
		_ = do(t.Context(), 4)
		rides := do(ctx2, 5)
		time.Sleep(time.Second) // and now the third, with 4 and 5
		cancel2()
		if err := <-rides; !errors.Is(err, ErrUnknown) {
			t.Errorf("on its way: %v, want ErrUnknown", err)
		}
		for _, r := range []chan error{lead, stays} {
			if err := <-r; err != nil {
				t.Error(err)
			}
		}
		wg.Wait()
	})
}

// comeBack has callers call so many times each, a while after every answer, which must be the item.
func comeBack(t *testing.T, b *Batcher[int, int], callers, rounds int, between time.Duration) {
	t.Helper()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := range rounds {
				if got, err := b.Do(t.Context(), n); got != n || err != nil {
					t.Errorf("got %d, %v, want %d", got, err, n)
				}
				time.Sleep(between)
			}
		})
	}
	wg.Wait()
}

// TestReturningCallers: callers that come back as soon as they are answered travel together, not in two halves of which one
// waits for the other; and a lone one never waits.
func TestReturningCallers(t *testing.T) {
	for _, c := range []struct {
		callers int
		took    time.Duration
	}{{1, 4 * time.Millisecond}, {64, 4 * time.Millisecond}, {1, 60 * time.Microsecond}, {64, 60 * time.Microsecond}} {
		synctest.Test(t, func(t *testing.T) {
			const rounds = 100
			callers, took := c.callers, c.took
			sent := 0
			b := &Batcher[int, int]{
				Max: 1000,
				Send: func(_ context.Context, items []int) ([]int, error) {
					sent++
					time.Sleep(took) // in the bubble's time
					return items, nil
				},
			}
			began := time.Now()
			comeBack(t, b, callers, rounds, 0)
			if sent > rounds+5 {
				t.Errorf("%d callers, %d times each: %d requests, want about as many as each made", callers, rounds, sent)
			}
			if spent := time.Since(began); callers == 1 && spent != rounds*took {
				t.Errorf("a lone caller took %v for %d requests of %v", spent, rounds, took)
			}
		})
	}
}

// TestCallersThatDoNotReturn: where waiting is in vain it is given up, and costs next to nothing.
func TestCallersThatDoNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls, every, took = 1000, time.Millisecond, 4 * time.Millisecond
		b := &Batcher[int, int]{
			Max:  1000,
			Send: func(_ context.Context, items []int) ([]int, error) { time.Sleep(took); return items, nil },
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		var waited time.Duration
		for range calls {
			wg.Go(func() {
				began := time.Now()
				if _, err := b.Do(t.Context(), 1); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				waited += time.Since(began)
			})
			time.Sleep(every)
		}
		wg.Wait()
		if mean := waited / calls; mean > 2*took {
			t.Errorf("a call took %v in the mean, where a request takes %v", mean, took)
		}
	})
}

// A leader who gives up does not wait for the request; the others in his batch, and those behind it, get their answers.
func TestLeaderGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Batcher[int, int]{Max: 10, Send: func(_ context.Context, items []int) ([]int, error) {
			time.Sleep(time.Hour)
			return items, nil
		}}
		var wg sync.WaitGroup
		began := time.Now()
		impatient := func(n int) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := b.Do(ctx, n); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
				t.Errorf("%d: gave up after %v: %v", n, time.Since(began), err)
			} else if sent := errors.Is(err, ErrUnknown); sent != (n == 1) {
				t.Errorf("%d: %v", n, err)
			}
		}
		wg.Go(func() { impatient(1) })
		synctest.Wait()
		wg.Go(func() { impatient(2) })
		synctest.Wait()
		wg.Go(func() {
			if got, err := b.Do(t.Context(), 3); got != 3 || err != nil || time.Since(began).Round(time.Minute) != 2*time.Hour {
				t.Errorf("after %v: %d, %v", time.Since(began), got, err)
			}
		})
		wg.Wait()
	})
}

// TestStay: a caller that stays gets the answer to an item that is on its way, whether it leads or not, and one that still
// waits takes its item back.
func TestStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := doubler(&sizes)
		b.Stay = true
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		stays := func(n int) {
			wg.Go(func() {
				if got, err := b.Do(ctx, n); got != 2*n || err != nil {
					t.Errorf("%d: got %d, %v", n, got, err)
				}
			})
			synctest.Wait()
		}
		for n := range 3 {
			stays(n)
		}
		time.Sleep(1500 * time.Millisecond) // of the bubble: the second batch, of 1 and 2, is under way
		wg.Go(func() {
			if _, err := b.Do(ctx, 3); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnknown) {
				t.Errorf("one that waits: %v, want that it is canceled", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		if len(sizes) != 2 || sizes[1] != 2 {
			t.Errorf("batches of %v, want 1 and 2", sizes)
		}
		if got, err := b.Do(t.Context(), 4); got != 8 || err != nil {
			t.Errorf("afterwards: got %d, %v", got, err)
		}
	})
}

// TestTwoWays: callers that come back a while after they are answered split into two parts, so that a server which does one
// request after the other always has one; and no more requests than that are under way.
func TestTwoWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, rounds, took, between = 64, 100, 50 * time.Microsecond, 1500 * time.Microsecond
		server := make(chan struct{}, 1)
		var underWay atomic.Int32
		b := &Batcher[int, int]{
			Max:  1000,
			Ways: 2,
			Send: func(_ context.Context, items []int) ([]int, error) {
				if n := underWay.Add(1); n > 2 {
					t.Errorf("%d requests are under way", n)
				}
				defer underWay.Add(-1)
				server <- struct{}{}
				time.Sleep(time.Duration(len(items)) * took) // in the bubble's time, as below
				<-server
				return items, nil
			},
		}
		began := time.Now()
		comeBack(t, b, callers, rounds, between)
		if spent, least := time.Since(began), callers*rounds*took; spent > least+least/20 {
			t.Errorf("took %v, and the server alone %v", spent, least)
		}
	})
}

// TestTwoWaysGivenUp: one who was to lead beside a request that is under way, and gives up, leaves the duty to another.
func TestTwoWaysGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			b := &Batcher[int, int]{
				Max:  10,
				Ways: 2,
				Send: func(_ context.Context, items []int) ([]int, error) { time.Sleep(time.Millisecond); return items, nil },
			}
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for n := range 40 {
				wg.Go(func() {
					mine := t.Context()
					if n%2 == 0 {
						mine = ctx
					}
					if got, err := b.Do(mine, n); err == nil && got != n || err != nil && mine != ctx {
						t.Errorf("%d: got %d, %v", n, got, err)
					}
				})
			}
			cancel()
			wg.Wait()
			if got, err := b.Do(t.Context(), 1); got != 1 || err != nil {
				t.Errorf("afterwards: got %d, %v", got, err)
			}
		}
	})
}
