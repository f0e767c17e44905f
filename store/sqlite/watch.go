package sqlite

import (
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// A commit of another process writes to the log, of which the system tells us where it can, and is to be seen a moment
// later, when it is on the disk: so we look at once, and again after ever longer pauses. Our own commits write to the log
// too: while there are many of them we look less often.
const (
	soon   = 3 * time.Millisecond  // the first pause
	often  = 15 * time.Millisecond // the pause while our own commits follow each other, or where the system tells nothing
	seldom = time.Second           // the longest pause, in case that something was missed
)

// watcher wakes up those who wait when another connection has committed: another process's, or that of a user's own
// transaction. While nobody waits it does not run.
type watcher struct {
	store *Store

	mu      sync.Mutex
	waiting int // subscriptions
	closed  bool
	stop    chan struct{}
	stopped chan struct{}
	log     logWatch
}

// logWatch tells when something is written to the log. See openLogWatch.
type logWatch interface {
	// wait returns after that time, or sooner, with true, when something was written. It returns at once after close.
	wait(d time.Duration) (written bool)
	close()
}

// blind is a logWatch where the system tells nothing.
type blind struct{ closed chan struct{} }

func (b blind) wait(d time.Duration) bool {
	select {
	case <-time.After(min(d, often)):
	case <-b.closed:
	}
	return false
}

func (b blind) close() { close(b.closed) }

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
		w.log = openLogWatch(w.store.path + "-wal")
		go w.run(w.log, w.stop, w.stopped)
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
		w.log.close()
		<-w.stopped
		w.stop = nil
	}
}

func (w *watcher) run(log logWatch, stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	rest, pause := soon, soon
	for {
		select {
		case <-stop:
			return
		case <-time.After(rest): // what is written meanwhile is told by wait
		}
		written := log.wait(pause)
		foreign := w.store.writer.foreign()
		if foreign {
			w.store.hub.NotifyAll()
		}
		if written {
			pause = soon
		} else {
			pause = min(2*pause, seldom)
		}
		if written && !foreign {
			rest = min(2*rest, often)
		} else {
			rest = soon
		}
	}
}
