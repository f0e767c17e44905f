// Package notify wakes up those who wait inside one process: a hub of topics that stores build errand.Notifier from.
package notify

import (
	"sync"
	"sync/atomic"

	"github.com/errandhq/errand"
)

// Hub hands wake-ups from those who change something to those who wait for it. The zero value is ready. Its methods may
// be called from any goroutine, also while the caller holds locks of its own: none of them waits for a receiver.
type Hub struct {
	listeners atomic.Int64 // so that notifying costs one load while nobody listens
	mu        sync.RWMutex
	topics    map[errand.Topic]map[*listener]struct{}
}

type listener struct {
	wake chan struct{}
}

// poke leaves a value in the listener's channel unless one is there already.
func (l *listener) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Subscribe returns a channel that gets a value after each Notify of one of the topics. It holds one value; further
// ones are dropped while it is full. It is never closed. The returned function ends the subscription; it may be called
// more than once.
func (h *Hub) Subscribe(topics ...errand.Topic) (<-chan struct{}, func()) {
	l := &listener{wake: make(chan struct{}, 1)}
	topics = append([]errand.Topic(nil), topics...)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics == nil {
		h.topics = make(map[errand.Topic]map[*listener]struct{})
	}
	for _, topic := range topics {
		if h.topics[topic] == nil {
			h.topics[topic] = make(map[*listener]struct{})
		}
		h.topics[topic][l] = struct{}{}
	}
	h.listeners.Add(1)
	return l.wake, sync.OnceFunc(func() { h.unsubscribe(l, topics) })
}

func (h *Hub) unsubscribe(l *listener, topics []errand.Topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, topic := range topics {
		delete(h.topics[topic], l)
		if len(h.topics[topic]) == 0 {
			delete(h.topics, topic)
		}
	}
	h.listeners.Add(-1)
}

// Notify wakes up those who subscribed to one of the topics. Call it after what it tells of can be seen.
func (h *Hub) Notify(topics ...errand.Topic) {
	if h.Idle() {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, topic := range topics {
		for l := range h.topics[topic] {
			l.poke()
		}
	}
}

// NotifyAll wakes up everybody, for when it is not known what happened.
func (h *Hub) NotifyAll() {
	if h.Idle() {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, listeners := range h.topics {
		for l := range listeners {
			l.poke()
		}
	}
}

// Idle reports whether nobody listens, for callers that would rather not build topics in vain. Whoever subscribes after
// Idle said true has not looked yet, and so misses nothing.
func (h *Hub) Idle() bool { return h.listeners.Load() == 0 }
