package notify_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/notify"
)

func woken(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// A subscriber is woken by its own topics and by no others, once however often they are notified before it looks.
func TestHub_WakesOwnTopics(t *testing.T) {
	var h notify.Hub
	h.Notify("a") // before: not told
	ab, cancel := h.Subscribe("a", "b")
	defer cancel()
	c, cancelC := h.Subscribe("c")
	defer cancelC()
	if woken(ab) {
		t.Error("woken by what came before the subscription")
	}
	h.Notify("b", "a")
	h.Notify("a")
	if !woken(ab) || woken(ab) {
		t.Error("a and b: want exactly one value")
	}
	if woken(c) {
		t.Error("c was woken by a and b")
	}
	h.NotifyAll()
	if !woken(ab) || !woken(c) {
		t.Error("NotifyAll left somebody asleep")
	}
}

// After the cancel function nothing comes, its repetition harms no other subscriber, and the hub is idle again.
func TestHub_Cancel(t *testing.T) {
	var h notify.Hub
	first, cancelFirst := h.Subscribe("a")
	second, cancelSecond := h.Subscribe("a")
	cancelFirst()
	cancelFirst()
	h.Notify("a")
	if woken(first) || !woken(second) {
		t.Error("want only the second subscriber woken")
	}
	cancelSecond()
	if !h.Idle() {
		t.Error("not idle after every subscription ended")
	}
}

// Subscribing, notifying and cancelling at once is safe, and a change made before a notification is never slept through.
func TestHub_NoLostWakeUp(t *testing.T) {
	var h notify.Hub
	var wg sync.WaitGroup
	for i := range 8 {
		topic := errand.Topic(fmt.Sprint("t", i%4))
		var mu sync.Mutex
		ready := 0
		const total = 200
		wg.Go(func() {
			for range total {
				mu.Lock()
				ready++
				mu.Unlock()
				h.Notify(topic)
			}
		})
		wg.Go(func() {
			wake, cancel := h.Subscribe(topic)
			defer cancel()
			for {
				mu.Lock()
				done := ready == total
				mu.Unlock()
				if done {
					return
				}
				<-wake
			}
		})
	}
	wg.Wait()
}

func BenchmarkNotify_nobodyListens(b *testing.B) {
	var h notify.Hub
	for b.Loop() {
		h.Notify("a")
	}
}
