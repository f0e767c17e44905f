package measure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/errandhq/errand/bench/peer"
)

// The measures of what a worker with nothing to do costs: shares of a core in percent, and requests a second.
const (
	IdleWorker   = "idle-worker"
	IdleStore    = "idle-store"
	IdleRequests = "idle-requests"
)

// idles has each system's worker, a process of its own, do nothing for a while. The store's share is what it uses above
// what it uses with nobody connected.
func (b *bench) idles(ctx context.Context, store peer.Store, entries []peer.Entry) error {
	span := 5 * time.Second
	if b.Full {
		span = 10 * time.Second
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e peer.Entry) bool { return e.NoWakeup })
	alone, err := b.spent(ctx, store, nil, span)
	if err != nil {
		return err
	}
	return b.alternate(ctx, 1, entries, func(round int, e peer.Entry) error {
		return b.opened(ctx, e, func(s peer.System, url string) error {
			w := away(s, e, url, 1)
			stop, err := w.Work(ctx, 10, func(int64) {})
			if err != nil {
				return err
			}
			rest := time.NewTimer(11 * time.Second) // some look more often for a while after a change
			<-rest.C
			got, err := b.spent(ctx, store, []int{w.children[0].cmd.Process.Pid}, span)
			b.record(e, IdleWorker, round, 100*got.worker, 0, err)
			if store != peer.SQLite {
				b.record(e, IdleStore, round, 100*max(got.store-alone.store, 0), 0, err)
				b.record(e, IdleRequests, round, max(got.requests-alone.requests, 0), 0, err)
			}
			return stop()
		})
	})
}

// use is what was used in a second.
type use struct{ worker, store, requests float64 }

// spent measures for a while.
func (b *bench) spent(ctx context.Context, store peer.Store, workers []int, span time.Duration) (use, error) {
	before, err := b.used(ctx, store, workers)
	if err != nil {
		return use{}, err
	}
	began := time.Now()
	wait := time.NewTimer(span)
	<-wait.C
	after, err := b.used(ctx, store, workers)
	seconds := time.Since(began).Seconds()
	return use{
		(after.worker - before.worker) / seconds, (after.store - before.store) / seconds, (after.requests - before.requests) / seconds,
	}, err
}

// used is what has been used so far.
func (b *bench) used(ctx context.Context, store peer.Store, workers []int) (use, error) {
	requests, err := b.requests(ctx, store)
	if err != nil {
		return use{}, err
	}
	return use{cpuSeconds(workers), cpuSeconds(b.pids(store)), requests}, nil
}

// requests are commands on Redis, transactions on PostgreSQL and statements on MariaDB, since the server started.
func (b *bench) requests(ctx context.Context, store peer.Store) (float64, error) {
	server := b.started[store]
	switch store {
	case peer.Redis:
		n, err := peer.RedisNumber(ctx, server.URL, "total_commands_processed")
		return float64(n), err
	case peer.Postgres:
		conn, err := pgx.Connect(ctx, server.URL)
		if err != nil {
			return 0, err
		}
		defer conn.Close(ctx)
		var n float64
		err = conn.QueryRow(ctx, `SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database`).Scan(&n)
		return n, err
	case peer.MySQL:
		text, err := mysqlStatus(ctx, server.URL, "Questions")
		if err != nil {
			return 0, err
		}
		return strconv.ParseFloat(text, 64)
	default: // SQLite is in the worker itself
		return 0, nil
	}
}

// cpuSeconds is what processes and all that descend from them have used of the processors.
func cpuSeconds(pids []int) float64 {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		_, rest, _ := strings.Cut(string(data), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	total := 0.0
	for queue := slices.Clone(pids); len(queue) > 0; {
		pid := queue[0]
		queue = append(queue[1:], children[pid]...)
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, path := range threads {
			var nanoseconds float64
			if data, err := os.ReadFile(path); err == nil {
				_, _ = fmt.Sscan(string(data), &nanoseconds)
			}
			total += nanoseconds / 1e9
		}
	}
	return total
}
