package peer

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const rawSQLiteTable = `
CREATE TABLE IF NOT EXISTS raw_jobs (seq INTEGER PRIMARY KEY, lease INTEGER, payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS raw_queued ON raw_jobs (seq) WHERE lease IS NULL`

// rawSQLite does a transaction a step, by prepared statements.
type rawSQLite struct {
	db                 *sql.DB
	ins, sel, upd, del *sql.Stmt
}

func openRawSQLite(ctx context.Context, url string) (System, error) {
	db, err := openSQLite(url)
	if err != nil {
		return nil, err
	}
	s := &rawSQLite{db: db}
	_, err = db.ExecContext(ctx, rawSQLiteTable)
	for query, stmt := range map[string]**sql.Stmt{
		`INSERT INTO raw_jobs (payload) VALUES (?)`:                                  &s.ins,
		`SELECT seq, payload FROM raw_jobs WHERE lease IS NULL ORDER BY seq LIMIT ?`: &s.sel,
		`UPDATE raw_jobs SET lease = ? WHERE seq BETWEEN ? AND ? AND lease IS NULL`:  &s.upd,
		`DELETE FROM raw_jobs WHERE seq = ?`:                                         &s.del,
	} {
		if err == nil {
			*stmt, err = db.PrepareContext(ctx, query) //nolint:sqlclosecheck // they end with the database
		}
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &raw{rawStore: s, loops: 1}, nil
}

// within runs a transaction.
func (s *rawSQLite) within(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (s *rawSQLite) insert(ctx context.Context, _ []string, payloads [][]byte) error {
	return s.within(ctx, func(tx *sql.Tx) error {
		stmt := tx.StmtContext(ctx, s.ins)
		defer stmt.Close()
		for _, payload := range payloads {
			if _, err := stmt.ExecContext(ctx, payload); err != nil {
				return err
			}
		}
		return nil
	})
}

// claim leases the rows from the first to the last that wait: with one claimer there are no others between them.
func (s *rawSQLite) claim(ctx context.Context, run func([]byte) error) (int, any, error) {
	var ids []int64
	var payloads [][]byte
	err := s.within(ctx, func(tx *sql.Tx) (err error) {
		if ids, payloads, err = s.queued(ctx, tx); err != nil || len(ids) == 0 {
			return err
		}
		stmt := tx.StmtContext(ctx, s.upd)
		defer stmt.Close()
		_, err = stmt.ExecContext(ctx, time.Now().Add(30*time.Second).UnixMicro(), ids[0], ids[len(ids)-1])
		return err
	})
	for i := 0; err == nil && i < len(payloads); i++ {
		err = run(payloads[i])
	}
	return len(ids), ids, err
}

func (s *rawSQLite) queued(ctx context.Context, tx *sql.Tx) (ids []int64, payloads [][]byte, err error) {
	stmt := tx.StmtContext(ctx, s.sel)
	defer stmt.Close()
	rows, err := stmt.QueryContext(ctx, rawBatch)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var payload []byte
		if err := rows.Scan(&id, &payload); err != nil {
			return nil, nil, err
		}
		ids, payloads = append(ids, id), append(payloads, payload)
	}
	return ids, payloads, rows.Err()
}

func (s *rawSQLite) remove(ctx context.Context, ids any) error {
	return s.within(ctx, func(tx *sql.Tx) error {
		stmt := tx.StmtContext(ctx, s.del)
		defer stmt.Close()
		for _, id := range ids.([]int64) {
			if _, err := stmt.ExecContext(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *rawSQLite) left(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM raw_jobs`).Scan(&n)
	return n, err
}

func (s *rawSQLite) close() error { return s.db.Close() }
