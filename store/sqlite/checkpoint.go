package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
)

const (
	// checkpointPages is how many pages the writer adds to the log before they are written back, and checkpointLate at how many
	// the writer does that itself: mostly only for the last few, which were added meanwhile, after which the log starts anew.
	checkpointPages = 4000
	checkpointLate  = 16_000
)

// checkpointer writes the log back into the database beside the writer, whom it would keep from writing for 15 ms and more
// each time. It may fail: the writer does it then.
type checkpointer struct {
	path  string
	pages int // that were written since the last one began
	busy  atomic.Bool
	done  sync.WaitGroup
	conn  *conn // of whoever is busy; nil: not open yet
}

// note counts pages that were written to the log. It is called by one goroutine at a time.
func (c *checkpointer) note(pages int) {
	c.pages += pages
	if c.pages < checkpointPages || !c.busy.CompareAndSwap(false, true) {
		return
	}
	c.pages = 0
	c.done.Go(func() {
		defer c.busy.Store(false)
		c.run()
	})
}

func (c *checkpointer) run() {
	if c.conn == nil {
		var err error
		if c.conn, err = openConn(c.path, "rw"); err != nil {
			return
		}
	}
	err := c.conn.in(context.Background()).Query("PRAGMA wal_checkpoint(PASSIVE)", func(sqlRow) error { return nil })
	if err != nil {
		_ = c.conn.close()
		c.conn = nil
	}
}

// close waits for the one that is under way. The writer has stopped before.
func (c *checkpointer) close() error {
	c.done.Wait()
	if c.conn == nil {
		return nil
	}
	return c.conn.close()
}
