// Package wait waits for news that a store may tell, and looks again now and then in case it does not.
package wait

import (
	"context"
	"time"
)

// Waiter waits again and again for the same thing.
type Waiter struct {
	Wake  <-chan struct{} // nil: nobody wakes us
	First time.Duration   // the first wait where nobody wakes us; each further one is half as long again
	Max   time.Duration   // the longest wait; with a Wake channel, every wait

	next time.Duration
}

// Wait returns nil when woken or when it is time to look again, else the cause of ctx's end.
func (w *Waiter) Wait(ctx context.Context) error {
	switch {
	case w.Wake != nil:
		w.next = w.Max
	case w.next == 0:
		w.next = w.First
	default:
		w.next = min(w.next*3/2, w.Max)
	}
	t := time.NewTimer(w.next)
	defer t.Stop()
	select {
	case <-w.Wake:
		return nil
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Reset makes the next wait a short one again: call it when something was found.
func (w *Waiter) Reset() { w.next = 0 }
