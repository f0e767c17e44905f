package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// EnqueueTx implements [errand.Transactor] for a *sql.Tx on the same database file. See the package about drivers.
func (s *Store) EnqueueTx(ctx context.Context, tx any, req errand.EnqueueRequest) (errs []error, err error) {
	err = s.inside(ctx, label{Op: "enqueue in a transaction"}, tx, func(session *sqlstore.Session) error {
		errs, err = session.Enqueue(req)
		return err
	})
	return errs, err
}

// SettleTx implements [errand.Transactor] for a *sql.Tx on the same database file. See the package about drivers.
func (s *Store) SettleTx(ctx context.Context, tx any, req errand.SettleRequest) (errs []error, err error) {
	err = s.inside(ctx, label{Op: "settle in a transaction"}, tx, func(session *sqlstore.Session) error {
		errs, err = session.Settle(req)
		return err
	})
	return errs, err
}

const (
	// takeLock makes the transaction a writing one before it reads: one that begins to write after another has
	// committed fails where it has read before.
	takeLock = `UPDATE errand_queues SET paused = paused WHERE name = ''`
	mainFile = `SELECT file, sqlite_source_id() FROM pragma_database_list WHERE name = 'main'`
)

// inside does an operation in a user's transaction. When it fails, the transaction is as it was before.
func (s *Store) inside(ctx context.Context, label label, tx any, do func(*sqlstore.Session) error) error {
	theirs, ok := tx.(*sql.Tx)
	if !ok || theirs == nil {
		return fmt.Errorf("%v: %w: it is a %T, not a *sql.Tx", label, errand.ErrTxUnsupported, tx)
	}
	if err := s.enter(ctx, label); err != nil {
		return err
	}
	defer s.leave()
	t := sqlTx{theirs, ctx}
	if err := s.sameDatabase(t); err != nil {
		return fmt.Errorf("%v: %w", label, s.translate(err))
	}
	if _, err := t.Exec("SAVEPOINT errand"); err != nil {
		return fmt.Errorf("%v: %w", label, s.translate(err))
	}
	err := s.saved(t, do)
	if err != nil {
		undo := sqlTx{theirs, context.WithoutCancel(ctx)}
		_, undone := undo.Exec("ROLLBACK TO errand")
		_, released := undo.Exec("RELEASE errand")
		err = fmt.Errorf("%v: %w", label, s.translate(errors.Join(err, undone, released)))
	}
	return err
}

func (s *Store) saved(t sqlTx, do func(*sqlstore.Session) error) error {
	if _, err := t.Exec(takeLock); err != nil {
		return err
	}
	session := sqlstore.NewSession(t, dialect)
	if err := do(session); err != nil {
		return err
	}
	if err := session.Flush(); err != nil {
		return err
	}
	_, err := t.Exec("RELEASE errand")
	return err
}

// sameDatabase refuses a transaction on another database, or through another copy of SQLite in this process: the two do
// not see each other's locks, and would damage the database.
func (s *Store) sameDatabase(t sqlTx) error {
	file, source := "", ""
	err := t.Query(mainFile, func(row sqlRow) error {
		file, source = row.Text(0), row.Text(1)
		return nil
	})
	if err != nil {
		return err
	}
	if file != s.path && !sameFile(file, s.path) {
		return fmt.Errorf("%w: it is on database %q, the jobs are in %q", errand.ErrTxUnsupported, file, s.path)
	}
	if source != s.source {
		return fmt.Errorf("%w: its driver uses a copy of SQLite of its own (%s), apart from that of this store (%s): "+
			"open %s with the driver of modernc.org/sqlite, or the two may damage it", errand.ErrTxUnsupported, source, s.source, s.path)
	}
	return nil
}

func sameFile(a, b string) bool {
	infoA, err := os.Stat(a)
	if err != nil {
		return false
	}
	infoB, err := os.Stat(b)
	return err == nil && os.SameFile(infoA, infoB)
}

// sqlTx is a user's transaction as the flow wants it.
type sqlTx struct {
	tx  *sql.Tx
	ctx context.Context // it is the context of one call, which the flow passes through here
}

// Exec implements sqlstore.Tx.
func (t sqlTx) Exec(query string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(t.ctx, dialect.SQL(query), lists(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query implements sqlstore.Tx.
func (t sqlTx) Query(query string, each func(sqlstore.Row) error, args ...any) (err error) {
	rows, err := t.tx.QueryContext(t.ctx, dialect.SQL(query), lists(args)...)
	if err != nil {
		return err
	}
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	row := make(valueRow, len(columns))
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, value := range values {
			row[i] = value
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// lists are the arguments with lists as the dialect wants them.
func lists(args []any) []any {
	for i, arg := range args {
		if list, ok := arg.([]int64); ok {
			args = slices.Clone(args)
			args[i] = jsonArray(list)
		}
	}
	return args
}
