package redis

import (
	"sync"
	"sync/atomic"
)

// arrivals guesses the places that the next jobs of a queue will have in the order of arrival, so that their records can be
// written whole. A wrong guess, as where other processes enqueue to the queue, costs the server a copy of each record:
// add.lua looks.
type arrivals struct {
	last sync.Map // of each queue, an *atomic.Int64
}

// next guesses which job arrives just before the next n.
func (a *arrivals) next(queue string, n int) int64 {
	last, ok := a.last.Load(queue)
	if !ok {
		last, _ = a.last.LoadOrStore(queue, new(atomic.Int64))
	}
	return last.(*atomic.Int64).Add(int64(n)) - int64(n)
}

// learn takes in which job was the last to arrive, where guessed would have been. Where more was guessed meanwhile, the
// answers to that will tell.
func (a *arrivals) learn(queue string, guessed, was int64) {
	if last, ok := a.last.Load(queue); ok && guessed != was {
		last.(*atomic.Int64).CompareAndSwap(guessed, was)
	}
}
