package mysql

import (
	"context"
	"sync"
	"time"
)

// The server tells nobody of a commit. So while somebody waits, the store looks whether the contributions to the counters
// are still the same ones: every change of a job's state makes or removes one. It looks often while things happen, and
// seldom when nothing does. What is asked of workers is looked at too.
const (
	often  = 45 * time.Millisecond
	seldom = 595 * time.Millisecond
	calm   = 10 * time.Second // after the last change, until it looks seldom
	fresh  = 4 * seldom       // how long a look says that nothing has changed
)

// contributions has numbers that any change of the sets of rows changes: ids are random.
const contributions = `SELECT CAST(BIT_XOR(id) AS SIGNED) FROM errand_queues
UNION ALL SELECT CAST(BIT_XOR(id) AS SIGNED) FROM errand_message_queues
UNION ALL SELECT CAST(BIT_XOR(CRC32(CONCAT(worker, job))) AS SIGNED) FROM errand_orders`

// sums is what a look finds.
type sums [3]int64

// watcher wakes up those who wait when somebody has changed something. While nobody waits it does not run.
type watcher struct {
	look   func(ctx context.Context) (sums, error)
	notify func()

	seenMu  sync.Mutex
	changes uint64    // that were seen
	changed time.Time // when the last was; zero: nothing is known
	looked  time.Time // when all was as before

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
	defer w.forget()
	var last sums
	first := true
	for {
		now, err := w.look(ctx)
		if err == nil && (first || now != last) { // first: of what was missed until now
			last, first = now, false
			w.note(true)
			w.notify()
		} else if err == nil {
			w.note(false)
		}
		pause := often
		if _, ok := w.Calm(); ok || err != nil {
			pause = seldom
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// note keeps what a look, or a change of this process's own, says.
func (w *watcher) note(change bool) {
	w.seenMu.Lock()
	defer w.seenMu.Unlock()
	if change {
		w.changes++
		w.changed = time.Now()
	} else {
		w.looked = time.Now()
	}
}

// forget is for when nobody looks any more.
func (w *watcher) forget() {
	w.seenMu.Lock()
	defer w.seenMu.Unlock()
	w.changes++
	w.changed, w.looked = time.Time{}, time.Time{}
}

// Calm returns the number of changes until now, and whether the last one was some time ago.
func (w *watcher) Calm() (changes uint64, ok bool) {
	w.seenMu.Lock()
	defer w.seenMu.Unlock()
	return w.changes, !w.changed.IsZero() && time.Since(w.changed) > calm && time.Since(w.looked) < fresh
}
