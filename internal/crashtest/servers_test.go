package crashtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver of users
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of users

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/internal/wait"
	"github.com/errandhq/errand/store"
)

// sqlKind is a kind of SQL server, and what a user says to it past the store.
type sqlKind struct {
	name  string
	start func(t *testing.T, options ...string) (server *testserver.Server, url string)
	db    func(url string) (*sql.DB, error)

	kill    string // ends a session
	others  string // lists the sessions of others
	lockJob string // locks a job by its id
	blocked string // has a row with the beginning of each transaction that waits for a lock
	dead    string // counts deadlocks
}

var sqlKinds = []sqlKind{
	{
		name: "postgres",
		start: func(t *testing.T, options ...string) (*testserver.Server, string) {
			s := testserver.OwnPostgres(t, options...)
			return s, s.URL
		},
		db:      func(url string) (*sql.DB, error) { return sql.Open("pgx", url) },
		others:  "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
		kill:    "SELECT pg_terminate_backend(%d)",
		lockJob: `SELECT seq FROM errand.errand_jobs WHERE id = uuid_send($1::uuid) FOR UPDATE`,
		blocked: "SELECT xact_start::text FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
		dead:    "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
	},
	{
		name: "mariadb",
		start: func(t *testing.T, options ...string) (*testserver.Server, string) {
			s := testserver.OwnMariaDB(t, options...)
			return s, strings.TrimSuffix(s.URL, "/") + "/mysql" // the one database that is there
		},
		db: func(where string) (*sql.DB, error) {
			u, err := url.Parse(where)
			if err != nil {
				return nil, err
			}
			return sql.Open("mysql", fmt.Sprintf("%s@tcp(%s)%s", u.User.Username(), u.Host, u.Path))
		},
		others:  "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND user = 'root'",
		kill:    "KILL %d",
		lockJob: `SELECT seq FROM errand_jobs WHERE id = unhex(replace(?, '-', '')) FOR UPDATE`,
		blocked: "SELECT CAST(trx_started AS CHAR) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
		dead:    "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'INNODB_DEADLOCKS'",
	},
}

// eachSQLKind runs a test on a server of each kind, with an open store and a user's own access to the database.
func eachSQLKind(t *testing.T, settings map[string]string, test func(t *testing.T, k *sqlKind, st errand.Store, db *sql.DB)) {
	for i := range sqlKinds {
		k := &sqlKinds[i]
		t.Run(k.name, func(t *testing.T) {
			_, where := k.start(t)
			st := openStore(t, where+settings[k.name])
			test(t, k, st, k.openDB(t, where))
		})
	}
}

func (k *sqlKind) openDB(t *testing.T, where string) *sql.DB {
	t.Helper()
	db, err := k.db(where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func openStore(t *testing.T, where string) errand.Store {
	t.Helper()
	st, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// until waits until look says that it is so.
func until(t *testing.T, what string, look func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	waiter := wait.Waiter{First: 5 * time.Millisecond, Max: 150 * time.Millisecond} // MariaDB shows what it has shown within 0.1 s
	for !look() {
		if waiter.Wait(ctx) != nil {
			t.Fatalf("in vain: %s", what)
		}
	}
}
