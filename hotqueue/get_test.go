package hotqueue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/memory"
)

// TestGetPatience proves how long Get waits: not at all, a while, until ctx ends; and that a message ends the wait at
// once, whoever puts it.
func TestGetPatience(t *testing.T) {
	const d = 10*time.Second + 7*time.Millisecond // no multiple of any pace at which a queue is looked at
	stop := errors.New("stop")
	tests := []struct {
		name  string
		opts  []hotqueue.GetOption
		putAt time.Duration // 0: never
		endAt time.Duration // when ctx ends; 0: never
		want  error
		took  time.Duration
	}{
		{"NoWait", []hotqueue.GetOption{hotqueue.NoWait}, 0, 0, hotqueue.ErrEmpty, 0},
		{"Wait runs out", []hotqueue.GetOption{hotqueue.Wait(d)}, 0, 0, hotqueue.ErrEmpty, d},
		{"the last option wins", []hotqueue.GetOption{hotqueue.NoWait, hotqueue.Wait(d)}, 0, 0, hotqueue.ErrEmpty, d},
		{"Wait is enough", []hotqueue.GetOption{hotqueue.Wait(2 * d)}, d, 0, nil, d},
		{"for ever", nil, d, 0, nil, d},
		{"until ctx ends", nil, 0, d, stop, d},
		{"until ctx ends before Wait does", []hotqueue.GetOption{hotqueue.Wait(2 * d)}, 0, d, stop, d},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := memory.New()
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.putAt > 0 {
					time.AfterFunc(tt.putAt, func() {
						if err := hotqueue.New[int](st, "numbers").Put(t.Context(), 7); err != nil {
							t.Error(err)
						}
					})
				}
				if tt.endAt > 0 {
					time.AfterFunc(tt.endAt, func() { cancel(stop) })
				}
				begin := time.Now()
				n, err := hotqueue.New[int](st, "numbers").Get(ctx, tt.opts...)
				if took := time.Since(begin); !errors.Is(err, tt.want) || took != tt.took {
					t.Errorf("Get = %v after %v; want %v after %v", err, took, tt.want, tt.took)
				}
				if err == nil && n != 7 {
					t.Errorf("Get = %d, want 7", n)
				}
				if err != nil && !strings.Contains(err.Error(), `get from "numbers"`) {
					t.Errorf("error %v does not name the operation and the queue", err)
				}
			})
		})
	}
}

// TestGetPolls proves that a Get waits too where the store wakes nobody.
func TestGetPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFaulty()
		numbers := hotqueue.New[int](f, "numbers")
		time.AfterFunc(time.Hour, func() {
			if err := numbers.Put(t.Context(), 7); err != nil {
				t.Error(err)
			}
		})
		begin := time.Now()
		n, err := numbers.Get(t.Context())
		if late := time.Since(begin) - time.Hour; err != nil || n != 7 || late > time.Second {
			t.Errorf("Get = %d, %v, %v after the message was put; want it within a second", n, err, late)
		}
	})
}

// TestGetWakes proves on every store that a Get which waits gets what another goroutine puts.
func TestGetWakes(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		there, back := hotqueue.New[int](st, "there"), hotqueue.New[int](st, "back")
		var echo sync.WaitGroup
		defer echo.Wait()
		echo.Go(func() {
			for range 50 {
				n, err := there.Get(ctx)
				if err == nil {
					err = back.Put(ctx, n)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
		for n := range 50 {
			if err := there.Put(ctx, n); err != nil {
				t.Fatal(err)
			}
			if got, err := back.Get(ctx); err != nil || got != n {
				t.Fatalf("Get = %d, %v; want %d", got, err, n)
			}
		}
	})
}

// TestGetGivenUp proves that a Get whose ctx ends while the store is at work loses no message that the store then gives,
// and that a store which does not answer holds it up for seconds only.
func TestGetGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, st := newFaulty()
		numbers := hotqueue.New[int](st, "numbers")
		answers := 2 * time.Second
		f.pop = func(ctx context.Context, limit int) ([][]byte, error) {
			select {
			case <-time.After(answers):
				return slices.Repeat([][]byte{[]byte("7")}, limit), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var getters sync.WaitGroup
		for range 2 { // the second may have to wait for the first one's request to end
			getters.Go(func() {
				if n, err := numbers.Get(ctx); err != nil || n != 7 {
					t.Errorf("Get = %d, %v; want the message", n, err)
				}
			})
		}
		getters.Wait()
		before := f.pops.Load()
		if _, err := numbers.Get(ctx); !errors.Is(err, context.DeadlineExceeded) || f.pops.Load() > before {
			t.Errorf("Get with an ended ctx: %v after %d requests; want none", err, f.pops.Load()-before)
		}
		answers = time.Hour
		begin := time.Now()
		// A second more than the patience with one request: the pause before the first look is drawn by lot.
		if _, err := numbers.Get(t.Context()); !errors.Is(err, errand.ErrUnavailable) ||
			time.Since(begin) > 11*time.Second {
			t.Errorf("Get from a store that does not answer: %v after %v", err, time.Since(begin))
		}
	})
}

// TestPopOnce proves that a Get whose store fails does not ask again: what was popped may be lost.
func TestPopOnce(t *testing.T) {
	f, st := newFaulty()
	f.pop = func(context.Context, int) ([][]byte, error) { return nil, errand.ErrUnavailable }
	_, err := hotqueue.New[int](st, "numbers").Get(t.Context())
	if !errors.Is(err, errand.ErrUnavailable) || f.pops.Load() != 1 {
		t.Errorf("Get = %v after %d requests; want ErrUnavailable after one", err, f.pops.Load())
	}
}

// TestUndecodable proves that a message which is no value of the queue's type comes as an error with its bytes, which
// the error's text does not show, and that the next one comes as usual; also when the codec panics.
func TestUndecodable(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		raw := hotqueue.New[string](st, "numbers", hotqueue.WithCodec(hotqueue.Raw))
		if err := raw.Put(ctx, "1", "secret", "2"); err != nil {
			t.Fatal(err)
		}
		var log []string
		for n, err := range hotqueue.New[int](st, "numbers").Consume(ctx, hotqueue.NoWait) {
			var undecodable *hotqueue.DecodeError
			switch {
			case err == nil:
				log = append(log, fmt.Sprint(n))
			case errors.As(err, &undecodable) && errors.Is(err, errand.ErrDecode) && !strings.Contains(err.Error(), "secret"):
				log = append(log, "bad: "+string(undecodable.Message))
			default:
				t.Error(err)
			}
		}
		if want := []string{"1", "bad: secret", "2"}; !slices.Equal(log, want) {
			t.Errorf("consumed %q, want %q", log, want)
		}
		if err := raw.Put(ctx, "3"); err != nil {
			t.Fatal(err)
		}
		var undecodable *hotqueue.DecodeError
		var panicked *errand.PanicError
		_, err := hotqueue.New[int](st, "numbers", hotqueue.WithCodec(panicky{})).Get(ctx)
		if !errors.As(err, &undecodable) || !errors.As(err, &panicked) || string(undecodable.Message) != "3" {
			t.Errorf("Get through a codec that panics: %v", err)
		}
	})
}

// panicky is a codec of which it is better to be careful.
type panicky struct{}

func (panicky) Marshal(any) ([]byte, error) { return nil, errors.New("no") }
func (panicky) Unmarshal([]byte, any) error { panic("codec") }

// TestConsumeLeaves proves that leaving the loop loses nothing: what was not yielded is still in the queue.
func TestConsumeLeaves(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		numbers := hotqueue.New[int](st, "numbers")
		if err := numbers.Put(ctx, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9); err != nil {
			t.Fatal(err)
		}
		var got []int
		for range 5 {
			for n, err := range numbers.Consume(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, n)
				if n%2 == 1 {
					break
				}
			}
		}
		if !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("consumed %v", got)
		}
	})
}

// TestConsumeEnds proves when a loop ends: with ctx, after Wait; and that it then ends silently.
func TestConsumeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		numbers := hotqueue.New[int](st, "numbers")
		for i := range 3 {
			time.AfterFunc(time.Duration(i)*time.Minute, func() {
				if err := numbers.Put(t.Context(), i); err != nil {
					t.Error(err)
				}
			})
		}
		consume := func(ctx context.Context, opts ...hotqueue.GetOption) (got []int, took time.Duration) {
			begin := time.Now()
			for n, err := range numbers.Consume(ctx, opts...) {
				if err != nil {
					t.Error(err)
				}
				got = append(got, n)
			}
			return got, time.Since(begin)
		}
		got, took := consume(t.Context(), hotqueue.Wait(90*time.Second))
		if want := 2*time.Minute + 90*time.Second; !slices.Equal(got, []int{0, 1, 2}) || took != want {
			t.Errorf("Consume with Wait gave %v in %v; want 0 1 2 in %v", got, took, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got, took := consume(ctx); len(got) > 0 || took != time.Minute {
			t.Errorf("Consume gave %v in %v; want nothing in a minute, when ctx ends", got, took)
		}
		if got, took := consume(ctx); len(got) > 0 || took != 0 {
			t.Errorf("Consume with an ended ctx gave %v in %v", got, took)
		}
	})
}

// TestConsumeTrouble proves that errors of the store are yielded, with pauses, and do not end the loop, and that what
// cannot get better does.
func TestConsumeTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, st := newFaulty()
		numbers := hotqueue.New[int](st, "numbers")
		f.pop = func(context.Context, int) ([][]byte, error) {
			switch n := f.pops.Load(); {
			case n <= 10:
				return nil, errand.ErrUnavailable
			case n == 11:
				return [][]byte{[]byte("7")}, nil
			default:
				return nil, errand.ErrClosed
			}
		}
		var log []string
		begin := time.Now()
		for n, err := range numbers.Consume(t.Context()) {
			switch {
			case err == nil:
				log = append(log, fmt.Sprint(n))
			case errors.Is(err, errand.ErrUnavailable):
				log = append(log, "away")
			case errors.Is(err, errand.ErrClosed):
				log = append(log, "closed")
			default:
				t.Error(err)
			}
		}
		want := slices.Concat(slices.Repeat([]string{"away"}, 10), []string{"7", "closed"})
		if !slices.Equal(log, want) {
			t.Errorf("consumed %q, want %q", log, want)
		}
		if took := time.Since(begin); took < 10*time.Second || took > time.Minute {
			t.Errorf("ten errors took %v; want growing pauses", took)
		}
		for _, err := range hotqueue.New[int](st, "a b").Consume(t.Context()) {
			if !errors.Is(err, errand.ErrInvalid) {
				t.Errorf("Consume of a queue that cannot be: %v", err)
			}
		}
	})
}
