package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync"
	"testing"

	_ "modernc.org/sqlite" // the driver of users' transactions

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/sqlite"
	"github.com/errandhq/errand/store/storetest"
)

// paths finds the file of a store that the suite has opened.
var paths sync.Map // *sqlite.Store -> string

// open opens an empty store, whose file is checked when the test ends.
func open(t *testing.T) errand.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jobs.db")
	t.Cleanup(func() { checkIntegrity(t, path) })
	return openAt(t, path)
}

func openAt(t testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	paths.Store(st, path)
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return st
}

// user opens the database as a user of its own would, with database/sql.
func user(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func checkIntegrity(t testing.TB, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %q, %v", verdict, err)
	}
}

var harness = storetest.Harness{
	Open:    open,
	Reopen:  reopen,
	Corrupt: corrupt,
	BeginTx: beginTx,
}

func TestStore(t *testing.T) { harness.Run(t) }

func pathOf(t testing.TB, st errand.Store) string {
	t.Helper()
	path, ok := paths.Load(st)
	if !ok {
		t.Fatalf("store %T was not opened here", st)
	}
	return path.(string)
}

func reopen(t *testing.T, st errand.Store) errand.Store {
	t.Helper()
	path := pathOf(t, st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return openAt(t, path)
}

func corrupt(t *testing.T, st errand.Store, id string) {
	t.Helper()
	db := user(t, pathOf(t, st))
	result, err := db.Exec(`UPDATE errand_jobs SET options = x'7b227265' WHERE hex(id) = upper(replace(?, '-', ''))`, id)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := result.RowsAffected(); n != 1 {
		t.Fatalf("corrupted %d jobs", n)
	}
}

func beginTx(t *testing.T, st errand.Store) storetest.Tx {
	t.Helper()
	db := user(t, pathOf(t, st))
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS own (n INTEGER)"); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return storetest.Tx{
		Value: tx,
		Write: func(ctx context.Context) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO own VALUES (1)")
			return err
		},
		Written: func(ctx context.Context) (bool, error) {
			var n int
			err := db.QueryRowContext(ctx, "SELECT count(*) FROM own").Scan(&n)
			return n > 0, err
		},
		Commit:   tx.Commit,
		Rollback: tx.Rollback,
	}
}
