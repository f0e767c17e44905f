package errand

import (
	"context"
	"sync"
	"time"
)

// attemptContext is the context of one attempt's handler. Handlers of small jobs rarely look at theirs, so what can end it,
// with a timer and a channel, is made when it is first asked for.
type attemptContext struct {
	info     *JobInfo
	values   context.Context // of the worker; it never ends
	deadline time.Time       // zero: none

	mu     sync.Mutex
	made   context.Context // nil: not asked for yet
	cancel context.CancelCauseFunc
	stop   context.CancelFunc // stops the timer
	ended  bool
	cause  error // why it ended before it was made
}

// Deadline implements [context.Context].
func (c *attemptContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// Done implements [context.Context].
func (c *attemptContext) Done() <-chan struct{} { return c.make().Done() }

// Err implements [context.Context].
func (c *attemptContext) Err() error { return c.make().Err() }

// Value implements [context.Context]. What the worker's context does not have may be something that package context looks
// for, to end contexts that derive from this one.
func (c *attemptContext) Value(key any) any {
	if key == (infoKey{}) {
		return c.info
	}
	if v := c.values.Value(key); v != nil {
		return v
	}
	return c.make().Value(key)
}

// make returns the context that does the work.
func (c *attemptContext) make() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made != nil {
		return c.made
	}
	c.made, c.cancel = context.WithCancelCause(c.values)
	if !c.deadline.IsZero() {
		c.made, c.stop = context.WithDeadlineCause(c.made, c.deadline, ErrTimeout)
	}
	if c.ended {
		c.cancel(c.cause)
	}
	return c.made
}

// end ends the context, for a cause that [context.Cause] will tell. Calls after the first change nothing.
func (c *attemptContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended, c.cause = true, cause
	if c.made == nil {
		return
	}
	c.cancel(cause)
	if c.stop != nil {
		c.stop()
	}
}
