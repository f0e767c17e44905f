package crashtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// killSessions ends every session but its own, and says how many there were.
func (k *sqlKind) killSessions(t *testing.T, db *sql.DB) int {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rows, err := conn.QueryContext(t.Context(), k.others)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		_, _ = conn.ExecContext(t.Context(), fmt.Sprintf(k.kill, id)) // it may be gone already
	}
	return len(ids)
}

// TestKilledSessions: the server ends every session, again and again, in the middle of enqueues, claims and settles; every
// acknowledged job runs, and none twice.
func TestKilledSessions(t *testing.T) {
	eachSQLKind(t, nil, func(t *testing.T, k *sqlKind, st errand.Store, db *sql.DB) {
		const jobs, producers, rounds = 2000, 8, 15
		var ran, acknowledged [jobs]atomic.Int32
		var left atomic.Int32
		work := errand.DefineFunc("count", func(_ context.Context, n int) error {
			ran[n].Add(1)
			left.Add(-1)
			return nil
		})
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Concurrency: 16, Logger: quiet})
		w.Register(work)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		q := errand.NewQueue(st, queueName)
		var group sync.WaitGroup
		for p := range producers {
			group.Go(func() {
				for n := p; n < jobs; n += producers {
					left.Add(1)
					if _, err := work.Enqueue(t.Context(), q, n); err == nil {
						acknowledged[n].Add(1)
					} else if !errors.Is(err, errand.ErrUnavailable) {
						t.Error(err)
					}
				}
			})
		}
		killed := 0
		for range rounds {
			killed += k.killSessions(t, db)
			at := left.Load()
			until(t, "work goes on", func() bool { return left.Load() != at || left.Load() <= 0 })
		}
		group.Wait()
		until(t, "every job ends", func() bool {
			infos, err := st.Queues(t.Context(), mustNow(t, st))
			if err != nil || len(infos) != 1 {
				return false
			}
			waiting := infos[0].Counts[errand.StateQueued] + infos[0].Counts[errand.StateStarted] + infos[0].Counts[errand.StateScheduled]
			return waiting == 0 && infos[0].Finished.Total == infos[0].Enqueued.Total
		})
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		unsure := 0
		for n := range jobs {
			switch {
			case ran[n].Load() > 1:
				t.Errorf("job %d ran %d times", n, ran[n].Load())
			case acknowledged[n].Load() == 0:
				unsure++
			case ran[n].Load() == 0:
				t.Errorf("job %d was acknowledged and did not run", n)
			}
		}
		t.Logf("%d sessions killed; %d of %d enqueues were not acknowledged", killed, unsure, jobs)
		if killed < rounds/3 {
			t.Errorf("only %d sessions killed", killed)
		}
	})
}

// pair enqueues two jobs, and returns their ids in the order in which stores lock them.
func pair(t *testing.T, st errand.Store) []string {
	t.Helper()
	work := errand.DefineFunc("pair", func(context.Context, int) error { return nil })
	handles, err := work.EnqueueMany(t.Context(), errand.NewQueue(st, queueName), []int{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{handles[0].ID, handles[1].ID}
	slices.Sort(ids)
	return ids
}

// cancelBoth has the store cancel the jobs, and returns what it says when it has.
func cancelBoth(t *testing.T, st errand.Store, ids []string) <-chan error {
	now := mustNow(t, st)
	result := make(chan error, 1)
	go func() {
		reply, err := st.Cancel(t.Context(), errand.Command{Now: now, IDs: ids})
		if err == nil && reply.Done != len(ids) {
			err = fmt.Errorf("canceled %d jobs", reply.Done)
		}
		result <- err
	}()
	return result
}

// waiting returns which transaction waits for a lock; empty: none does.
func (k *sqlKind) waiting(t *testing.T, db *sql.DB) string {
	t.Helper()
	var which string
	if err := db.QueryRowContext(t.Context(), k.blocked).Scan(&which); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatal(err)
	}
	return which
}

// TestDeadlock: the store's transaction is the victim of a deadlock with a user's, and does its work all the same.
func TestDeadlock(t *testing.T) {
	eachSQLKind(t, nil, func(t *testing.T, k *sqlKind, st errand.Store, db *sql.DB) {
		ids := pair(t, st)
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE own (n INTEGER)"); err != nil {
			t.Fatal(err)
		}
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
		for range 200 {     // the server undoes the transaction that has changed less
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO own VALUES (1), (2), (3), (4), (5)"); err != nil {
				t.Fatal(err)
			}
		}
		lock := func(id string) {
			t.Helper()
			if _, err := tx.ExecContext(t.Context(), k.lockJob, id); err != nil {
				t.Fatal(err)
			}
		}
		lock(ids[1])
		canceled := cancelBoth(t, st, ids)
		until(t, "the store waits", func() bool { return k.waiting(t, db) != "" })
		lock(ids[0])
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := <-canceled; err != nil {
			t.Error(err)
		}
		until(t, "the server counts a deadlock", func() bool {
			var n int
			if err := db.QueryRowContext(t.Context(), k.dead).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n > 0
		})
	})
}

// TestLockTimeout: the server gives up the store's transaction because a user's holds a row for too long, and the store
// does it again until it has it.
func TestLockTimeout(t *testing.T) {
	settings := map[string]string{"postgres": "&lock_timeout=300"} // MariaDB's is the store's own, 5 s
	eachSQLKind(t, settings, func(t *testing.T, k *sqlKind, st errand.Store, db *sql.DB) {
		ids := pair(t, st)
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
		if _, err := tx.ExecContext(t.Context(), k.lockJob, ids[1]); err != nil {
			t.Fatal(err)
		}
		canceled := cancelBoth(t, st, ids)
		var first string
		until(t, "the store waits", func() bool { first = k.waiting(t, db); return first != "" })
		until(t, "the store waits again", func() bool { now := k.waiting(t, db); return now != "" && now != first })
		select {
		case err := <-canceled:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := <-canceled; err != nil {
			t.Error(err)
		}
	})
}

// TestNoConnectionsLeft: while others hold every connection of the server, a store says that it is unavailable, or does
// with the connections that it has; afterwards it goes on, and what it acknowledged is there, once.
func TestNoConnectionsLeft(t *testing.T) {
	limits := map[string]string{"postgres": "max_connections=20", "mariadb": "--max-connections=20"}
	for i := range sqlKinds {
		k := &sqlKinds[i]
		t.Run(k.name, func(t *testing.T) {
			_, where := k.start(t, limits[k.name])
			st := openStore(t, where)
			db := k.openDB(t, where)
			var hogs []*sql.Conn
			for {
				conn, err := db.Conn(t.Context())
				if err != nil {
					break
				}
				hogs = append(hogs, conn)
			}
			if _, err := db.Conn(t.Context()); err == nil || len(hogs) < 10 {
				t.Fatalf("%d connections are not all", len(hogs))
			}
			work := errand.DefineFunc("one", func(context.Context, int) error { return nil })
			var acknowledged atomic.Int64
			var group sync.WaitGroup
			for n := range 16 {
				group.Go(func() {
					_, err := work.Enqueue(t.Context(), errand.NewQueue(st, queueName), n) // each in a request of its own
					switch {
					case err == nil:
						acknowledged.Add(1)
					case !errors.Is(err, errand.ErrUnavailable):
						t.Error(err)
					}
				})
			}
			group.Wait()
			for _, conn := range hogs {
				_ = conn.Close()
			}
			_ = db.Close()
			if _, err := work.Enqueue(t.Context(), errand.NewQueue(st, queueName), 17); err != nil {
				t.Fatalf("afterwards: %v", err)
			}
			page, err := st.Jobs(t.Context(), errand.JobFilter{})
			if err != nil || int64(len(page.Jobs)) < acknowledged.Load()+1 || len(page.Jobs) > 17 {
				t.Errorf("%d jobs are in, %d were acknowledged, %v", len(page.Jobs), acknowledged.Load()+1, err)
			}
			t.Logf("%d of 16 enqueues were acknowledged while no connection was left", acknowledged.Load())
		})
	}
}

func mustNow(t *testing.T, st errand.Store) (now time.Time) {
	t.Helper()
	until(t, "the store says the time", func() bool {
		var err error
		now, err = st.Now(t.Context())
		return err == nil
	})
	return now
}
