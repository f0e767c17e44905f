package storetest

import (
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// patience is how long a wake-up may take before a case fails. A store that works needs milliseconds.
const patience = time.Minute

// woken fails unless what do does wakes up those who wait for the topic. It is passed over for stores that wake nobody.
func (k *kit) woken(topic errand.Topic, do func()) {
	k.Helper()
	n, ok := k.st.(errand.Notifier)
	if !ok {
		k.Skip("the store is no errand.Notifier")
	}
	wake, cancel := n.Subscribe("unrelated", topic)
	defer cancel()
	for drained := false; !drained; { // of what came before
		select {
		case <-wake:
		default:
			drained = true
		}
	}
	do()
	select {
	case <-wake:
	case <-time.After(patience):
		k.Fatalf("%s was not notified", topic)
	}
}

var notifyCases = []testCase{
	{name: "a queue's topic is woken by what makes its jobs ready or sooner due", run: func(k *kit) {
		topic := errand.QueueTopic("q")
		var id string
		k.woken(topic, func() { id = k.enqueue() })
		k.woken(topic, func() { k.enqueue(runAt(k.now.Add(time.Hour))) })
		k.woken(topic, func() { k.run(id, errand.EventReleased) })
		k.woken(topic, func() { k.run(id, errand.EventRetried, at(k.now.Add(time.Second))) })
		k.pass(time.Second)
		k.woken(topic, func() { k.maintain() }) // due
		k.claimOne(id)
		k.woken(topic, func() { k.lose() })
		k.run(id, errand.EventFailed)
		k.woken(topic, func() { k.requeue(id) })
		k.ok(k.st.Pause(k.ctx, k.now, "q"))
		k.woken(topic, func() { k.ok(k.st.Resume(k.ctx, k.now, "q")) })
	}},
	{name: "a queue's topic is woken when a parent in another queue finishes", run: func(k *kit) {
		parent := k.enqueue()
		k.enqueue(inQueue("children"), after(parent))
		k.woken(errand.QueueTopic("children"), func() { k.run(parent, errand.EventSucceeded) })
	}},
	{name: "a job's topic is woken when it is final or gone", run: func(k *kit) {
		for _, end := range []func(id string){
			func(id string) { k.run(id, errand.EventSucceeded) },
			func(id string) { k.run(id, errand.EventSucceeded, keep(time.Hour)) },
			func(id string) { k.run(id, errand.EventFailed) },
			func(id string) { k.run(id, errand.EventCanceled) },
			func(id string) { k.cancel(id) },
			func(id string) { k.delete(id) },
		} {
			id := k.enqueue()
			k.woken(errand.JobTopic(id), func() { end(id) })
		}
		parent := k.enqueue()
		child := k.enqueue(after(parent))
		k.woken(errand.JobTopic(child), func() { k.run(parent, errand.EventFailed) })
		id := k.enqueue()
		k.woken(errand.JobTopic(id), func() {
			for range maxRecoveries + 1 {
				k.claimOne(id)
				k.lose()
			}
		})
	}},
	{name: "a worker's topic is woken by its orders", run: func(k *kit) {
		id := k.enqueue()
		k.claimOne(id)
		k.woken(errand.WorkerTopic("w1"), func() { k.cancel(id) })
	}},
	{name: "a message queue's topic is woken by a message", run: func(k *kit) {
		k.woken(errand.MessageTopic("m"), func() { k.put("m", []byte("a")) })
	}},
	{name: "every subscriber of a topic is woken, and none after it has ended its subscription", run: func(k *kit) {
		n, ok := k.st.(errand.Notifier)
		if !ok {
			k.Skip("the store is no errand.Notifier")
		}
		ended, cancel := n.Subscribe(errand.QueueTopic("q"))
		cancel()
		for len(ended) > 0 {
			<-ended
		}
		k.woken(errand.QueueTopic("q"), func() {
			k.woken(errand.QueueTopic("q"), func() { k.enqueue() })
		})
		select {
		case <-ended:
			k.Error("woken after the subscription had ended")
		default:
		}
	}},
	{name: "who subscribes, looks and then waits misses nothing", run: noLostWakeUp},
}

// noLostWakeUp has one goroutine put messages one by one, each only when the one before was taken, and another that
// waits for them. One lost wake-up stops both.
func noLostWakeUp(k *kit) {
	n, ok := k.st.(errand.Notifier)
	if !ok {
		k.Skip("the store is no errand.Notifier")
	}
	const rounds = 100
	taken := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range rounds {
			if err := k.st.Put(k.ctx, errand.PutRequest{Now: k.now, Queue: "m", Messages: [][]byte{{1}}}); err != nil {
				k.Errorf("put: %v", err)
			}
			select {
			case <-taken:
			case <-time.After(patience):
				return
			}
		}
	})
	wg.Go(func() {
		for i := range rounds {
			if !k.awaitMessage(n) {
				k.Errorf("message %d was slept through", i+1)
				return
			}
			taken <- struct{}{}
		}
	})
	wg.Wait()
}

// awaitMessage subscribes anew, looks, and waits.
func (k *kit) awaitMessage(n errand.Notifier) bool {
	wake, cancel := n.Subscribe(errand.MessageTopic("m"))
	defer cancel()
	for {
		got, err := k.st.Pop(k.ctx, k.now, "m", 1)
		if err != nil {
			k.Errorf("pop: %v", err)
			return false
		}
		if len(got) > 0 {
			return true
		}
		select {
		case <-wake:
		case <-time.After(patience / 2):
			return false
		}
	}
}
