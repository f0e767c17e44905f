package mysql_test

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/storetest"
)

// Benchmark measures the store through the public API, and BenchmarkRawLimit beside it what plain statements reach.
func Benchmark(b *testing.B) {
	storetest.Benchmark(b, func(b testing.TB) errand.Store {
		where, _ := newDatabase(b, testserver.MariaDB(b).URL)
		return openAt(b, where)
	})
}

const rawBatch = 1000

// BenchmarkRawLimit does the same to the same rows of the same table by the least that keeps the promise, for 1,000 jobs at
// a time on one connection: an INSERT; in a transaction a SELECT that skips what is locked and an UPDATE by primary keys,
// for there is no UPDATE that returns rows; a DELETE by primary keys.
func BenchmarkRawLimit(b *testing.B) {
	server := testserver.MariaDB(b).URL
	where, name := newDatabase(b, server)
	openAt(b, where) // makes the tables
	db := user(b, server, name+"?interpolateParams=true&maxAllowedPacket=0")
	c, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	exec := func(query string, args ...any) {
		if _, err := c.ExecContext(context.Background(), query, args...); err != nil {
			b.Fatal(err)
		}
	}
	exec("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
	payload := []byte(`{"n":12345,"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}`)
	insert := "INSERT INTO errand_jobs (id, queue, state, `rank`, task, priority, flags, created_at, ready_at, payload) VALUES " +
		"(?, 'bench', 3, ?, 'bench', 0, 0, ?, ?, ?)" + strings.Repeat(", (?, 'bench', 3, ?, 'bench', 0, 0, ?, ?, ?)", rawBatch-1)
	var inserted, claimed, deleted time.Duration
	n := 0
	for b.Loop() {
		const rounds = 20
		for range rounds {
			args := make([]any, 0, 5*rawBatch)
			for range rawBatch {
				id, now := uuid.Must(uuid.NewV7()), time.Now().UnixMicro()
				args = append(args, id[:], 9<<56+now, now, now, payload)
			}
			began := time.Now()
			exec(insert, args...)
			inserted += time.Since(began)
		}
		for range rounds {
			began := time.Now()
			exec("BEGIN")
			seqs := rawClaim(b, c)
			exec("UPDATE errand_jobs SET state = 4, `rank` = ?, token = 1, attempt = 1, worker = 'w', started_at = ? WHERE seq IN ("+seqs+")",
				began.UnixMicro(), began.UnixMicro())
			exec("COMMIT")
			claimed += time.Since(began)
			began = time.Now()
			exec("DELETE FROM errand_jobs WHERE seq IN (" + seqs + ") AND state = 4 AND token = 1")
			deleted += time.Since(began)
			n += rawBatch
		}
	}
	rate := func(what string, d time.Duration) { b.ReportMetric(float64(n)/d.Seconds(), what+"/s") }
	rate("enqueue", inserted)
	rate("claim", claimed)
	rate("settle", deleted)
	rate("drain", claimed+deleted)
}

// rawClaim locks queued jobs, reads them, and returns the list of their primary keys.
func rawClaim(b *testing.B, c *sql.Conn) string {
	b.Helper()
	rows, err := c.QueryContext(context.Background(), "SELECT seq, id, payload FROM errand_jobs FORCE INDEX (errand_jobs_rank) "+
		"WHERE queue = 'bench' AND state = 3 ORDER BY `rank`, seq LIMIT ? FOR UPDATE SKIP LOCKED", rawBatch)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var list strings.Builder
	n := 0
	for ; rows.Next(); n++ {
		var seq int64
		var id, body []byte
		if err := rows.Scan(&seq, &id, &body); err != nil {
			b.Fatal(err)
		}
		if n > 0 {
			list.WriteByte(',')
		}
		list.WriteString(strconv.FormatInt(seq, 10))
	}
	if err := rows.Err(); err != nil || n != rawBatch {
		b.Fatalf("claimed %d jobs, %v", n, err)
	}
	return list.String()
}
