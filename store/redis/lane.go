package redis

import (
	"context"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// laneIdle is how far apart calls may be that are worth a connection of their own.
const laneIdle = time.Second

// lane is a connection beside the one that all calls share, for one call at a time. As soon as anything is subscribed to, or
// two calls have met, each call on the shared one is written by one goroutine and answered by another, which is a quarter
// of what a lone enqueue takes. The caller who has the lane writes and reads by himself.
//
// It is opened when calls follow each other closely, and closed after an error, or when they do not any more. There is none
// in a cluster, where a connection is to one node.
type lane struct {
	client rueidis.Client // nil: there is no lane

	mu      sync.Mutex
	own     rueidis.DedicatedClient // nil: not open
	opening bool
	busy    bool // somebody has it
	closed  bool
	last    time.Time // when somebody asked for it
	ending  sync.WaitGroup
}

// take returns the lane's connection, which is the caller's until he calls leave; nil where there is none for him.
func (l *lane) take() rueidis.DedicatedClient {
	if l.client == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	often := now.Sub(l.last) < laneIdle
	l.last = now
	switch {
	case l.busy || l.closed || l.opening:
		return nil
	case l.own == nil:
		if often {
			l.opening = true
			l.ending.Go(l.open)
		}
		return nil
	case !often: // the server may have gone meanwhile
		l.drop()
		return nil
	}
	l.busy = true
	return l.own
}

// open opens the connection. It is not for callers to wait for.
func (l *lane) open() {
	own, _ := l.client.Dedicate()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opening, l.own = false, own
	if l.closed {
		l.drop()
	}
}

// leave gives the connection back. One that has seen an error, other than that a script is not there, is closed.
func (l *lane) leave(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
	if e, ok := rueidis.IsRedisErr(err); err != nil && (!ok || !e.IsNoScript() && !e.IsNil()) {
		l.drop()
	}
}

func (l *lane) drop() {
	if l.own != nil {
		l.ending.Go(l.own.Close)
		l.own = nil
	}
}

// close ends the connection, also under a call.
func (l *lane) close() {
	l.mu.Lock()
	l.closed = true
	l.drop()
	l.mu.Unlock()
	l.ending.Wait()
}

// do sends a command on the lane, or where that is not free on the shared connection.
func (s *Store) do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	own := s.lane.take()
	if own == nil {
		return s.client.Do(ctx, cmd)
	}
	result := own.Do(ctx, cmd)
	s.lane.leave(result.Error())
	return result
}
