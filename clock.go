package errand

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// clock tells the store's time without asking the store each time: its time at the last measurement plus what has
// passed since by this machine's monotonic clock. So machines whose wall clocks differ agree on when a lease ends.
type clock struct {
	store Store

	mu   sync.Mutex
	base time.Time // the store's time ...
	at   time.Time // ... when this machine's monotonic clock read this
}

// remeasure bounds how long a measurement is used: long enough to cost nothing, short enough for drift not to matter.
const remeasure = time.Minute

// now returns the store's time. It asks the store at first use and then once a minute; when that fails later on, it goes
// on with what it knows.
func (c *clock) now(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	since := time.Since(c.at)
	if !c.base.IsZero() && since < remeasure {
		return c.base.Add(since), nil
	}
	before := time.Now()
	measured, err := c.store.Now(ctx)
	if err != nil {
		if !c.base.IsZero() {
			return c.base.Add(since), nil
		}
		return time.Time{}, fmt.Errorf("ask the store for its time: %w", err)
	}
	took := time.Since(before)
	c.base, c.at = measured.Round(0).Add(took/2), before.Add(took) // half the round trip: the best guess without more
	return c.base.Add(time.Since(c.at)), nil
}

// mustNow is now for a clock that has been measured before.
func (c *clock) mustNow() time.Time {
	t, err := c.now(context.Background())
	if err != nil {
		return time.Now()
	}
	return t
}
