package postgres_test

import (
	"testing"

	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/postgres"
	"github.com/errandhq/errand/store/storetest"
)

// TestTurns: in a flood a large claim waits for one of another process, and goes on without its turn where that does not end.
func TestTurns(t *testing.T) {
	schema := newSchema()
	st := openIn(t, testserver.Postgres(t).URL, schema)
	pool := placeOf(t, st).pool
	locks := []int64{postgres.TurnLock(schema, "0 flood"), postgres.TurnLock(schema, "1 flood")}
	storetest.RunTurns(t, st, func() (end func()) {
		other, err := pool.Begin(t.Context())
		if err == nil {
			_, err = other.Exec(t.Context(), "SELECT pg_advisory_xact_lock(n) FROM unnest($1::bigint[]) n", locks)
		}
		if err != nil {
			t.Fatal(err)
		}
		return func() { _ = other.Rollback(t.Context()) }
	}, func() (n int) {
		const waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted " +
			"AND objid::bigint IN (SELECT n & 4294967295 FROM unnest($1::bigint[]) n)"
		if err := pool.QueryRow(t.Context(), waiting, locks).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	})
}
