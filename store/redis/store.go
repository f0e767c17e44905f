package redis

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/notify"
)

// chunk is how many jobs one script touches at most.
const chunk = 500

// callTimeout bounds every call, also of callers that set no time.
const callTimeout = 15 * time.Second

// Store is an [errand.Store], an [errand.Notifier] and an [errand.Carrier]. Make one with [Open].
type Store struct {
	client  rueidis.Client
	where   string // the servers, for errors
	prefix  string
	publish string // PUBLISH or SPUBLISH
	many    int    // manyJobs, but in tests
	span    int    // jobsOfSpan, but in tests
	closed  atomic.Bool
	known   sync.Map // keys of queues that are in their list
	arrived arrivals
	express express
	hub     notify.Hub
	ears    ears
}

var (
	_ errand.Store     = (*Store)(nil)
	_ errand.Notifier  = (*Store)(nil)
	_ errand.Carrier   = (*Store)(nil)
	_ errand.Describer = (*Store)(nil)
	_ errand.Pipeliner = (*Store)(nil)
)

// Close ends the connections. Calls after it return [errand.ErrClosed].
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.ears.close()
	s.express.close()
	s.client.Close()
	s.hub.NotifyAll()
	return nil
}

// call is one operation of a caller.
type call struct {
	ctx  context.Context
	op   string
	now  int64
	done context.CancelFunc
}

// begin checks that an operation can be done, and bounds its time.
func (s *Store) begin(ctx context.Context, now time.Time, format string, args ...any) (*call, error) {
	op := fmt.Sprintf(format, args...)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if s.closed.Load() {
		return nil, fmt.Errorf("%s: %w", op, errand.ErrClosed)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errTimeout)
	return &call{ctx: ctx, op: op, now: micros(micro(now)), done: cancel}, nil
}

// jobsKey and messagesKey are the keys of a queue; the keys of all that it holds begin with it.
func (s *Store) jobsKey(queue string) string     { return "{" + s.prefix + ":q:" + queue + "}" }
func (s *Store) messagesKey(queue string) string { return "{" + s.prefix + ":m:" + queue + "}" }

// The lists of queues, and the workers' records.
func (s *Store) queuesKey() string        { return "{" + s.prefix + "}:queues" }
func (s *Store) messageQueuesKey() string { return "{" + s.prefix + "}:messages" }
func (s *Store) workersKey() string       { return "{" + s.prefix + "}:workers" }

// invoke makes a call of a script on a queue of jobs.
func (s *Store) invoke(c *call, sc *script, queue string, args ...string) invocation {
	return s.invokeKey(c, sc, s.jobsKey(queue), args...)
}

func (s *Store) invokeKey(c *call, sc *script, key string, args ...string) invocation {
	return invocation{script: sc, key: key, head: []string{s.publish, s.prefix, itoa(c.now)}, args: args}
}

// runOn calls a script on a queue of jobs.
func (s *Store) runOn(c *call, sc *script, queue string, args ...string) rueidis.RedisResult {
	return s.runAll(c.ctx, s.invoke(c, sc, queue, args...))[0]
}

// list has a queue be in a list of queues, before its first job is.
func (s *Store) list(c *call, listKey, name string) error {
	if _, ok := s.known.Load(listKey + name); ok {
		return nil
	}
	err := s.client.Do(c.ctx, s.client.B().Sadd().Key(listKey).Member(name).Build()).Error()
	if err == nil {
		s.known.Store(listKey+name, struct{}{})
	}
	return err
}

// listAgain lists a queue that had its first job: the server may have been emptied since it was listed.
func (s *Store) listAgain(c *call, listKey, name string) error {
	s.known.Delete(listKey + name)
	return s.list(c, listKey, name)
}

// names returns a list of queues, sorted.
func (s *Store) names(c *call, listKey string) ([]string, error) {
	names, err := s.client.Do(c.ctx, s.client.B().Smembers().Key(listKey).Build()).AsStrSlice()
	slices.Sort(names)
	return names, err
}

// Now returns the server's time; in a cluster, that of the node which has the list of queues.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	c, err := s.begin(ctx, time.Time{}, "now")
	if err != nil {
		return time.Time{}, err
	}
	defer c.done()
	parts, err := s.run(c.ctx, timeScript, s.queuesKey()).AsIntSlice()
	if err != nil || len(parts) != 2 {
		return time.Time{}, s.fail(c, err)
	}
	return time.Unix(parts[0], parts[1]*1000).UTC(), nil
}
