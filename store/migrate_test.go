package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gosql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testproc"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store"
)

func TestMain(m *testing.M) {
	testproc.Main(map[string]func([]string) error{"opener": runOpener})
	os.Exit(testserver.Run(m))
}

// runOpener opens a store, which migrates it.
func runOpener(args []string) error {
	st, err := store.Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	return st.Close()
}

// database is a kind of SQL database.
type database struct {
	name string
	new  func(t *testing.T) (url string) // an empty one
	// exec runs statements as a person would, one after the other.
	exec func(t *testing.T, url string, script string)
}

func databases() []database {
	return []database{
		{"sqlite", newSQLite, func(t *testing.T, where, script string) {
			execSQL(t, "sqlite", strings.TrimPrefix(where, "sqlite:"), script)
		}},
		{"postgres", newPostgres, execPostgres},
		{"mysql", newMySQL, func(t *testing.T, where, script string) { execMySQL(t, where, strings.Split(script, ";\n")...) }},
	}
}

func newSQLite(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jobs.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + file
}

func execSQL(t *testing.T, driver, dsn string, queries ...string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, query := range queries {
		if strings.TrimSpace(query) == "" {
			continue
		}
		if _, err := db.Exec(query); err != nil {
			t.Fatalf("%v in %s", err, query)
		}
	}
}

func newPostgres(t *testing.T) string {
	t.Helper()
	schema := fmt.Sprintf("migrate_%d_%d", os.Getpid(), rand.Uint32())
	server := testserver.Postgres(t).URL
	t.Cleanup(func() { execPostgres(t, server, "DROP SCHEMA IF EXISTS "+schema+" CASCADE") })
	if strings.Contains(server, "?") {
		return server + "&schema=" + schema
	}
	return server + "?schema=" + schema
}

func execPostgres(t *testing.T, where, script string) {
	t.Helper()
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	settings := u.Query()
	settings.Del("schema")
	u.RawQuery = settings.Encode()
	conn, err := pgx.Connect(context.Background(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(context.Background(), script).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

func newMySQL(t *testing.T) string {
	t.Helper()
	server := strings.TrimSuffix(testserver.MariaDB(t).URL, "/") + "/"
	name := fmt.Sprintf("migrate_%d_%d", os.Getpid(), rand.Uint32())
	execMySQL(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { execMySQL(t, server, "DROP DATABASE "+name) })
	return server + name
}

func execMySQL(t *testing.T, where string, queries ...string) {
	t.Helper()
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	cfg := gosql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName = u.User.Username(), "tcp", u.Host, strings.Trim(u.Path, "/")
	cfg.Passwd, _ = u.User.Password()
	execSQL(t, "mysql", cfg.FormatDSN(), queries...)
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

// migrations lists the steps of a store that is opened as it is.
func migrations(t *testing.T, where string) []errand.Migration {
	t.Helper()
	st, err := store.OpenUnmigrated(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	steps, err := st.(errand.Migrator).Migrations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

func missing(steps []errand.Migration) (n int) {
	for _, step := range steps {
		if step.AppliedAt.IsZero() {
			n++
		}
	}
	return n
}

// works runs a job and carries an empty parcel, so that the tables of the last step are used too.
func works(t *testing.T, st errand.Store) {
	t.Helper()
	ctx := t.Context()
	task := errand.DefineFunc("works", func(context.Context, int) error { return nil })
	handle, err := task.Enqueue(ctx, errand.NewQueue(st, "q"), 1)
	if err != nil {
		t.Fatal(err)
	}
	now, err := st.Now(ctx)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := st.Claim(ctx, errand.ClaimRequest{Now: now, Worker: "w", Number: now.UnixMicro(), Queues: []string{"q"}, Limit: 1, Lease: time.Minute, MaxRecoveries: 3})
	if err != nil || len(reply.Jobs) != 1 || reply.Jobs[0].ID != handle.ID {
		t.Fatalf("claimed %v: %v", reply.Jobs, err)
	}
	errs, err := st.Settle(ctx, errand.SettleRequest{Now: now, Worker: "w", Outcomes: []errand.Outcome{
		{ID: handle.ID, Queue: "q", Token: reply.Jobs[0].Token, Event: errand.EventSucceeded},
	}})
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	if _, err := st.(errand.Carrier).Identity(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestMigrations proves that the steps are listed without being done, that their SQL does them when it is run by hand,
// that a step with a lower number than one that was done is done too, and that the tables of a newer program are refused.
func TestMigrations(t *testing.T) {
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			where := db.new(t)
			steps := migrations(t, where)
			if len(steps) < 2 || missing(steps) != len(steps) || missing(migrations(t, where)) != len(steps) {
				t.Fatalf("an empty database: %+v", steps)
			}
			for _, i := range []int{0, len(steps) - 1} { // which leaves a gap
				db.exec(t, where, steps[i].SQL)
			}
			after := migrations(t, where)
			if missing(after) != len(steps)-2 || time.Since(after[0].AppliedAt).Abs() > time.Minute {
				t.Errorf("after two by hand: %+v", after)
			}
			st := openStore(t, where)
			works(t, st)
			if n := missing(migrations(t, where)); n != 0 {
				t.Errorf("%d steps are missing", n)
			}
			if err := st.(errand.Migrator).Migrate(t.Context()); err != nil {
				t.Error(err)
			}
			newer := strings.NewReplacer("(1, '0001_initial'", "(99, 'later'", "(1, '0001_tables'", "(99, 'later'").Replace(steps[0].SQL)
			newer = newer[strings.Index(newer, "INSERT INTO errand_migrations"):]
			newer = strings.TrimSuffix(strings.TrimSpace(newer), "COMMIT;")
			if db.name == "postgres" {
				newer = "SET search_path TO " + where[strings.LastIndex(where, "=")+1:] + ";" + newer
			}
			db.exec(t, where, newer)
			if _, err := store.Open(t.Context(), where); !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "newer Errand") {
				t.Errorf("tables of a newer program: %v", err)
			}
			if all := migrations(t, where); len(all) != len(steps)+1 || all[len(steps)].Name != "later" || all[len(steps)].SQL != "" {
				t.Errorf("listed: %+v", all)
			}
		})
	}
}

// TestMigrateKilled proves that processes which open an empty database at once, some of them killed on the way, leave one
// that the next can open and use.
func TestMigrateKilled(t *testing.T) {
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			for range 6 {
				where := db.new(t)
				var procs []*testproc.Proc
				for range 3 {
					p, err := testproc.Start("opener", where)
					if err != nil {
						t.Fatal(err)
					}
					procs = append(procs, p)
				}
				<-time.After(rand.N(150 * time.Millisecond))
				for _, p := range procs[1:] {
					p.Kill()
				}
				works(t, openStore(t, where))
				for range procs[0].Lines { // it prints nothing
				}
				if err := procs[0].Wait(); err != nil {
					t.Errorf("the one that was not killed: %v", err)
				}
				if n := missing(migrations(t, where)); n != 0 {
					t.Errorf("%d steps are missing", n)
				}
			}
		})
	}
}

// TestMigrateInterruptedMySQL proves that a migration that was interrupted after any of its statements is done again to
// the end: there every statement is a transaction of its own.
func TestMigrateInterruptedMySQL(t *testing.T) {
	var statements []string
	for _, step := range migrations(t, newMySQL(t)) {
		statements = append(statements, strings.Split(strings.TrimSpace(step.SQL), ";\n")...)
	}
	for n := 1; n < len(statements); n++ {
		where := newMySQL(t)
		execMySQL(t, where, statements[:n]...)
		st, err := store.Open(t.Context(), where)
		if err != nil {
			t.Fatalf("after %d statements: %v", n, err)
		}
		works(t, st)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}
