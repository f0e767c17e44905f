package storetest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// benchPayload is what the benchmarks' jobs carry: about 100 bytes of JSON, as in the peers' figures.
type benchPayload struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

var benchText = strings.Repeat("x", 80)

// Benchmark measures a store through the public API: enqueueing by one producer, by 64 and in bulk, draining at
// concurrency 1, 10, 100 and 1,000, taking in what comes from another store, the time from enqueue to start at low load, and
// what an idle worker costs. An operation is a
// job. A drain that loses or doubles a job fails. open makes an empty store.
func Benchmark(b *testing.B, open func(b testing.TB) errand.Store) {
	b.Run("enqueue-1", func(b *testing.B) { benchEnqueue(b, open(b), 1) })
	b.Run("enqueue-64", func(b *testing.B) { benchEnqueue(b, open(b), 64) })
	b.Run("enqueue-bulk", func(b *testing.B) { benchBulk(b, open(b)) })
	for _, concurrency := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("drain-%d", concurrency), func(b *testing.B) { benchDrain(b, open(b), concurrency) })
	}
	b.Run("unpack", func(b *testing.B) { benchUnpack(b, open(b)) })
	b.Run("pickup", func(b *testing.B) { benchPickup(b, open(b)) })
	b.Run("idle", func(b *testing.B) { benchIdle(b, open(b)) })
}

func perSecond(b *testing.B, n int) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "jobs/s")
}

func benchEnqueue(b *testing.B, st errand.Store, producers int) {
	task := errand.DefineFunc("bench", func(context.Context, benchPayload) error { return nil })
	q := errand.NewQueue(st, "bench")
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range producers {
		wg.Go(func() {
			for {
				n := int(next.Add(1))
				if n > b.N {
					return
				}
				if _, err := task.Enqueue(context.Background(), q, benchPayload{N: n, Text: benchText}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	perSecond(b, b.N)
}

func payloads(n int) []benchPayload {
	ins := make([]benchPayload, n)
	for i := range ins {
		ins[i] = benchPayload{N: i, Text: benchText}
	}
	return ins
}

func benchBulk(b *testing.B, st errand.Store) {
	task := errand.DefineFunc("bench", func(context.Context, benchPayload) error { return nil })
	ins := payloads(b.N)
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := task.EnqueueMany(context.Background(), errand.NewQueue(st, "bench"), ins); err != nil {
		b.Fatal(err)
	}
	perSecond(b, b.N)
}

// benchUnpack takes in parcels of 500 jobs.
func benchUnpack(b *testing.B, st errand.Store) {
	carrier, ok := st.(errand.Carrier)
	if !ok {
		b.Skip("it is no Carrier")
	}
	const size = 500
	body := []byte(`{"n":1,"text":"` + benchText + `"}`)
	now := time.Now().UTC()
	b.ReportAllocs()
	b.ResetTimer()
	for done, number := 0, int64(1); done < b.N; number++ {
		parcel := errand.Parcel{Token: "bench", Number: number, Queue: "bench"}
		for ; len(parcel.Jobs) < size && done < b.N; done++ {
			spec := errand.JobSpec{ID: errand.NewID(), Queue: "bench", Task: "bench", Payload: body}
			parcel.Jobs = append(parcel.Jobs, errand.PackedJob{Job: errand.Job{
				JobSpec: spec, State: errand.StateQueued, CreatedAt: now, ReadyAt: now,
			}})
		}
		if _, err := carrier.Unpack(context.Background(), now, &parcel); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, b.N)
}

// startWorker runs a worker until the returned function is called.
func startWorker(b *testing.B, st errand.Store, concurrency int, task errand.AnyTask) (stop func()) {
	w := errand.NewWorker(st, errand.WorkerConfig{
		Queues: []string{"bench"}, Concurrency: concurrency,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	w.Register(task)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

func benchDrain(b *testing.B, st errand.Store, concurrency int) {
	ran := make([]atomic.Int32, b.N)
	var left atomic.Int64
	left.Store(int64(b.N))
	empty := make(chan struct{})
	task := errand.DefineFunc("bench", func(_ context.Context, p benchPayload) error {
		ran[p.N].Add(1)
		if left.Add(-1) == 0 {
			close(empty)
		}
		return nil
	})
	if _, err := task.EnqueueMany(context.Background(), errand.NewQueue(st, "bench"), payloads(b.N)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	stop := startWorker(b, st, concurrency, task)
	<-empty
	stop() // settles what is left, so that the time is that of the whole life of every job
	b.StopTimer()
	perSecond(b, b.N)
	for n := range ran {
		if got := ran[n].Load(); got != 1 {
			b.Fatalf("void: job %d ran %d times", n, got)
		}
	}
	if page, err := st.Jobs(context.Background(), errand.JobFilter{Limit: 1}); err != nil || len(page.Jobs) > 0 {
		b.Fatalf("void: jobs are left in the store, %v", err)
	}
}

// benchPickup enqueues a job every few milliseconds while a worker idles and measures how long each waits to start.
func benchPickup(b *testing.B, st errand.Store) {
	started := make(chan time.Time, 1)
	task := errand.DefineFunc("bench", func(context.Context, benchPayload) error {
		started <- time.Now()
		return nil
	})
	stop := startWorker(b, st, 10, task)
	defer stop()
	q := errand.NewQueue(st, "bench")
	const jobs = 400
	var enqueued, waits []time.Duration
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for b.Loop() {
		for range jobs {
			<-pace.C
			before := time.Now()
			if _, err := task.Enqueue(context.Background(), q, benchPayload{Text: benchText}); err != nil {
				b.Fatal(err)
			}
			acknowledged := time.Now()
			start := <-started
			enqueued = append(enqueued, start.Sub(before))
			waits = append(waits, max(start.Sub(acknowledged), 0))
		}
	}
	report := func(name string, all []time.Duration) {
		slices.Sort(all)
		for _, p := range []int{50, 99} {
			b.ReportMetric(float64(all[(len(all)-1)*p/100].Microseconds())/1000, fmt.Sprintf("ms-%s-p%d", name, p))
		}
	}
	report("from-call", enqueued) // from the call of Enqueue to the start of the handler
	report("from-return", waits)  // from its return, when the job is safe, to that start
	b.ReportMetric(0, "ns/op")
}

// benchIdle measures the share of a core that a worker with nothing to do uses.
func benchIdle(b *testing.B, st errand.Store) {
	stop := startWorker(b, st, 10, errand.DefineFunc("bench", func(context.Context, benchPayload) error { return nil }))
	defer stop()
	runtime.GC() // what the benchmarks before this one have left
	<-time.After(time.Second)
	var used, span time.Duration
	for b.Loop() {
		before, began := cpuTime(b), time.Now()
		<-time.After(5 * time.Second)
		used += cpuTime(b) - before
		span += time.Since(began)
	}
	b.ReportMetric(100*used.Seconds()/span.Seconds(), "%core")
	b.ReportMetric(0, "ns/op")
}
