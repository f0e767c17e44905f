package mysql_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/mysql"
)

// TestRangesWaitForNoStranger: a statement about rows that follow each other does not wait for the row behind them, which another
// transaction is at work on, and which a range would look at to find its end.
func TestRangesWaitForNoStranger(t *testing.T) {
	st := open(t)
	db := placeOf(t, st).db
	db.SetMaxOpenConns(2)
	const jobs, mine = 2000, 100
	group := make([]errand.JobSpec, jobs)
	for i := range group {
		group[i] = errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "t"}
	}
	if errs, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: time.Now(), Groups: [][]errand.JobSpec{group}}); err != nil || errs[0] != nil {
		t.Fatal(errs, err)
	}
	var first int64
	if err := db.QueryRow("SELECT MIN(seq) FROM errand_jobs").Scan(&first); err != nil {
		t.Fatal(err)
	}
	begin := func() *sql.Tx {
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	tx, other := begin(), begin()
	defer tx.Rollback()    //nolint:errcheck // nothing is to stay
	defer other.Rollback() //nolint:errcheck // nothing is to stay
	rows := make([]int64, mine)
	for i := range rows {
		rows[i] = first + int64(i)
	}
	if _, err := other.Exec("UPDATE errand_jobs SET token = 1 WHERE seq = ?", first+mine); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("SET innodb_lock_wait_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"UPDATE errand_jobs SET token = token + 1 WHERE seq IN ?", "DELETE FROM errand_jobs WHERE seq IN ?",
	} {
		query, args := mysql.Bind(statement, []any{rows})
		result, err := tx.Exec(query, args...)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		if n, err := result.RowsAffected(); n != mine || err != nil {
			t.Errorf("%s: %d rows, want %d, %v", statement, n, mine, err)
		}
	}
}
