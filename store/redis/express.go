package redis

import (
	"context"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// expressIdle is how far apart calls may be that are worth a connection of their own.
const expressIdle = time.Second

// express is a connection beside the one that all calls share, for one call at a time. As soon as anything is subscribed to, or
// two calls have met, each call on the shared one is written by one goroutine and answered by another, which is a quarter
// of what a lone enqueue takes. The caller who has it writes and reads by himself.
//
// It is opened when calls follow each other closely, and closed after an error, or when they do not any more. There is none
// in a cluster, where a connection is to one node.
type express struct {
	client rueidis.Client // nil: there is none

	mu      sync.Mutex
	own     rueidis.DedicatedClient // nil: not open
	opening bool
	busy    bool // somebody has it
	closed  bool
	last    time.Time // when somebody asked for it
	ending  sync.WaitGroup
}

// take returns the connection, which is the caller's until he calls leave; nil where there is none for him.
func (x *express) take() rueidis.DedicatedClient {
	if x.client == nil {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	often := now.Sub(x.last) < expressIdle
	x.last = now
	switch {
	case x.busy || x.closed || x.opening:
		return nil
	case x.own == nil:
		if often {
			x.opening = true
			x.ending.Go(x.open)
		}
		return nil
	case !often: // the server may have gone meanwhile
		x.drop()
		return nil
	}
	x.busy = true
	return x.own
}

// open opens the connection. It is not for callers to wait for.
func (x *express) open() {
	own, _ := x.client.Dedicate()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.opening, x.own = false, own
	if x.closed {
		x.drop()
	}
}

// leave gives the connection back. One that has seen an error, other than that a script is not there, is closed.
func (x *express) leave(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy = false
	if e, ok := rueidis.IsRedisErr(err); err != nil && (!ok || !e.IsNoScript() && !e.IsNil()) {
		x.drop()
	}
}

func (x *express) drop() {
	if x.own != nil {
		x.ending.Go(x.own.Close)
		x.own = nil
	}
}

// close ends the connection, also under a call.
func (x *express) close() {
	x.mu.Lock()
	x.closed = true
	x.drop()
	x.mu.Unlock()
	x.ending.Wait()
}

// do sends a command on the express connection or, where that is not free, on the shared one.
func (s *Store) do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	own := s.express.take()
	if own == nil {
		return s.client.Do(ctx, cmd)
	}
	result := own.Do(ctx, cmd)
	s.express.leave(result.Error())
	return result
}
