package errand

import "sync"

// handoff is where jobs that were claimed wait for a runner, in the order in which they are to begin.
//
// It wakes one runner at a time, or starts one where none waits and there may be more. That one does the same when it has
// taken a job and there are more jobs. So handlers that return at once are run by the few runners that are awake, and
// there never are many for the garbage collector to look at; handlers that block have as many runners as there may be.
type handoff struct {
	start func() // starts a runner, which takes jobs until there are none to come
	limit int    // of runners

	mu      sync.Mutex
	more    sync.Cond
	jobs    []*held // from next on
	next    int
	started int  // runners
	idle    int  // those that wait
	waking  bool // one of them has been called, or started, and is not here yet
	closed  bool
}

func newHandoff(limit int, start func()) *handoff {
	q := &handoff{limit: limit, start: start}
	q.more.L = &q.mu
	return q
}

// put adds jobs.
func (q *handoff) put(jobs []*held) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next > 0 && len(q.jobs)+len(jobs) > cap(q.jobs) {
		n := copy(q.jobs, q.jobs[q.next:])
		clear(q.jobs[n:])
		q.jobs, q.next = q.jobs[:n], 0
	}
	q.jobs = append(q.jobs, jobs...)
	q.wake()
}

// arrive is for a runner that begins.
func (q *handoff) arrive() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waking = false
}

// take waits for a job and returns it, or nil when there is none and there will be none.
func (q *handoff) take() *held {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if h := q.first(); h != nil {
			q.wake()
			return h
		}
		if q.closed {
			return nil
		}
		q.idle++
		q.more.Wait()
		q.idle--
		q.waking = false
	}
}

// takeNow is take without waiting.
func (q *handoff) takeNow() *held {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.first()
}

// len returns how many jobs wait.
func (q *handoff) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs) - q.next
}

// close lets take return nil once there are no more jobs.
func (q *handoff) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}

func (q *handoff) first() *held {
	if q.next == len(q.jobs) {
		return nil
	}
	h := q.jobs[q.next]
	q.jobs[q.next] = nil
	q.next++
	if q.next == len(q.jobs) {
		q.jobs, q.next = q.jobs[:0], 0
	}
	return h
}

func (q *handoff) wake() {
	switch {
	case q.next == len(q.jobs) || q.waking:
	case q.idle > 0:
		q.waking = true
		q.more.Signal()
	case q.started < q.limit:
		q.waking = true
		q.started++
		q.start()
	}
}
