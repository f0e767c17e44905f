// Package storeclock tells a store's time without asking the store each time: its time at the last measurement plus what
// has passed since by this machine's monotonic clock. So machines whose wall clocks differ agree on what time it is.
package storeclock

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Source is what has a time of its own: a store.
type Source interface {
	Now(ctx context.Context) (time.Time, error)
}

// Clock tells a source's time. Make one with [New]. Its methods may be called from any goroutine; none of them waits for
// another's question to the source.
type Clock struct {
	source Source

	mu     sync.Mutex
	base   time.Time // the source's time ...
	at     time.Time // ... when this machine's monotonic clock read this; zero: never measured
	asking bool      // somebody measures anew; meanwhile the old measurement serves
}

// remeasure bounds how long a measurement is used: long enough to cost nothing, short enough for drift not to matter.
const remeasure = time.Minute

// New makes a clock. The source is asked at first use.
func New(source Source) *Clock { return &Clock{source: source} }

// Now returns the source's time. It asks the source at first use and then about once a minute; when that fails later on,
// it goes on with what it knows. An error means that the source has never answered.
func (c *Clock) Now(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	measured := !c.at.IsZero()
	since := time.Since(c.at)
	told := c.base.Add(since)
	if measured && (since < remeasure || c.asking) {
		c.mu.Unlock()
		return told, nil
	}
	c.asking = true
	c.mu.Unlock()

	before := time.Now()
	now, err := c.source.Now(ctx)
	took := time.Since(before)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking = false
	switch {
	case err == nil:
		c.base, c.at = now.Round(0).Add(took/2), before.Add(took) // half the round trip: the best guess without more
		return c.base, nil
	case measured:
		return told.Add(took), nil
	default:
		return time.Time{}, fmt.Errorf("ask the store for its time: %w", err)
	}
}

// Known is Now for a clock that has been measured before; it never asks. On one that has not, it is this machine's time.
func (c *Clock) Known() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now()
	}
	return c.base.Add(time.Since(c.at))
}
