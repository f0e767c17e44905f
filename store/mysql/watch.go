package mysql

import (
	"context"
	"sync"
	"time"
)

// The server tells nobody of a commit. So while somebody waits, the store looks whether the contributions to the counters
// are still the same ones: every change of a job's state makes or removes one. It looks often while things happen, and
// seldom when nothing does.
const (
	often  = 40 * time.Millisecond
	seldom = 560 * time.Millisecond
	calm   = 10 * time.Second // after the last change, until it looks seldom
)

// contributions has a number that any change of the set of rows changes: their ids are random.
const contributions = `SELECT CAST(BIT_XOR(id) AS SIGNED) FROM errand_queues UNION ALL SELECT CAST(BIT_XOR(id) AS SIGNED) FROM errand_message_queues`

// watcher wakes up those who wait when somebody has changed something. While nobody waits it does not run.
type watcher struct {
	look   func(ctx context.Context) ([2]int64, error)
	notify func()

	mu      sync.Mutex
	waiting int // subscriptions
	closed  bool
	cancel  context.CancelFunc
	done    chan struct{}
}

func (w *watcher) add() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting++
	if w.waiting == 1 && !w.closed {
		ctx, cancel := context.WithCancel(context.Background())
		w.cancel, w.done = cancel, make(chan struct{})
		go w.run(ctx, w.done)
	}
}

func (w *watcher) remove() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting--
	if w.waiting == 0 {
		w.end()
	}
}

// close ends watching for good.
func (w *watcher) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.end()
}

// end stops the goroutine, where it runs, and waits for it.
func (w *watcher) end() {
	if w.cancel != nil {
		w.cancel()
		<-w.done
		w.cancel = nil
	}
}

func (w *watcher) run(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	var last [2]int64
	changed, first := time.Now(), true
	for {
		now, err := w.look(ctx)
		if err == nil && (first || now != last) { // first: of what was missed until now
			if !first {
				changed = time.Now()
			}
			last, first = now, false
			w.notify()
		}
		pause := often
		if err != nil || time.Since(changed) > calm {
			pause = seldom
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
