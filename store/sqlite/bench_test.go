//go:build unix

package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/sqlite"
	"github.com/errandhq/errand/store/storetest"
)

const benchBatch = 1000

var benchPayload = []byte(`{"n":12345,"text":"` + strings.Repeat("x", 80) + `"}`)

func benchModes(b *testing.B, run func(b *testing.B, mode sqlite.Sync)) {
	for _, mode := range []sqlite.Sync{sqlite.Full, sqlite.Normal} {
		b.Run("synchronous="+string(mode), func(b *testing.B) { run(b, mode) })
	}
}

func rate(b *testing.B, what string, n int, d time.Duration) {
	b.ReportMetric(float64(n)/d.Seconds(), what+"/s")
}

// specs makes jobs in groups of up to 500.
func benchGroups(n int) [][]errand.JobSpec {
	var groups [][]errand.JobSpec
	for n > 0 {
		group := make([]errand.JobSpec, min(n, errand.MaxBatch))
		for i := range group {
			group[i] = errand.JobSpec{ID: errand.NewID(), Queue: "bench", Task: "bench", Payload: benchPayload}
		}
		groups = append(groups, group)
		n -= len(group)
	}
	return groups
}

// BenchmarkStore measures enqueue, claim and settle in batches of 1,000: the cycle that a worker's speed is bounded by.
func BenchmarkStore(b *testing.B) {
	benchModes(b, func(b *testing.B, mode sqlite.Sync) {
		st := openAt(b, filepath.Join(b.TempDir(), "jobs.db"), sqlite.Synchronous(mode))
		ctx := context.Background()
		var enqueued, claimed, settled time.Duration
		jobs := 0
		const rounds = 20
		b.ReportAllocs()
		for b.Loop() {
			for range rounds {
				groups := benchGroups(benchBatch)
				began := time.Now()
				if _, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: time.Now(), Groups: groups}); err != nil {
					b.Fatal(err)
				}
				enqueued += time.Since(began)
			}
			for range rounds {
				began := time.Now()
				reply, err := st.Claim(ctx, errand.ClaimRequest{
					Now: time.Now(), Worker: "w", Number: int64(jobs/benchBatch + 1), Queues: []string{"bench"},
					Limit: benchBatch, Lease: 30 * time.Second, MaxRecoveries: 3,
				})
				if err != nil || len(reply.Jobs) != benchBatch {
					b.Fatal(len(reply.Jobs), err)
				}
				claimed += time.Since(began)
				outcomes := make([]errand.Outcome, len(reply.Jobs))
				for i, job := range reply.Jobs {
					outcomes[i] = errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded}
				}
				began = time.Now()
				errs, err := st.Settle(ctx, errand.SettleRequest{Now: time.Now(), Worker: "w", Outcomes: outcomes})
				if err != nil || errs[0] != nil {
					b.Fatal(errs, err)
				}
				settled += time.Since(began)
				jobs += benchBatch
			}
		}
		rate(b, "enqueue", jobs, enqueued)
		rate(b, "claim", jobs, claimed)
		rate(b, "settle", jobs, settled)
		rate(b, "drain", jobs, claimed+settled)
	})
}

// BenchmarkRawLimit does the same to the same rows of the same table by plain prepared statements, without what a queue
// adds: what the driver and SQLite allow.
func BenchmarkRawLimit(b *testing.B) {
	benchModes(b, func(b *testing.B, mode sqlite.Sync) {
		path := filepath.Join(b.TempDir(), "jobs.db")
		openAt(b, path)
		db, err := sql.Open("sqlite", fmt.Sprintf("file:%s?_pragma=synchronous(%s)&_pragma=wal_autocheckpoint(4000)&_txlock=immediate", path, mode))
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		raw := newRaw(b, db)
		var inserted, claimed, deleted time.Duration
		jobs := 0
		const rounds = 20
		b.ReportAllocs()
		for b.Loop() {
			for range rounds {
				inserted += raw.insert()
			}
			for range rounds {
				keys, d := raw.claim()
				claimed += d
				deleted += raw.remove(keys)
				jobs += len(keys)
			}
		}
		rate(b, "enqueue", jobs, inserted)
		rate(b, "claim", jobs, claimed)
		rate(b, "settle", jobs, deleted)
		rate(b, "drain", jobs, claimed+deleted)
	})
}

type raw struct {
	*testing.B
	db                 *sql.DB
	ins, sel, upd, del *sql.Stmt
}

func newRaw(b *testing.B, db *sql.DB) *raw {
	prepare := func(query string) *sql.Stmt {
		stmt, err := db.Prepare(query)
		if err != nil {
			b.Fatal(err)
		}
		return stmt
	}
	return &raw{
		B: b, db: db,
		ins: prepare(`INSERT INTO errand_jobs (id, queue, state, rank, task, priority, flags, created_at, ready_at, payload)
			VALUES (?, ?, 3, ?, ?, 0, 0, ?, ?, ?)`),
		sel: prepare(`SELECT seq, id, payload FROM errand_jobs WHERE queue = ? AND state = 3 ORDER BY rank LIMIT ?`),
		upd: prepare(`UPDATE errand_jobs SET state = 4, rank = ?, token = 1, attempt = 1, worker = ?, started_at = ? WHERE seq = ?`),
		del: prepare(`DELETE FROM errand_jobs WHERE id = ? AND state = 4 AND token = 1`),
	}
}

// transact times a transaction.
func (r *raw) transact(do func(tx *sql.Tx)) time.Duration {
	began := time.Now()
	tx, err := r.db.Begin()
	if err != nil {
		r.Fatal(err)
	}
	do(tx)
	if err := tx.Commit(); err != nil {
		r.Fatal(err)
	}
	return time.Since(began)
}

func (r *raw) exec(stmt *sql.Stmt, args ...any) {
	if _, err := stmt.Exec(args...); err != nil {
		r.Fatal(err)
	}
}

func (r *raw) insert() time.Duration {
	return r.transact(func(tx *sql.Tx) {
		stmt := tx.Stmt(r.ins)
		for range benchBatch {
			id, now := uuid.Must(uuid.NewV7()), time.Now().UnixMicro()
			r.exec(stmt, id[:], "bench", 9<<56+now, "bench", now, now, benchPayload)
		}
	})
}

func (r *raw) claim() (keys [][]byte, took time.Duration) {
	took = r.transact(func(tx *sql.Tx) {
		var seqs []int64
		keys, seqs = r.queued(tx)
		stmt, now := tx.Stmt(r.upd), time.Now().UnixMicro()
		for _, seq := range seqs {
			r.exec(stmt, now+30_000_000, "w", now, seq)
		}
	})
	return keys, took
}

// queued reads the first jobs, with their payloads, as a worker needs them.
func (r *raw) queued(tx *sql.Tx) (keys [][]byte, seqs []int64) {
	sel := tx.Stmt(r.sel)
	defer sel.Close()
	rows, err := sel.Query("bench", benchBatch)
	if err != nil {
		r.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var key, payload []byte
		if err := rows.Scan(&seq, &key, &payload); err != nil {
			r.Fatal(err)
		}
		keys, seqs = append(keys, key), append(seqs, seq)
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	return keys, seqs
}

func (r *raw) remove(keys [][]byte) time.Duration {
	return r.transact(func(tx *sql.Tx) {
		stmt := tx.Stmt(r.del)
		for _, key := range keys {
			r.exec(stmt, key)
		}
	})
}

// BenchmarkProducers measures goroutines that enqueue one job a call: their commits are shared.
func BenchmarkProducers(b *testing.B) {
	benchModes(b, func(b *testing.B, mode sqlite.Sync) {
		for _, producers := range []int{1, 64} {
			b.Run(fmt.Sprintf("producers=%d", producers), func(b *testing.B) {
				st := openAt(b, filepath.Join(b.TempDir(), "jobs.db"), sqlite.Synchronous(mode))
				left := make(chan struct{}, b.N)
				for range b.N {
					left <- struct{}{}
				}
				close(left)
				b.ResetTimer()
				var wg sync.WaitGroup
				for range producers {
					wg.Go(func() {
						for range left {
							errs, err := st.Enqueue(b.Context(), errand.EnqueueRequest{Now: time.Now(), Groups: benchGroups(1)})
							if err != nil || errs[0] != nil {
								b.Error(errs, err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
			})
		}
	})
}

// BenchmarkIdle measures the share of a core that waiting for other processes costs while nothing happens.
func BenchmarkIdle(b *testing.B) {
	st := openAt(b, filepath.Join(b.TempDir(), "jobs.db"))
	_, cancel := st.Subscribe(errand.QueueTopic("q"))
	defer cancel()
	var used, span time.Duration
	for b.Loop() {
		before, began := cpuTime(b), time.Now()
		<-time.After(3 * time.Second)
		used += cpuTime(b) - before
		span += time.Since(began)
	}
	b.ReportMetric(100*used.Seconds()/span.Seconds(), "%core")
}

// cpuTime is what this process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkEngine measures the store through the public API.
func BenchmarkEngine(b *testing.B) {
	benchModes(b, func(b *testing.B, mode sqlite.Sync) {
		storetest.Benchmark(b, func(b testing.TB) errand.Store {
			return openAt(b, filepath.Join(b.TempDir(), "jobs.db"), sqlite.Synchronous(mode))
		})
	})
}
