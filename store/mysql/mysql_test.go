package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver of users

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/mysql"
	"github.com/errandhq/errand/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// places finds the database of a store that was opened here.
var places sync.Map // errand.Store -> place

type place struct {
	url string
	db  *sql.DB // of a user of the database
}

var databases atomic.Int64

// user opens the server or a database of it as a user of its own would.
func user(t testing.TB, server, database string) *sql.DB {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)/%s", u.User.Username(), password, u.Host, database))
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

// newDatabase makes a database, and returns its URL.
func newDatabase(t testing.TB, server string) (where, name string) {
	t.Helper()
	name = fmt.Sprintf("errand_test_%d_%d", os.Getpid(), databases.Add(1))
	admin := user(t, server, "")
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = admin.Exec("DROP DATABASE " + name) })
	return strings.TrimSuffix(server, "/") + "/" + name, name
}

// open opens an empty store, in a database of its own.
func open(t *testing.T) errand.Store {
	t.Helper()
	server := testserver.MariaDB(t).URL
	where, name := newDatabase(t, server)
	st := openAt(t, where)
	places.Store(st, place{where, user(t, server, name)})
	return st
}

func openAt(t testing.TB, where string, opts ...mysql.Option) *mysql.Store {
	t.Helper()
	st, err := mysql.Open(t.Context(), where, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
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

func reopen(t *testing.T, st errand.Store) errand.Store {
	t.Helper()
	p := placeOf(t, st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, p.url)
	places.Store(again, p)
	return again
}

func corrupt(t *testing.T, st errand.Store, id string) {
	t.Helper()
	result, err := placeOf(t, st).db.Exec("UPDATE errand_jobs SET options = x'7b227265' WHERE hex(id) = upper(replace(?, '-', ''))", id)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := result.RowsAffected(); n != 1 {
		t.Fatalf("corrupted %d jobs", n)
	}
}

func beginTx(t *testing.T, st errand.Store) storetest.Tx {
	t.Helper()
	db := placeOf(t, st).db
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS own (n INTEGER)"); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
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

func TestStore(t *testing.T) {
	storetest.Harness{Open: open, Reopen: reopen, Corrupt: corrupt, BeginTx: beginTx}.Run(t)
}

// TestModel holds the store against the memory store.
func TestModel(t *testing.T) { storetest.RunModel(t, open) }
