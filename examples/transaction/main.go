// Transaction ties jobs to the program's own writes in the same database: a job is enqueued if, and only if, they commit;
// and a task's writes and the end of its job are one, so that they happen exactly once.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/sqlite"
	_ "modernc.org/sqlite" // the program's own driver, for its own connections
)

var db *sql.DB

// Ship books a shipment for an order, exactly once: the booking is committed together with the end of the job.
var Ship = errand.DefineFunc("ship", func(ctx context.Context, order int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, "INSERT INTO shipments (order_id) VALUES (?)", order); err != nil {
		return err
	}
	job, _ := errand.JobFromContext(ctx)
	if err := job.WithTx(tx).Complete(nil); err != nil {
		return err // errand.ErrLeaseLost: another worker has the job by now, so this booking must not be
	}
	return tx.Commit()
})

// order takes an order and enqueues its shipment, both or neither.
func order(ctx context.Context, q *errand.Queue, item string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	row, err := tx.ExecContext(ctx, "INSERT INTO orders (item) VALUES (?)", item)
	if err != nil {
		return err
	}
	id, err := row.LastInsertId()
	if err != nil {
		return err
	}
	if _, err := Ship.Enqueue(ctx, q.WithTx(tx), id); err != nil {
		return err
	}
	if item == "a yacht" {
		return errors.New("we have no yacht") // rolls back: no order, and no job either
	}
	return tx.Commit()
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "errand-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "shop.db")
	st, err := sqlite.Open(ctx, file)
	if err != nil {
		return err
	}
	defer st.Close()
	// Transactions that will write say so when they begin, and wait for one another.
	db, err = sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `
		CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL);
		CREATE TABLE shipments (order_id INTEGER NOT NULL)`); err != nil {
		return err
	}

	q := errand.NewQueue(st, "shop")
	for _, item := range []string{"a book", "a yacht", "a pen"} {
		if err := order(ctx, q, item); err != nil {
			fmt.Println("no order:", err)
		}
	}
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"shop"}, Burst: true})
	w.Register(Ship)
	if err := w.Run(ctx); err != nil {
		return err
	}
	var orders, shipments int
	row := db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM shipments)")
	if err := row.Scan(&orders, &shipments); err != nil {
		return err
	}
	fmt.Println(orders, "orders,", shipments, "shipments")
	return nil
}
