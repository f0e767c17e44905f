package hotqueue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/memory"
)

type message struct {
	To   string
	Text string
}

// TestPutGet proves that messages come out once, in the order in which they went in, and that Len and Clear count them.
func TestPutGet(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		mail := hotqueue.New[message](st, "mail")
		other := hotqueue.New[message](st, "mail") // as another program would
		expectLen := func(want int64) {
			t.Helper()
			if n, err := other.Len(ctx); err != nil || n != want {
				t.Fatalf("Len = %d, %v; want %d", n, err, want)
			}
		}
		if n, err := mail.Clear(ctx); err != nil || n != 0 {
			t.Fatalf("Clear of a queue that never was = %d, %v", n, err)
		}
		expectLen(0)
		if err := mail.Put(ctx, message{"ada", "1"}, message{"bob", "2"}); err != nil {
			t.Fatal(err)
		}
		if err := other.Put(ctx, message{"cat", "3"}); err != nil {
			t.Fatal(err)
		}
		expectLen(3)
		for _, want := range []message{{"ada", "1"}, {"bob", "2"}, {"cat", "3"}} {
			if got, err := other.Get(ctx); err != nil || got != want {
				t.Fatalf("Get = %v, %v; want %v", got, err, want)
			}
		}
		expectLen(0)
		if err := mail.Put(ctx, make([]message, 700)...); err != nil {
			t.Fatal(err)
		}
		expectLen(700)
		if n, err := other.Clear(ctx); err != nil || n != 700 {
			t.Fatalf("Clear = %d, %v; want 700", n, err)
		}
		expectLen(0)
	})
}

// TestAny proves that a queue of any gives back what went in, whatever it was, with big integers intact.
func TestAny(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		things := hotqueue.New[any](st, "things")
		in := []any{"a string", map[string]any{"id": int64(1)<<53 + 1}, nil, []any{true, 1.5}}
		want := []any{
			"a string", map[string]any{"id": json.Number("9007199254740993")}, nil, []any{true, json.Number("1.5")},
		}
		if err := things.Put(ctx, in...); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if got, err := things.Get(ctx); err != nil || !reflect.DeepEqual(got, w) {
				t.Errorf("Get = %#v, %v; want %#v", got, err, w)
			}
		}
	})
}

// TestRaw proves that the Raw codec stores the bytes of a message and nothing else, empty ones and invalid UTF-8 too.
func TestRaw(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		blobs := hotqueue.New[[]byte](st, "raw", hotqueue.WithCodec(hotqueue.Raw))
		texts := hotqueue.New[string](st, "raw", hotqueue.WithCodec(hotqueue.Raw))
		for _, s := range []string{"plain", "", "\x00\xff\xfe", "🙂", strings.Repeat("x", errand.MaxPayloadBytes)} {
			if err := blobs.Put(ctx, []byte(s)); err != nil {
				t.Fatal(err)
			}
			if got, err := texts.Get(ctx, hotqueue.NoWait); err != nil || got != s {
				t.Errorf("Get = %.20q, %v; want %.20q", got, err, s)
			}
		}
		numbers := hotqueue.New[int](st, "raw", hotqueue.WithCodec(hotqueue.Raw))
		if err := numbers.Put(ctx, 1); !errors.Is(err, errand.ErrEncode) {
			t.Errorf("Put of an int through Raw: %v", err)
		}
	})
}

// TestBadInput proves that what cannot be put is refused with an error that names it, and that nothing is stored.
func TestBadInput(t *testing.T) {
	st := memory.New()
	ctx := t.Context()
	var none context.Context
	ended, cancel := context.WithCancel(ctx)
	cancel()
	long := strings.Repeat("x", errand.MaxPayloadBytes)
	texts := hotqueue.New[string](st, "texts")
	named := func(name string) error { return hotqueue.New[string](st, name).Put(ctx, "x") }
	opted := func(opts ...hotqueue.Option) error { return hotqueue.New[string](st, "texts", opts...).Put(ctx, "x") }
	_, getErr := texts.Get(ctx, hotqueue.Wait(-1))
	_, noneErr := texts.Get(none)
	_, lenErr := hotqueue.New[string](st, "a b").Len(ctx)
	_, clearErr := hotqueue.New[string](st, "a b").Clear(ctx)
	tests := []struct {
		name string
		err  error
		is   error
		says string
	}{
		{"nil context", texts.Put(none, "x"), errand.ErrInvalid, "context is nil"},
		{"nil context to Get", noneErr, errand.ErrInvalid, "context is nil"},
		{"ended context", texts.Put(ended, "x"), context.Canceled, `put to "texts"`},
		{"no message", texts.Put(ctx), errand.ErrInvalid, "no message"},
		{"empty name", named(""), errand.ErrInvalid, "name is empty"},
		{"name with a space", named("a b"), errand.ErrInvalid, `"a b"`},
		{"Len of a bad name", lenErr, errand.ErrInvalid, `"a b"`},
		{"Clear of a bad name", clearErr, errand.ErrInvalid, `"a b"`},
		{"nil store", hotqueue.New[string](nil, "texts").Put(ctx, "x"), errand.ErrInvalid, "store is nil"},
		{"nil codec", opted(hotqueue.WithCodec(nil)), errand.ErrInvalid, "WithCodec(nil)"},
		{"nil option", opted(nil), errand.ErrInvalid, "option is nil"},
		{"bad limit", opted(hotqueue.MaxMessage(0)), errand.ErrInvalid, "MaxMessage(0)"},
		{"negative wait", getErr, errand.ErrInvalid, "Wait(-1ns)"},
		{"too long", texts.Put(ctx, "x", long), errand.ErrPayloadTooLarge, "message 1: payload too large: 1048578 bytes"},
		{"over a limit of one's own", opted(hotqueue.MaxMessage(2)), errand.ErrPayloadTooLarge, "the limit is 2"},
		{"channel", hotqueue.New[chan int](st, "texts").Put(ctx, nil), errand.ErrEncode, "chan int"},
		{
			"unexported fields", hotqueue.New[any](st, "texts").Put(ctx, "x", struct{ hidden int }{1}),
			errand.ErrEncode, "message 1: value of type struct",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !errors.Is(tt.err, tt.is) || !strings.Contains(fmt.Sprint(tt.err), tt.says) {
				t.Errorf("error %v; want one that is %v and says %q", tt.err, tt.is, tt.says)
			}
		})
	}
	if n, err := texts.Len(ctx); err != nil || n != 0 {
		t.Errorf("%d messages are stored, %v", n, err)
	}
	if infos, err := st.MessageQueues(ctx, time.Now()); err != nil || len(infos) > 0 {
		t.Errorf("message queues %v, %v; want none", infos, err)
	}
}

// TestConcurrent proves that many who put and many who get pass every message once, also through Queues of their own.
func TestConcurrent(t *testing.T) {
	eachStore(t, func(t *testing.T, st errand.Store) {
		ctx := soon(t)
		const putters, getters, each = 8, 8, 50
		shared := hotqueue.New[int](st, "numbers")
		queue := func(i int) *hotqueue.Queue[int] {
			if i%2 == 0 {
				return shared
			}
			return hotqueue.New[int](st, "numbers")
		}
		var all sync.WaitGroup
		got := make(chan int, putters*each)
		for i := range putters {
			q := queue(i)
			all.Go(func() {
				for n := range each {
					if err := q.Put(ctx, i*each+n); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range getters {
			q := queue(i)
			all.Go(func() {
				for range putters * each / getters {
					n, err := q.Get(ctx)
					if err != nil {
						t.Error(err)
						return
					}
					got <- n
				}
			})
		}
		all.Wait()
		close(got)
		seen := map[int]bool{}
		for n := range got {
			if seen[n] {
				t.Errorf("message %d came twice", n)
			}
			seen[n] = true
		}
		if len(seen) != putters*each {
			t.Errorf("%d messages came, want %d", len(seen), putters*each)
		}
	})
}

// TestSharedRoundTrips proves that puts, and takes, which come while another is under way share the next request.
func TestSharedRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, st := newFaulty()
		gate := make(chan struct{})
		f.put = func(ctx context.Context, req errand.PutRequest) error { <-gate; return f.Store.Put(ctx, req) }
		f.pop = func(ctx context.Context, limit int) ([][]byte, error) {
			<-gate
			return f.Store.Pop(ctx, time.Now(), "numbers", limit)
		}
		numbers := hotqueue.New[int](st, "numbers")
		hundred := func(call func(n int) error) {
			var all sync.WaitGroup
			for n := range 100 {
				all.Go(func() {
					if err := call(n); err != nil {
						t.Error(err)
					}
				})
			}
			synctest.Wait() // all are there: one sends, the others wait
			close(gate)
			all.Wait()
			gate = make(chan struct{})
		}
		hundred(func(n int) error { return numbers.Put(t.Context(), n) })
		hundred(func(int) error { _, err := numbers.Get(t.Context()); return err })
		if puts, pops := f.puts.Load(), f.pops.Load(); puts > 2 || pops > 2 {
			t.Errorf("100 puts took %d requests and 100 gets %d; want 2 each", puts, pops)
		}
	})
}

// TestPutUnavailable proves that a put whose store was cut off is repeated, and that repeating it puts nothing twice.
func TestPutUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, st := newFaulty()
		numbers := hotqueue.New[int](st, "numbers")
		f.put = func(ctx context.Context, req errand.PutRequest) error { // does it, and then the answer gets lost
			if err := f.Store.Put(ctx, req); err != nil {
				return err
			}
			if f.puts.Load()%4 == 0 {
				return nil
			}
			return fmt.Errorf("the answer got lost: %w", errand.ErrUnavailable)
		}
		for n := range 3 {
			if err := numbers.Put(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := numbers.Len(t.Context()); err != nil || n != 3 || f.puts.Load() != 12 {
			t.Errorf("%d messages after %d requests, %v; want 3 after 12", n, f.puts.Load(), err)
		}
		f.put = func(context.Context, errand.PutRequest) error { return errand.ErrUnavailable }
		if err := numbers.Put(t.Context(), 4); !errors.Is(err, errand.ErrUnavailable) || f.puts.Load() != 16 {
			t.Errorf("Put into a store that is away: %v, after %d tries; want ErrUnavailable after 4", err, f.puts.Load()-12)
		}
		f.put = func(context.Context, errand.PutRequest) error { return errand.ErrCorrupt }
		if err := numbers.Put(t.Context(), 4); !errors.Is(err, errand.ErrCorrupt) || f.puts.Load() != 17 {
			t.Errorf("Put into a corrupt store: %v, after %d tries; want ErrCorrupt after 1", err, f.puts.Load()-16)
		}
	})
}

// TestPutGivenUp proves that a Put whose ctx ends while the store is at work says that the outcome is unknown.
func TestPutGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, st := newFaulty()
		slow := make(chan struct{})
		f.put = func(context.Context, errand.PutRequest) error { <-slow; return nil }
		numbers := hotqueue.New[int](st, "numbers")
		var first sync.WaitGroup
		first.Go(func() {
			if err := numbers.Put(t.Context(), 1); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := numbers.Put(ctx, 2) // waits for its turn and takes itself back
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errand.ErrUnknownOutcome) {
			t.Errorf("Put that never began: %v; want the error of ctx alone", err)
		}
		close(slow)
		first.Wait()
	})
}
