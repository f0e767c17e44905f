package measure

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/errandhq/errand/bench/peer"
)

// version says which server it is and what decides the durability of its commits.
func (b *bench) version(ctx context.Context, store peer.Store) (string, error) {
	server, err := b.server(store)
	if err != nil {
		return "", err
	}
	switch store {
	case peer.Redis:
		v, err := peer.RedisText(ctx, server.URL, "redis_version")
		return v + ": no append-only file, no snapshots (RDB)", err
	case peer.Postgres:
		return postgresVersion(ctx, server.URL)
	case peer.MySQL:
		return mysqlVersion(ctx, server.URL)
	default:
		return sqliteVersion(ctx)
	}
}

func sqliteVersion(ctx context.Context) (string, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return "", err
	}
	defer db.Close()
	var v string
	err = db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&v)
	return v + ": WAL, synchronous=NORMAL unless said otherwise", err
}

func postgresVersion(ctx context.Context, url string) (string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var v, fsync, commit, buffers string
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('shared_buffers')`).Scan(&v, &fsync, &commit, &buffers)
	return fmt.Sprintf("%s: fsync=%s, synchronous_commit=%s, shared_buffers=%s", v, fsync, commit, buffers), err
}

// mysqlRow scans a row of a query's reply.
func mysqlRow(ctx context.Context, url, query string, into ...any) error {
	user, rest, _ := strings.Cut(strings.TrimPrefix(url, "mysql://"), "@")
	db, err := sql.Open("mysql", user+"@tcp("+strings.TrimSuffix(rest, "/")+")/")
	if err != nil {
		return err
	}
	defer db.Close()
	return db.QueryRowContext(ctx, query).Scan(into...)
}

func mysqlVersion(ctx context.Context, url string) (string, error) {
	var v, flush, binlog, buffers string
	err := mysqlRow(ctx, url, `SELECT version(), @@innodb_flush_log_at_trx_commit, @@log_bin, @@innodb_buffer_pool_size DIV 1048576`,
		&v, &flush, &binlog, &buffers)
	return fmt.Sprintf("%s: innodb_flush_log_at_trx_commit=%s, log_bin=%s, innodb_buffer_pool_size=%sM", v, flush, binlog, buffers), err
}

// mysqlStatus returns a status variable of the server.
func mysqlStatus(ctx context.Context, url, name string) (value string, err error) {
	err = mysqlRow(ctx, url, "SHOW GLOBAL STATUS LIKE '"+name+"'", new(string), &value)
	return value, err
}
