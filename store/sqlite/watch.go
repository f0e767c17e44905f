package sqlite

import (
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// lookEvery is how long another process's commit stays unnoticed at most.
const lookEvery = 15 * time.Millisecond

// watcher wakes up those who wait when another connection has committed: another process's, or that of a user's own
// transaction. While nobody waits it does not run.
type watcher struct {
	store *Store

	mu      sync.Mutex
	waiting int // subscriptions
	closed  bool
	stop    chan struct{}
	stopped chan struct{}
}

// Subscribe implements [errand.Notifier]. What this store does wakes those whom it concerns, at once; what another
// process or a user's transaction does wakes everybody, within about 20 milliseconds.
func (s *Store) Subscribe(topics ...errand.Topic) (<-chan struct{}, func()) {
	wake, cancel := s.hub.Subscribe(topics...)
	s.watcher.add()
	return wake, sync.OnceFunc(func() {
		cancel()
		s.watcher.remove()
	})
}

func (w *watcher) add() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting++
	if w.waiting == 1 && !w.closed {
		w.stop, w.stopped = make(chan struct{}), make(chan struct{})
		go w.run(w.stop, w.stopped)
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
	if w.stop != nil {
		close(w.stop)
		<-w.stopped
		w.stop = nil
	}
}

func (w *watcher) run(stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			if w.store.writer.foreign() {
				w.store.hub.NotifyAll()
			}
		}
	}
}
