package crashtest

import (
	"database/sql"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/errandhq/errand"
)

// budget is what a job may cost: statements, as the server counts them, and allocations in the client.
type budget struct {
	bulkStatements, bulkAllocs   float64
	drainStatements, drainAllocs float64
}

// mostLog is how many bytes a drained job may add to MariaDB's redo log: a third of what it was while claims made rows grow.
const mostLog = 1200

// TestBudget holds what a job costs when many are enqueued at once, and when a hundred runners drain a queue, so that it
// cannot creep up. The bounds are about three times what is usual, since a slow machine makes smaller batches.
func TestBudget(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		st := openStore(t, "sqlite:"+filepath.Join(t.TempDir(), "jobs.db"))
		none := func() int64 { return 0 }
		testBudget(t, st, none, none, budget{bulkAllocs: 22, drainAllocs: 45})
	})
	options := map[string][]string{"postgres": {"shared_preload_libraries=pg_stat_statements"}}
	counters := map[string]string{
		"postgres": "SELECT sum(calls)::bigint FROM pg_stat_statements",
		"mariadb":  "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'QUESTIONS'",
	}
	budgets := map[string]budget{
		"postgres": {bulkStatements: 0.015, bulkAllocs: 28, drainStatements: 0.05, drainAllocs: 50},
		"mariadb":  {bulkStatements: 0.02, bulkAllocs: 22, drainStatements: 0.08, drainAllocs: 72},
	}
	for i := range sqlKinds {
		k := &sqlKinds[i]
		t.Run(k.name, func(t *testing.T) {
			_, where := k.start(t, options[k.name]...)
			db := k.openDB(t, where)
			if k.name == "postgres" {
				if _, err := db.ExecContext(t.Context(), "CREATE EXTENSION pg_stat_statements"); err != nil {
					t.Fatal(err)
				}
			}
			st := openStore(t, where)
			written := func() int64 { return 0 }
			if k.name == "mariadb" {
				written = func() int64 {
					return countOf(t, db, "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'INNODB_OS_LOG_WRITTEN'")
				}
			}
			testBudget(t, st, func() int64 { return countOf(t, db, counters[k.name]) }, written, budgets[k.name])
		})
	}
}

func testBudget(t *testing.T, st errand.Store, statements, logged func() int64, most budget) {
	const jobs = 20_000
	c := &crew{}
	measure := func(what string, mostStatements, mostAllocs float64, do func()) {
		t.Helper()
		var before, after runtime.MemStats
		asked := statements()
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		allocs := float64(after.Mallocs-before.Mallocs) / jobs
		each := float64(statements()-asked) / jobs
		t.Logf("%s: %.4f statements and %.1f allocations a job", what, each, allocs)
		if each > mostStatements {
			t.Errorf("%s: %.4f statements a job, more than %.4f", what, each, mostStatements)
		}
		if allocs > mostAllocs {
			t.Errorf("%s: %.1f allocations a job, more than %.1f", what, allocs, mostAllocs)
		}
	}
	c.define()
	measure("enqueue in bulk", most.bulkStatements, most.bulkAllocs, func() { fill(t, st, c.work, jobs) })
	before := logged()
	measure("drain at 100", most.drainStatements, most.drainAllocs, func() {
		c.begin(t, st)
		<-c.reached(jobs)
		c.stop()
	})
	if each := (logged() - before) / jobs; each > mostLog {
		t.Errorf("drain at 100: %d bytes of redo log a job, more than %d", each, mostLog)
	} else {
		t.Logf("drain at 100: %d bytes of redo log a job", each)
	}
}

func countOf(t *testing.T, db *sql.DB, counter string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), counter).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
