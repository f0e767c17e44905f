package redis_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
)

// cost is what a piece of work has cost the client and the server.
type cost struct {
	client, server, evalsha time.Duration
	calls                   float64
}

func measure(tb testing.TB, client rueidis.Client) (c cost) {
	tb.Helper()
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	c.client = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	text, err := client.Do(context.Background(), client.B().Info().Section("everything").Build()).ToString()
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(text) {
		var f float64
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "used_cpu_sys", "used_cpu_user":
			if _, err := fmt.Sscan(value, &f); err != nil {
				tb.Fatal(err)
			}
			c.server += time.Duration(f * float64(time.Second))
		case "cmdstat_evalsha":
			var usec int64
			var calls int64
			if _, err := fmt.Sscanf(value, "calls=%d,usec=%d", &calls, &usec); err != nil {
				tb.Fatal(err)
			}
			c.evalsha = time.Duration(usec) * time.Microsecond
			c.calls = float64(calls)
		}
	}
	return c
}

func reportCost(b *testing.B, before, after cost) {
	n := float64(b.N)
	b.ReportMetric(float64((after.client-before.client).Nanoseconds())/n/1000, "µs-client")
	b.ReportMetric(float64((after.server-before.server).Nanoseconds())/n/1000, "µs-server")
	b.ReportMetric(float64((after.evalsha-before.evalsha).Nanoseconds())/n/1000, "µs-scripts")
	b.ReportMetric((after.calls-before.calls)/n*1000, "scripts/1000")
	b.ReportMetric(n/b.Elapsed().Seconds(), "jobs/s")
}

type costPayload struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

func costPayloads(n int) []costPayload {
	ins := make([]costPayload, n)
	for i := range ins {
		ins[i] = costPayload{i, strings.Repeat("x", 80)}
	}
	return ins
}

// BenchmarkCost is what a job costs each side.
func BenchmarkCost(b *testing.B) {
	server := testserver.Redis(b)
	for _, concurrency := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("drain-%d", concurrency), func(b *testing.B) {
			st := openAt(b, place{server.URL, newPrefix()})
			client := raw(b, server.URL)
			var left atomic.Int64
			left.Store(int64(b.N))
			empty := make(chan struct{})
			task := errand.DefineFunc("bench", func(_ context.Context, p costPayload) error {
				if left.Add(-1) == 0 {
					close(empty)
				}
				return nil
			})
			if _, err := task.EnqueueMany(context.Background(), errand.NewQueue(st, "bench"), costPayloads(b.N)); err != nil {
				b.Fatal(err)
			}
			w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"bench"}, Concurrency: concurrency, Logger: quiet})
			w.Register(task)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			b.ReportAllocs()
			before := measure(b, client)
			b.ResetTimer()
			go func() { done <- w.Run(ctx) }()
			<-empty
			cancel()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			reportCost(b, before, measure(b, client))
		})
	}
	b.Run("enqueue-64", func(b *testing.B) {
		st := openAt(b, place{server.URL, newPrefix()})
		client := raw(b, server.URL)
		task := errand.DefineFunc("bench", func(context.Context, costPayload) error { return nil })
		q := errand.NewQueue(st, "bench")
		text := strings.Repeat("x", 80)
		var next atomic.Int64
		var wg sync.WaitGroup
		b.ReportAllocs()
		before := measure(b, client)
		b.ResetTimer()
		for range 64 {
			wg.Go(func() {
				for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
					if _, err := task.Enqueue(context.Background(), q, costPayload{n, text}); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
		b.StopTimer()
		reportCost(b, before, measure(b, client))
	})
	b.Run("bulk", func(b *testing.B) {
		st := openAt(b, place{server.URL, newPrefix()})
		client := raw(b, server.URL)
		task := errand.DefineFunc("bench", func(context.Context, costPayload) error { return nil })
		ins := costPayloads(b.N)
		b.ReportAllocs()
		before := measure(b, client)
		b.ResetTimer()
		if _, err := task.EnqueueMany(context.Background(), errand.NewQueue(st, "bench"), ins); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		reportCost(b, before, measure(b, client))
	})
}
