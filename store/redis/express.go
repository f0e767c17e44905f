package redis

import (
	"context"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// expressIdle is how far apart calls may be that are worth a connection of their own.
const expressIdle = time.Second

// expressLanes is how many calls at a time have a connection of their own: as many as a queue has enqueues under way.
const expressLanes = 2

// express is connections beside the one that all calls share, each for one call at a time. As soon as anything is subscribed to,
// or two calls have met, each call on the shared one is written by one goroutine and answered by another, which is a quarter
// of what a lone enqueue takes. The caller who has a lane writes and reads by himself.
//
// There is none in a cluster, where a connection is to one node.
type express struct {
	client rueidis.Client // nil: there is none

	mu     sync.Mutex
	lanes  [expressLanes]lane // a later one is asked for when those before are busy
	closed bool
	ending sync.WaitGroup
}

// lane is one connection. It is opened when calls for it follow each other closely, and closed after an error, or when they
// do not any more.
type lane struct {
	own     rueidis.DedicatedClient // nil: not open
	opening bool
	busy    bool      // somebody has it
	last    time.Time // when somebody asked for it
}

// take returns a lane, which is the caller's until he calls leave; nil where there is none for him.
func (x *express) take() *lane {
	if x.client == nil {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.lanes {
		if l := &x.lanes[i]; !l.busy {
			return x.enter(l)
		}
	}
	return nil
}

func (x *express) enter(l *lane) *lane {
	now := time.Now()
	often := now.Sub(l.last) < expressIdle
	l.last = now
	switch {
	case x.closed || l.opening:
		return nil
	case l.own == nil:
		if often {
			l.opening = true
			x.ending.Go(func() { x.open(l) })
		}
		return nil
	case !often: // the server may have gone meanwhile
		x.drop(l)
		return nil
	}
	l.busy = true
	return l
}

// open opens a connection. It is not for callers to wait for.
func (x *express) open(l *lane) {
	own, _ := x.client.Dedicate()
	x.mu.Lock()
	defer x.mu.Unlock()
	l.opening, l.own = false, own
	if x.closed {
		x.drop(l)
	}
}

// leave gives a lane back. One that has seen an error, other than that a script is not there, is closed.
func (x *express) leave(l *lane, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l.busy = false
	if e, ok := rueidis.IsRedisErr(err); err != nil && (!ok || !e.IsNoScript() && !e.IsNil()) {
		x.drop(l)
	}
}

func (x *express) drop(l *lane) {
	if l.own != nil {
		x.ending.Go(l.own.Close)
		l.own = nil
	}
}

// close ends the connections, also under a call.
func (x *express) close() {
	x.mu.Lock()
	x.closed = true
	for i := range x.lanes {
		x.drop(&x.lanes[i])
	}
	x.mu.Unlock()
	x.ending.Wait()
}

// do sends a command on an express connection or, where none is free, on the shared one.
func (s *Store) do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	l := s.express.take()
	if l == nil {
		return s.client.Do(ctx, cmd)
	}
	result := l.own.Do(ctx, cmd)
	s.express.leave(l, result.Error())
	return result
}
