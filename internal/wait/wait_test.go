package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitsGrowWhereNobodyWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := Waiter{First: 10 * time.Millisecond, Max: 30 * time.Millisecond}
		for i, want := range []time.Duration{10, 15, 22, 30, 30} {
			began := time.Now()
			if err := w.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(began) / time.Millisecond; got != want {
				t.Errorf("wait %d took %d ms, want %d", i, got, want)
			}
		}
		w.Reset()
		began := time.Now()
		_ = w.Wait(t.Context())
		if got := time.Since(began); got != w.First {
			t.Errorf("after Reset: %v", got)
		}
	})
}

func TestWakeAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		w := Waiter{Wake: wake, First: time.Second, Max: time.Hour}
		began := time.Now()
		wake <- struct{}{}
		if err := w.Wait(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("woken after %v, %v", time.Since(began), err)
		}
		if err := w.Wait(t.Context()); err != nil || time.Since(began) != time.Hour {
			t.Errorf("looked after %v, %v", time.Since(began), err)
		}
		reason := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		if err := w.Wait(ctx); !errors.Is(err, reason) {
			t.Errorf("ended with %v", err)
		}
	})
}
