package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand"
)

var messageCases = []testCase{
	{name: "messages come out in the order in which they went in, each once", run: func(k *kit) {
		for i := range 20 {
			k.put("m", fmt.Appendf(nil, "%d", i))
		}
		for i := 0; i < 20; i += 4 {
			got := k.pop("m", 4)
			for j, message := range got {
				if string(message) != fmt.Sprint(i+j) {
					k.Fatalf("popped %q at place %d", message, i+j)
				}
			}
		}
		k.wantMessages("m")
	}},
	{name: "a put of many keeps their order, and a pop takes at most its limit", run: func(k *kit) {
		k.put("m", []byte("a"), []byte("b"), []byte("c"), []byte("d"))
		k.put("m", []byte("e"))
		if got := k.pop("m", 3); len(got) != 3 || string(got[2]) != "c" {
			k.Errorf("popped %q", got)
		}
		k.wantMessages("m", []byte("d"), []byte("e"))
		if got := k.pop("m", 0); len(got) != 0 {
			k.Errorf("a pop of none got %q", got)
		}
	}},
	{name: "bytes of every kind come back exactly", run: func(k *kit) {
		kinds := payloadKinds()
		names := slices.Sorted(keysOf(kinds))
		for _, name := range names {
			k.put("m", kinds[name])
		}
		for _, name := range names {
			got := k.pop("m", 1)
			if len(got) != 1 || !bytes.Equal(got[0], kinds[name]) {
				k.Errorf("%s: got %s", name, short(got))
			}
		}
	}},
	{name: "message queues are apart from each other and from job queues", run: func(k *kit) {
		k.put("q", []byte("message"))
		id := k.enqueue()
		k.wantMessages("other")
		k.run(id, errand.EventSucceeded)
		k.none()
		k.wantMessages("q", []byte("message"))
	}},
	{name: "a put that is sent again is put once", run: func(k *kit) {
		req := errand.PutRequest{Now: k.now, Queue: "m", Producer: "p", Number: 1, Messages: [][]byte{{1}, {2}}}
		k.ok(k.st.Put(k.ctx, req))
		k.ok(k.st.Put(k.ctx, req))
		req.Number, req.Messages = 2, [][]byte{{3}}
		k.ok(k.st.Put(k.ctx, req))
		k.wantMessages("m", []byte{1}, []byte{2}, []byte{3})
		k.ok(k.st.Put(k.ctx, req)) // also when they were taken
		k.wantMessages("m")
	}},
	{name: "a producer's numbers are apart for each queue, and from those of other producers", run: func(k *kit) {
		for _, queue := range []string{"m", "n"} {
			for _, producer := range []string{"p", "p2"} {
				k.ok(k.st.Put(k.ctx, errand.PutRequest{
					Now: k.now, Queue: queue, Producer: producer, Number: 1, Messages: [][]byte{[]byte(queue + producer)},
				}))
			}
		}
		k.wantMessages("m", []byte("mp"), []byte("mp2"))
		k.wantMessages("n", []byte("np"), []byte("np2"))
	}},
	{name: "without a producer every put counts", run: func(k *kit) {
		k.put("m", []byte("a"))
		k.put("m", []byte("a"))
		k.wantMessages("m", []byte("a"), []byte("a"))
	}},
	{name: "messages are counted and cleared", run: func(k *kit) {
		k.put("m", []byte("a"), []byte("b"), []byte("c"))
		k.put("n", []byte("x"))
		k.pop("m", 1)
		k.length("m", 2)
		n, err := k.st.Clear(k.ctx, k.now, "m")
		k.ok(err)
		if n != 2 {
			k.Errorf("cleared %d, want 2", n)
		}
		k.length("m", 0)
		k.length("n", 1)
		n, err = k.st.Clear(k.ctx, k.now, "never")
		k.ok(err)
		if n != 0 {
			k.Errorf("cleared %d of a queue that never was", n)
		}
		k.put("m", []byte("d"))
		k.wantMessages("m", []byte("d"))
	}},
	// Clear takes no message: it does not count as got.
	{name: "message queues are listed with their meters", run: func(k *kit) {
		k.put("n", []byte("x"))
		k.put("m", []byte("a"), []byte("b"), []byte("c"))
		k.pop("m", 2)
		_, err := k.st.Clear(k.ctx, k.now, "n")
		k.ok(err)
		infos, err := k.st.MessageQueues(k.ctx, k.now)
		k.ok(err)
		want := []errand.MessageQueueInfo{
			{Name: "m", Len: 1, Put: errand.Meter{Total: 3, PerMinute: 3}, Got: errand.Meter{Total: 2, PerMinute: 2}},
			{Name: "n", Len: 0, Put: errand.Meter{Total: 1, PerMinute: 1}},
		}
		if !slices.Equal(infos, want) {
			k.Errorf("got  %+v\nwant %+v", infos, want)
		}
	}},
	{name: "messages can be changed by the caller without harm", run: func(k *kit) {
		message := []byte("abc")
		k.put("m", message)
		message[0] = 'X'
		k.wantMessages("m", []byte("abc"))
	}},
	{name: "many takers get each message once", run: manyTakers},
	{name: "a buried job has failed, with its record, and can be requeued", run: buried},
}

func (k *kit) put(queue string, messages ...[]byte) {
	k.Helper()
	k.ok(k.st.Put(k.ctx, errand.PutRequest{Now: k.now, Queue: queue, Messages: messages}))
}

func (k *kit) pop(queue string, limit int) [][]byte {
	k.Helper()
	got, err := k.st.Pop(k.ctx, k.now, queue, limit)
	k.ok(err)
	if len(got) > limit {
		k.Fatalf("popped %d messages, limit %d", len(got), limit)
	}
	return got
}

func (k *kit) length(queue string, want int64) {
	k.Helper()
	n, err := k.st.Len(k.ctx, queue)
	k.ok(err)
	if n != want {
		k.Fatalf("%d messages wait, want %d", n, want)
	}
}

// wantMessages pops all messages and fails unless they are these.
func (k *kit) wantMessages(queue string, want ...[]byte) {
	k.Helper()
	k.length(queue, int64(len(want)))
	got := k.pop(queue, len(want)+10)
	if !slices.EqualFunc(got, want, bytes.Equal) {
		k.Fatalf("popped %q, want %q", got, want)
	}
	k.length(queue, 0)
}

func manyTakers(k *kit) {
	const producers, each, takers = 4, 50, 4
	var mu sync.Mutex
	seen := make(map[string]int)
	last := make([]map[byte]byte, takers) // by taker and producer: each taker sees a producer's messages in order
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				err := k.st.Put(k.ctx, errand.PutRequest{
					Now: k.now, Queue: "m", Producer: fmt.Sprint("p", p), Number: int64(i + 1),
					Messages: [][]byte{{byte(p), byte(i)}},
				})
				if err != nil {
					k.Errorf("put: %v", err)
				}
			}
		})
	}
	for taker := range takers {
		last[taker] = make(map[byte]byte)
		wg.Go(func() {
			for k.Context().Err() == nil {
				got, err := k.st.Pop(k.ctx, k.now, "m", 3)
				if err != nil {
					k.Errorf("pop: %v", err)
					return
				}
				mu.Lock()
				for _, message := range got {
					seen[string(message)]++
					if before, ok := last[taker][message[0]]; ok && before >= message[1] {
						k.Errorf("message %d of producer %d after message %d", message[1], message[0], before)
					}
					last[taker][message[0]] = message[1]
				}
				done := len(seen) == producers*each || k.Failed()
				mu.Unlock()
				if done {
					return
				}
			}
		})
	}
	wg.Wait()
	for message, n := range seen {
		if n != 1 {
			k.Errorf("message %q was given %d times", message, n)
		}
	}
	k.wantMessages("m")
}

func buried(k *kit) {
	s := spec(inQueue("numbers"), withPayload([]byte("4\x00")))
	rec := fullRecord(k.now)
	k.ok(k.st.Bury(k.ctx, k.now, s, rec))
	k.ok(k.st.Bury(k.ctx, k.now.Add(time.Hour), s, rec)) // sent again
	job := k.want(errand.StateFailed, s.ID)
	want := &errand.Job{
		JobSpec: s, State: errand.StateFailed, CreatedAt: k.now, ReadyAt: k.now, EndedAt: k.now, StartedAt: rec.StartedAt,
		Worker: rec.Worker, Attempt: rec.Attempt, Token: rec.Token, Attempts: []errand.AttemptRecord{rec},
	}
	k.same("buried job", job, want)
	if info := k.queueInfo("numbers"); info.Failed.Total != 1 || info.Enqueued.Total != 0 {
		k.Errorf("queue: %+v", info)
	}
	k.none("numbers")
	k.requeue(s.ID)
	jobs := k.claim(1, "numbers")
	k.wantIDs("claim", jobs, s.ID)
	if !bytes.Equal(jobs[0].Payload, s.Payload) || len(jobs[0].Attempts) != 1 || jobs[0].Attempt != 1 {
		k.Errorf("requeued: payload %q, %d records, attempt %d", jobs[0].Payload, len(jobs[0].Attempts), jobs[0].Attempt)
	}
	k.settle(jobs[0], errand.EventSucceeded)
	existing := k.enqueue()
	k.ok(k.st.Bury(k.ctx, k.now, errand.JobSpec{ID: existing, Queue: "q", Task: "task"}, rec))
	k.want(errand.StateQueued, existing)
}
