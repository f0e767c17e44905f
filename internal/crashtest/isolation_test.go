package crashtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gosql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store"
)

// conflicted reports whether an error is one of those on which users of a database begin a transaction anew.
func conflicted(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	my, ok := errors.AsType[*gosql.MySQLError](err)
	return ok && (my.Number == 1213 || my.Number == 1205 || my.Number == 1020)
}

// serializably does something in a SERIALIZABLE transaction, anew when it met another one, and says how often.
func serializably(ctx context.Context, db *sql.DB, do func(tx *sql.Tx, try int) error) (tries int, err error) {
	for tries = 1; ; tries++ {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
		if err != nil {
			return tries, err
		}
		if err = do(tx, tries); err == nil {
			err = tx.Commit()
		}
		if err != nil {
			_ = tx.Rollback()
		}
		if !conflicted(err) {
			return tries, err
		}
	}
}

// met checks that an error of Errand's in a transaction is the database's, as its users know it.
func met(t *testing.T, what string, err error) {
	t.Helper()
	if !conflicted(err) || !errors.Is(err, errand.ErrUnavailable) {
		t.Errorf("%s: %v; want the driver's error, and ErrUnavailable", what, err)
	}
}

func exec(t *testing.T, db *sql.DB, queries ...string) {
	t.Helper()
	for _, query := range queries {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

// TestSerializableComplete: a task whose SERIALIZABLE transaction meets another one in Complete gets the error by which
// its database is known, and nothing is done; in a transaction begun anew it is done once.
func TestSerializableComplete(t *testing.T) {
	// rival makes the transaction meet another one in what comes next, and returns what waits for the other's end.
	rival := map[string]func(t *testing.T, k *sqlKind, db *sql.DB, id string) (end func()){
		"postgres": func(t *testing.T, _ *sqlKind, db *sql.DB, id string) func() { // as a heartbeat does
			if _, err := db.ExecContext(t.Context(), "UPDATE errand.errand_jobs SET rank = rank + 1 WHERE id = uuid_send($1::uuid)", id); err != nil {
				t.Error(err)
			}
			return func() {}
		},
		"mariadb": func(t *testing.T, k *sqlKind, db *sql.DB, id string) func() { // a deadlock
			other, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Error(err)
				return func() {}
			}
			for range 200 { // the server undoes the transaction that has changed less
				_, _ = other.ExecContext(t.Context(), "INSERT INTO own VALUES (1), (2), (3), (4), (5)")
			}
			if _, err := other.ExecContext(t.Context(), k.lockJob, id); err != nil {
				t.Error(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, err := other.ExecContext(t.Context(), "UPDATE counter SET n = n")
				ended <- errors.Join(err, other.Commit())
			}()
			until(t, "the other waits", func() bool { return k.waiting(t, db) != "" })
			return func() {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		},
	}
	eachSQLKind(t, nil, func(t *testing.T, k *sqlKind, st errand.Store, db *sql.DB) {
		exec(t, db, "CREATE TABLE counter (n INTEGER NOT NULL)", "INSERT INTO counter VALUES (0)", "CREATE TABLE own (n INTEGER)")
		q := errand.NewQueue(st, queueName)
		next := errand.DefineFunc("next", func(context.Context, int) error { return nil })
		tries := make(chan int, 1)
		count := errand.DefineFunc("count", func(ctx context.Context, _ int) error {
			info, _ := errand.JobFromContext(ctx)
			end := func() {}
			n, err := serializably(ctx, db, func(tx *sql.Tx, try int) error {
				var n int
				if err := tx.QueryRowContext(ctx, "SELECT n FROM counter").Scan(&n); err != nil {
					return err
				}
				if _, err := next.Enqueue(ctx, q.WithTx(tx), n); err != nil {
					return err
				}
				if try == 1 {
					end = rival[k.name](t, k, db, info.ID)
				}
				err := info.WithTx(tx).Complete(nil)
				if try == 1 {
					met(t, "Complete", err)
				}
				if err != nil {
					_ = tx.Rollback()
					end()
					return err
				}
				_, err = tx.ExecContext(ctx, "UPDATE counter SET n = n + 1")
				return err
			})
			tries <- n
			return err
		})
		if _, err := count.Enqueue(t.Context(), q, 1); err != nil {
			t.Fatal(err)
		}
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Burst: true, Lease: time.Minute, Logger: quiet})
		w.Register(count, next)
		if err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := <-tries; n < 2 {
			t.Errorf("%d transactions, want one that met another, and another try", n)
		}
		wantCounted(t, st, db, 1)
	})
}

// TestSerializableEnqueue: of a unique job that another transaction has just enqueued, a SERIALIZABLE one that does not see
// it gets its database's error, and when it is begun anew it is told of the duplicate.
func TestSerializableEnqueue(t *testing.T) {
	k := &sqlKinds[0] // on MariaDB such a transaction waits
	_, where := k.start(t)
	st, db := openStore(t, where), k.openDB(t, where)
	exec(t, db, "CREATE TABLE own (n INTEGER)")
	task := errand.DefineFunc("one", func(context.Context, int) error { return nil })
	q := errand.NewQueue(st, queueName)
	tries, err := serializably(t.Context(), db, func(tx *sql.Tx, try int) error {
		var n int
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM own").Scan(&n); err != nil {
			return err
		}
		if try == 1 {
			if _, err := task.Enqueue(t.Context(), q, 7, errand.Unique(time.Hour)); err != nil {
				return err
			}
		}
		_, err := task.Enqueue(t.Context(), q.WithTx(tx), 7, errand.Unique(time.Hour))
		if try == 1 {
			met(t, "Enqueue", err)
		}
		return err
	})
	if tries != 2 || !errors.Is(err, errand.ErrDuplicate) {
		t.Errorf("after %d tries: %v; want a duplicate at the second", tries, err)
	}
	page, err := st.Jobs(t.Context(), errand.JobFilter{})
	if err != nil || len(page.Jobs) != 1 {
		t.Errorf("%d jobs are in, want 1; %v", len(page.Jobs), err)
	}
}

// TestSerializableTasks: many tasks at once count, enqueue a job and complete their own in SERIALIZABLE transactions that
// meet each other and the store's: whatever an error told of has not happened, and each is done once.
func TestSerializableTasks(t *testing.T) {
	eachSQLKind(t, nil, func(t *testing.T, _ *sqlKind, st errand.Store, db *sql.DB) {
		const jobs = 60
		exec(t, db, "CREATE TABLE counter (n INTEGER NOT NULL)", "INSERT INTO counter VALUES (0)")
		q := errand.NewQueue(st, queueName)
		next := errand.DefineFunc("next", func(context.Context, int) error { return nil })
		var again, inErrand atomic.Int64
		told := func(err error) error { // by Errand
			if conflicted(err) {
				inErrand.Add(1)
				met(t, "a call of Errand", err)
			}
			return err
		}
		count := errand.DefineFunc("count", func(ctx context.Context, _ int) error {
			info, _ := errand.JobFromContext(ctx)
			tries, err := serializably(ctx, db, func(tx *sql.Tx, _ int) error {
				var n int
				if err := tx.QueryRowContext(ctx, "SELECT n FROM counter").Scan(&n); err != nil {
					return err
				}
				if _, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE counter SET n = %d", n+1)); err != nil {
					return err
				}
				if _, err := next.Enqueue(ctx, q.WithTx(tx), n); err != nil {
					return told(err)
				}
				return told(info.WithTx(tx).Complete(nil))
			})
			again.Add(int64(tries - 1))
			return err
		})
		if _, err := count.EnqueueMany(t.Context(), q, make([]int, jobs)); err != nil {
			t.Fatal(err)
		}
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Burst: true, Concurrency: 8, Lease: time.Minute, Logger: quiet})
		w.Register(count, next)
		if err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d tasks began %d transactions anew, %d times because Errand's call had met another", jobs, again.Load(), inErrand.Load())
		if again.Load() == 0 {
			t.Error("no transaction met another: it proves nothing")
		}
		wantCounted(t, st, db, jobs)
	})
}

// wantCounted checks that so many tasks have counted, and that each, and the job that it enqueued, has finished once.
func wantCounted(t *testing.T, st errand.Store, db *sql.DB, tasks int) {
	t.Helper()
	infos, err := st.Queues(t.Context(), mustNow(t, st))
	if err != nil || len(infos) != 1 {
		t.Fatalf("%d queues, %v", len(infos), err)
	}
	n := countOf(t, db, "SELECT n FROM counter")
	if info := infos[0]; n != int64(tasks) || info.Finished.Total != int64(2*tasks) || info.Enqueued.Total != int64(2*tasks) || info.Counts[errand.StateFailed] != 0 {
		t.Errorf("counted %d, enqueued %d, finished %d, failed %d; want %d tasks and as many jobs that they enqueued",
			n, info.Enqueued.Total, info.Finished.Total, info.Counts[errand.StateFailed], tasks)
	}
}

// TestDefaultIsolation: what the database's default isolation is does not matter to the store: many open an empty database
// at once, enqueue, work and look, and nothing fails or is done twice.
func TestDefaultIsolation(t *testing.T) {
	options := map[string]string{"postgres": "default_transaction_isolation=%s", "mariadb": "--transaction-isolation=%s"}
	for i := range sqlKinds {
		k := &sqlKinds[i]
		for _, level := range []string{"serializable", "repeatable read"} {
			if k.name == "mariadb" {
				level = map[string]string{"serializable": "SERIALIZABLE", "repeatable read": "REPEATABLE-READ"}[level]
			}
			t.Run(k.name+" "+level, func(t *testing.T) {
				_, where := k.start(t, fmt.Sprintf(options[k.name], level))
				testIsolation(t, where)
			})
		}
	}
}

func testIsolation(t *testing.T, where string) {
	const stores, each = 5, 100
	var group sync.WaitGroup
	opened := make([]errand.Store, stores)
	for i := range opened {
		group.Go(func() {
			st, err := store.Open(t.Context(), where)
			if err != nil {
				t.Error(err)
				return
			}
			opened[i] = st
			t.Cleanup(func() {
				if err := st.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	var ran [stores * each]atomic.Int32
	var left atomic.Int32
	left.Store(stores * each)
	ended := make(chan struct{})
	work := errand.DefineFunc("work", func(_ context.Context, n int) error {
		ran[n].Add(1)
		if left.Add(-1) == 0 {
			close(ended)
		}
		return nil
	})
	ctx, stop := context.WithCancel(t.Context())
	for i, st := range opened {
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Concurrency: 4, Logger: quiet})
		w.Register(work)
		group.Go(func() {
			if err := w.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			for n := range each {
				if _, err := work.Enqueue(t.Context(), errand.NewQueue(st, queueName), i*each+n); err != nil {
					t.Error(err)
				}
				if _, err := st.Jobs(t.Context(), errand.JobFilter{Queue: queueName, Limit: 10}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		t.Errorf("%d jobs are left after two minutes", left.Load())
	}
	stop()
	group.Wait()
	for n := range ran {
		if ran[n].Load() != 1 {
			t.Errorf("job %d ran %d times", n, ran[n].Load())
		}
	}
}

// TestUsersPoolOfOne: tasks enqueue and complete in transactions of a user whose pool has one connection, and enqueue past
// them while they are open.
func TestUsersPoolOfOne(t *testing.T) {
	eachSQLKind(t, nil, func(t *testing.T, _ *sqlKind, st errand.Store, db *sql.DB) {
		const jobs = 60
		db.SetMaxOpenConns(1)
		exec(t, db, "CREATE TABLE counter (n INTEGER NOT NULL)", "INSERT INTO counter VALUES (0)")
		q := errand.NewQueue(st, queueName)
		next := errand.DefineFunc("next", func(context.Context, int) error { return nil })
		count := errand.DefineFunc("count", func(ctx context.Context, n int) error {
			info, _ := errand.JobFromContext(ctx)
			_, err := serializably(ctx, db, func(tx *sql.Tx, try int) error {
				on := q.WithTx(tx)
				if n%2 == 0 {
					on = q
				}
				if try == 1 || n%2 != 0 { // what is outside is not undone
					if _, err := next.Enqueue(ctx, on, n); err != nil {
						return err
					}
				}
				if _, err := tx.ExecContext(ctx, "UPDATE counter SET n = n + 1"); err != nil {
					return err
				}
				return info.WithTx(tx).Complete(nil)
			})
			return err
		})
		ns := make([]int, jobs)
		for i := range ns {
			ns[i] = i
		}
		if _, err := count.EnqueueMany(t.Context(), q, ns); err != nil {
			t.Fatal(err)
		}
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{queueName}, Burst: true, Concurrency: 8, Lease: time.Minute, Logger: quiet})
		w.Register(count, next)
		if err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCounted(t, st, db, jobs)
	})
}
