package postgres_test

import (
	"context"
	"crypto/md5" //nolint:gosec // as the database makes ids here
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/postgres"
	"github.com/errandhq/errand/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// places finds the schema of a store that was opened here.
var places sync.Map // errand.Store -> place

type place struct {
	schema string
	pool   *pgxpool.Pool // of a user of the database
}

var schemas atomic.Int64

func newSchema() string { return fmt.Sprintf("test %d of %d", schemas.Add(1), os.Getpid()) }

// open opens an empty store, in a schema of its own.
func open(t *testing.T) errand.Store {
	t.Helper()
	return openIn(t, testserver.Postgres(t).URL, newSchema())
}

func openIn(t testing.TB, url, schema string, opts ...postgres.Option) *postgres.Store {
	t.Helper()
	st, err := postgres.Open(t.Context(), url, append(opts, postgres.Schema(schema))...)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	places.Store(st, place{schema, pool})
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		_, _ = pool.Exec(context.Background(), "DROP SCHEMA IF EXISTS "+pgx.Identifier{schema}.Sanitize()+" CASCADE")
		pool.Close()
	})
	return st
}

func placeOf(t testing.TB, st errand.Store) place {
	t.Helper()
	p, ok := places.Load(st)
	if !ok {
		t.Fatalf("store %T was not opened here", st)
	}
	return p.(place)
}

func (p place) table(name string) string { return pgx.Identifier{p.schema, name}.Sanitize() }

func reopen(t *testing.T, st errand.Store) errand.Store {
	t.Helper()
	p := placeOf(t, st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return openIn(t, testserver.Postgres(t).URL, p.schema)
}

func corrupt(t *testing.T, st errand.Store, id string) {
	t.Helper()
	p := placeOf(t, st)
	tag, err := p.pool.Exec(t.Context(), "UPDATE "+p.table("errand_jobs")+" SET options = '\\x7b227265' WHERE id = uuid_send($1::uuid)", id)
	if err != nil {
		t.Fatal(err)
	}
	if tag.RowsAffected() != 1 {
		t.Fatalf("corrupted %d jobs", tag.RowsAffected())
	}
}

func (p place) written(ctx context.Context) (found bool, err error) {
	err = p.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+p.table("own")+")").Scan(&found)
	return found, err
}

func (p place) ownTable(t *testing.T) (insert string) {
	t.Helper()
	if _, err := p.pool.Exec(t.Context(), "CREATE TABLE "+p.table("own")+" (n INTEGER)"); err != nil {
		t.Fatal(err)
	}
	return "INSERT INTO " + p.table("own") + " VALUES (1)"
}

// beginPgx begins a transaction of pgx.
func beginPgx(t *testing.T, st errand.Store) storetest.Tx {
	t.Helper()
	p := placeOf(t, st)
	insert := p.ownTable(t)
	tx, err := p.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _ = tx.Rollback(ctx) })
	return storetest.Tx{
		Value: tx,
		Write: func(ctx context.Context) error {
			_, err := tx.Exec(ctx, insert)
			return err
		},
		Written:  p.written,
		Commit:   func() error { return tx.Commit(ctx) },
		Rollback: func() error { return tx.Rollback(ctx) },
	}
}

// beginSQL begins a transaction of database/sql.
func beginSQL(t *testing.T, st errand.Store) storetest.Tx {
	t.Helper()
	p := placeOf(t, st)
	insert := p.ownTable(t)
	db := stdlib.OpenDBFromPool(p.pool)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return storetest.Tx{
		Value: tx,
		Write: func(ctx context.Context) error {
			_, err := tx.ExecContext(ctx, insert)
			return err
		},
		Written: p.written, Commit: tx.Commit, Rollback: tx.Rollback,
	}
}

func TestStore(t *testing.T) {
	storetest.Harness{Open: open, Reopen: reopen, Corrupt: corrupt, BeginTx: beginPgx}.Run(t)
}

// TestDatabaseSQL runs the suite's transactions with database/sql in place of pgx.
func TestDatabaseSQL(t *testing.T) {
	storetest.Harness{Open: open, BeginTx: beginSQL}.Run(t)
}

// TestModel holds the store against the memory store.
func TestModel(t *testing.T) { storetest.RunModel(t, open) }

// TestSettleLooksUpEachJob proves that settling many jobs looks each up by its id, also where statistics that are right make
// another way look cheaper, and where they were right when the server made the plan.
func TestSettleLooksUpEachJob(t *testing.T) {
	st := open(t)
	p, ctx := placeOf(t, st), t.Context()
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	exec := func(query string) {
		t.Helper()
		if _, err := conn.Exec(ctx, query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	for _, setting := range postgres.Planning {
		exec("SET " + setting + " = off")
	}
	for _, jobs := range []int{5, 3_000} {
		exec("TRUNCATE " + p.table("errand_jobs"))
		exec(fmt.Sprintf(`INSERT INTO %s (id, queue, state, rank, task, priority, flags, created_at, ready_at, token)
			SELECT decode(md5(n::text), 'hex'), 'q', 4, n, 't', 0, 0, 1, 1, 1 FROM generate_series(1, %d) n`, p.table("errand_jobs"), jobs))
		exec("ANALYZE " + p.table("errand_jobs"))
		ids := make([][]byte, 1000)
		for n := range ids {
			sum := md5.Sum([]byte(strconv.Itoa(n + 1)))
			ids[n] = sum[:]
		}
		for _, way := range []struct {
			name, query string
			args        []any
			wanted      string
		}{
			{"of several queues", postgres.SucceedQuery(p.schema, false), []any{ids, make([]int64, 1000), make([]string, 1000)},
				"Index Cond: (id = ANY (ARRAY[u.id]))"},
			{"alike", postgres.SucceedQuery(p.schema, true), []any{ids, int64(1), "q"}, "Index Cond: (id = ANY ("},
			{"held", postgres.HeldQuery(p.schema), []any{ids}, "Index Cond: (id = ANY ("},
		} {
			rows, err := conn.Query(ctx, "EXPLAIN "+way.query, append([]any{pgx.QueryExecModeExec}, way.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(plan, "\n"); !strings.Contains(text, way.wanted) {
				t.Errorf("the plan with %d jobs, %s:\n%.500s", jobs, way.name, text)
			}
		}
	}
}
