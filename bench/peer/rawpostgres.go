package peer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const rawPostgresTable = `
CREATE TABLE IF NOT EXISTS raw_jobs (
	seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	lease   timestamptz, -- null: it waits
	payload bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS raw_queued ON raw_jobs (seq) WHERE lease IS NULL`

// rawPostgres claims by UPDATE and removes by DELETE.
type rawPostgres struct{ pool *pgxpool.Pool }

// rawPostgresTx removes at once, in a transaction that is open until the jobs have run: the lease is the connection.
type rawPostgresTx struct{ rawPostgres }

func openRawPostgres(ctx context.Context, url string) (System, error) {
	s, err := newRawPostgres(ctx, url)
	if err != nil {
		return nil, err
	}
	return &raw{rawStore: s, loops: rawPostgresLoops}, nil
}

func openRawPostgresTx(ctx context.Context, url string) (System, error) {
	s, err := newRawPostgres(ctx, url)
	if err != nil {
		return nil, err
	}
	return &raw{rawStore: &rawPostgresTx{*s}, loops: rawPostgresLoops}, nil
}

// rawPostgresLoops is as many connections as make it faster on two cores.
const rawPostgresLoops = 4

func newRawPostgres(ctx context.Context, url string) (*rawPostgres, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, rawPostgresTable); err != nil {
		pool.Close()
		return nil, err
	}
	return &rawPostgres{pool}, nil
}

func (s *rawPostgres) insert(ctx context.Context, _ []string, payloads [][]byte) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO raw_jobs (payload) SELECT unnest($1::bytea[])`, payloads)
	return err
}

func (s *rawPostgres) claim(ctx context.Context, run func([]byte) error) (int, any, error) {
	rows, err := s.pool.Query(ctx, `UPDATE raw_jobs SET lease = $1 WHERE seq IN (
		SELECT seq FROM raw_jobs WHERE lease IS NULL ORDER BY seq LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING seq, payload`,
		time.Now().Add(30*time.Second), rawBatch)
	if err != nil {
		return 0, nil, err
	}
	ids, err := runRows(rows, run)
	return len(ids), ids, err
}

// runRows runs the jobs of a reply and returns their numbers.
func runRows(rows pgx.Rows, run func([]byte) error) ([]int64, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (seq int64, err error) {
		var payload []byte
		if err = row.Scan(&seq, &payload); err == nil {
			err = run(payload)
		}
		return seq, err
	})
}

func (s *rawPostgres) remove(ctx context.Context, ids any) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM raw_jobs WHERE seq = ANY($1)`, ids)
	return err
}

func (s *rawPostgres) left(ctx context.Context) (n int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FROM raw_jobs`).Scan(&n)
	return n, err
}

func (s *rawPostgres) close() error {
	s.pool.Close()
	return nil
}

func (s *rawPostgresTx) claim(ctx context.Context, run func([]byte) error) (int, any, error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return 0, nil, err
	}
	rows, err := tx.Query(ctx, `DELETE FROM raw_jobs WHERE seq IN (
		SELECT seq FROM raw_jobs WHERE lease IS NULL ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING seq, payload`, rawBatch)
	if err == nil {
		var ids []int64
		if ids, err = runRows(rows, run); err == nil {
			return len(ids), nil, tx.Commit(ctx)
		}
	}
	_ = tx.Rollback(ctx)
	return 0, nil, err
}

func (s *rawPostgresTx) remove(context.Context, any) error { return nil }
