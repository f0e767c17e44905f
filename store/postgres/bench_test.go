package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/storetest"
)

// Benchmark measures the store through the public API, and BenchmarkRawLimit beside it what plain statements reach.
func Benchmark(b *testing.B) {
	storetest.Benchmark(b, func(b testing.TB) errand.Store { return openIn(b, testserver.Postgres(b).URL, newSchema()) })
}

const rawBatch = 1000

// BenchmarkRawLimit does the same to the same rows of the same table by three statements for 1,000 jobs, each a
// transaction of its own, on one connection: INSERT by arrays, UPDATE of those found with SKIP LOCKED, DELETE by ids.
func BenchmarkRawLimit(b *testing.B) {
	st := openIn(b, testserver.Postgres(b).URL, newSchema())
	p := placeOf(b, st)
	jobs := p.table("errand_jobs")
	c, err := p.pool.Acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Release()
	payload := []byte(`{"n":12345,"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}`)
	var inserted, claimed, deleted time.Duration
	timed := func(sum *time.Duration, query string, args ...any) [][]byte {
		began := time.Now()
		rows, err := c.Query(context.Background(), query, args...)
		if err != nil {
			b.Fatal(err)
		}
		ids, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (id []byte, err error) {
			var body []byte
			return id, row.Scan(&id, &body)
		})
		if err != nil {
			b.Fatal(err)
		}
		*sum += time.Since(began)
		return ids
	}
	n := 0
	for b.Loop() {
		const rounds = 20
		for range rounds {
			ids, bodies, ranks := make([][]byte, rawBatch), make([][]byte, rawBatch), make([]int64, rawBatch)
			for i := range ids {
				id := uuid.Must(uuid.NewV7())
				ids[i], bodies[i], ranks[i] = id[:], payload, 9<<56+time.Now().UnixMicro()
			}
			timed(&inserted, `INSERT INTO `+jobs+` (id, queue, state, rank, task, priority, flags, created_at, ready_at, payload)
				SELECT id, 'bench', 3, rank, 'bench', 0, 0, rank, rank, body FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS u (id, rank, body)`,
				ids, ranks, bodies)
		}
		for range rounds {
			ids := timed(&claimed, `UPDATE `+jobs+` j SET state = 4, rank = $1, token = 1, attempt = 1, worker = 'w', started_at = $1
				FROM (SELECT id FROM `+jobs+` WHERE queue = 'bench' AND state = 3 ORDER BY rank, seq LIMIT $2 FOR UPDATE SKIP LOCKED) AS found
				WHERE j.id = found.id RETURNING j.id, j.payload`, time.Now().UnixMicro(), rawBatch)
			timed(&deleted, `DELETE FROM `+jobs+` WHERE id = ANY($1) AND state = 4 AND token = 1`, ids)
			n += len(ids)
		}
	}
	rate := func(what string, d time.Duration) { b.ReportMetric(float64(n)/d.Seconds(), what+"/s") }
	rate("enqueue", inserted)
	rate("claim", claimed)
	rate("settle", deleted)
	rate("drain", claimed+deleted)
}
