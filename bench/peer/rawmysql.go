package peer

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

const rawMySQLTable = `CREATE TABLE IF NOT EXISTS raw_jobs (
	seq     BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	lease   BIGINT NOT NULL DEFAULT 0, -- 0: it waits
	payload LONGBLOB NOT NULL,
	KEY raw_queued (lease, seq)
) ENGINE=InnoDB`

// rawMySQL claims by SELECT ... FOR UPDATE SKIP LOCKED and UPDATE, and removes by DELETE.
type rawMySQL struct{ db *sql.DB }

// rawMySQLTx removes at once, in a transaction that is open until the jobs have run: the lease is the connection.
type rawMySQLTx struct{ rawMySQL }

func openRawMySQL(ctx context.Context, url string) (System, error) {
	s, err := newRawMySQL(ctx, url)
	if err != nil {
		return nil, err
	}
	return &raw{rawStore: s, loops: 1}, nil
}

func openRawMySQLTx(ctx context.Context, url string) (System, error) {
	s, err := newRawMySQL(ctx, url)
	if err != nil {
		return nil, err
	}
	return &raw{rawStore: &rawMySQLTx{*s}, loops: 1}, nil
}

func newRawMySQL(ctx context.Context, url string) (*rawMySQL, error) {
	user, rest, _ := strings.Cut(strings.TrimPrefix(url, "mysql://"), "@")
	addr, name, _ := strings.Cut(rest, "/")
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName = user, "tcp", addr, name
	cfg.InterpolateParams = true
	cfg.MaxAllowedPacket = 0                                           // as the server has it
	cfg.Params = map[string]string{"tx_isolation": "'READ-COMMITTED'"} // MariaDB's name for it
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(connections)
	if _, err := db.ExecContext(ctx, rawMySQLTable); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &rawMySQL{db}, nil
}

func (s *rawMySQL) insert(ctx context.Context, _ []string, payloads [][]byte) error {
	args := make([]any, len(payloads))
	for i, payload := range payloads {
		args[i] = payload
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO raw_jobs (payload) VALUES (?)`+strings.Repeat(", (?)", len(args)-1), args...)
	return err
}

// locked reads jobs that wait, and locks them for the transaction.
func locked(ctx context.Context, tx *sql.Tx) (ids string, payloads [][]byte, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, payload FROM raw_jobs WHERE lease = 0 ORDER BY seq LIMIT ? FOR UPDATE SKIP LOCKED`, rawBatch)
	if err != nil {
		return "", nil, err
	}
	defer rows.Close()
	var list strings.Builder
	for rows.Next() {
		var id int64
		var payload []byte
		if err := rows.Scan(&id, &payload); err != nil {
			return "", nil, err
		}
		if list.Len() > 0 {
			list.WriteByte(',')
		}
		list.WriteString(strconv.FormatInt(id, 10))
		payloads = append(payloads, payload)
	}
	return list.String(), payloads, rows.Err()
}

// take locks jobs and does something to them in the same transaction; run, if it is given, comes before the commit.
func (s *rawMySQL) take(ctx context.Context, change string, args []any, run func([]byte) error) (string, [][]byte, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return "", nil, err
	}
	ids, payloads, err := locked(ctx, tx)
	if err == nil && len(payloads) > 0 {
		_, err = tx.ExecContext(ctx, change+` WHERE seq IN (`+ids+`)`, args...)
	}
	for i := 0; err == nil && run != nil && i < len(payloads); i++ {
		err = run(payloads[i])
	}
	if err != nil {
		return "", nil, errors.Join(err, tx.Rollback())
	}
	return ids, payloads, tx.Commit()
}

func (s *rawMySQL) claim(ctx context.Context, run func([]byte) error) (int, any, error) {
	ids, payloads, err := s.take(ctx, `UPDATE raw_jobs SET lease = ?`, []any{time.Now().Add(30 * time.Second).UnixMicro()}, nil)
	for i := 0; err == nil && i < len(payloads); i++ {
		err = run(payloads[i])
	}
	return len(payloads), ids, err
}

func (s *rawMySQL) remove(ctx context.Context, ids any) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM raw_jobs WHERE seq IN (`+ids.(string)+`)`)
	return err
}

func (s *rawMySQL) left(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM raw_jobs`).Scan(&n)
	return n, err
}

func (s *rawMySQL) close() error { return s.db.Close() }

func (s *rawMySQLTx) claim(ctx context.Context, run func([]byte) error) (int, any, error) {
	_, payloads, err := s.take(ctx, `DELETE FROM raw_jobs`, nil, run)
	return len(payloads), nil, err
}

func (s *rawMySQLTx) remove(context.Context, any) error { return nil }
