package hotqueue_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/memory"
	"github.com/errandhq/errand/store/sqlite"
)

// benchEachStore measures something on every store.
func benchEachStore(b *testing.B, bench func(b *testing.B, q *hotqueue.Queue[int])) {
	b.Run("memory", func(b *testing.B) { bench(b, hotqueue.New[int](memory.New(), "numbers")) })
	for _, level := range []sqlite.Sync{sqlite.Full, sqlite.Normal} {
		b.Run("sqlite/"+string(level), func(b *testing.B) {
			st, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "jobs.db"), sqlite.Synchronous(level))
			if err != nil {
				b.Fatal(err)
			}
			defer func(st errand.Store) {
				if err := st.Close(); err != nil {
					b.Error(err)
				}
			}(st)
			bench(b, hotqueue.New[int](st, "numbers"))
		})
	}
}

// fill puts as many messages as will be taken.
func fill(b *testing.B, q *hotqueue.Queue[int]) {
	for left := b.N; left > 0; left -= 10_000 {
		if err := q.Put(b.Context(), make([]int, min(left, 10_000))...); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
}

func BenchmarkPut(b *testing.B) {
	benchEachStore(b, func(b *testing.B, q *hotqueue.Queue[int]) {
		for b.Loop() {
			if err := q.Put(b.Context(), 1); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPutConcurrently(b *testing.B) {
	benchEachStore(b, func(b *testing.B, q *hotqueue.Queue[int]) {
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := q.Put(b.Context(), 1); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func BenchmarkGet(b *testing.B) {
	benchEachStore(b, func(b *testing.B, q *hotqueue.Queue[int]) {
		fill(b, q)
		for range b.N {
			if _, err := q.Get(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGetConcurrently(b *testing.B) {
	benchEachStore(b, func(b *testing.B, q *hotqueue.Queue[int]) {
		fill(b, q)
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := q.Get(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func BenchmarkWorker(b *testing.B) {
	benchEachStore(b, func(b *testing.B, q *hotqueue.Queue[int]) {
		fill(b, q)
		w := hotqueue.Worker(q, func(context.Context, int) error { return nil }, hotqueue.Concurrency(64), hotqueue.NoWait, quiet)
		if err := w.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkPingPong measures how soon one who waits has what another puts.
func BenchmarkPingPong(b *testing.B) {
	benchEachStore(b, func(b *testing.B, q *hotqueue.Queue[int]) {
		ctx, stop := context.WithCancel(b.Context())
		got := make(chan struct{})
		var taker sync.WaitGroup
		defer taker.Wait()
		defer stop()
		taker.Go(func() {
			for _, err := range q.Consume(ctx) {
				if err != nil {
					b.Error(err)
				}
				got <- struct{}{}
			}
		})
		for b.Loop() {
			if err := q.Put(ctx, 1); err != nil {
				b.Fatal(err)
			}
			<-got
		}
	})
}
