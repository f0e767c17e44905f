package mysql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gosql "github.com/go-sql-driver/mysql"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/migrate"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

const (
	migrationTable = `CREATE TABLE IF NOT EXISTS errand_migrations (
    version    INTEGER      NOT NULL PRIMARY KEY,
    name       VARCHAR(255) NOT NULL,
    applied_at BIGINT       NOT NULL
) ENGINE = InnoDB;
`
	hasMigrations  = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'errand_migrations'"
	doneMigrations = "SELECT version, name, applied_at FROM errand_migrations"
	lockTables     = "SELECT GET_LOCK(CONCAT('errand ', LEFT(DATABASE(), 50)), ?)"
	unlockTables   = "SELECT RELEASE_LOCK(CONCAT('errand ', LEFT(DATABASE(), 50)))"
	nowMicros      = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"
	lockSeconds    = 60 // for which one process waits for another that migrates
)

// Schema implements sqlserver.Backend.
func (s *backend) Schema() *migrate.Schema { return s.schema }

// schemaOf is the schema of the tables of a database.
func (s *backend) schemaOf(dsn *gosql.Config) (*migrate.Schema, error) {
	steps, err := migrate.Steps(migrationFiles)
	where := "mysql://" + dsn.User + "@" + dsn.Addr + "/" + dsn.DBName
	if dsn.Net == "unix" {
		where = "mysql://" + dsn.User + "@/" + dsn.DBName + "?socket=" + dsn.Addr
	}
	return &migrate.Schema{DB: migrator{s.db, s.name}, Steps: steps, Where: s.name, URL: where}, err
}

// migrator implements migrate.Database. Every statement commits by itself here, so those of a step that was interrupted
// are done again.
type migrator struct {
	db   *sql.DB
	name string // of the server and database, for errors
}

// Done implements migrate.Database.
func (m migrator) Done(ctx context.Context) (migrate.Done, error) {
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return done(ctx, conn)
}

func done(ctx context.Context, conn *sql.Conn) (migrate.Done, error) {
	found, tables := make(migrate.Done), 0
	if err := conn.QueryRowContext(ctx, hasMigrations).Scan(&tables); err != nil || tables == 0 {
		return found, err
	}
	rows, err := conn.QueryContext(ctx, doneMigrations)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var version, at int64
		var name string
		if err := rows.Scan(&version, &name, &at); err != nil {
			return nil, err
		}
		found.Add(version, name, at)
	}
	return found, rows.Err()
}

// Next implements migrate.Database. The lock is the connection's.
func (m migrator) Next(ctx context.Context, choose func(migrate.Done) (*migrate.Step, error)) (did bool, err error) {
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, lockTables, lockSeconds).Scan(&got); err != nil {
		return false, err
	}
	if got.Int64 != 1 {
		return false, fmt.Errorf("%w: %s: another process has upgraded the tables for %d seconds", errand.ErrUnavailable, m.name, lockSeconds)
	}
	defer func() {
		var freed sql.NullInt64
		err = errors.Join(err, conn.QueryRowContext(context.WithoutCancel(ctx), unlockTables).Scan(&freed))
	}()
	done, err := done(ctx, conn)
	if err != nil {
		return false, err
	}
	step, err := choose(done)
	if err != nil || step == nil {
		return false, err
	}
	return true, m.apply(ctx, conn, step)
}

func (m migrator) apply(ctx context.Context, conn *sql.Conn, step *migrate.Step) error {
	for query := range strings.SplitSeq(migrationTable+"\n"+step.Script, ";\n") {
		if strings.TrimSpace(query) == "" {
			continue
		}
		if _, err := conn.ExecContext(ctx, query); err != nil && !madeBefore(err) {
			return fmt.Errorf("migration %s: %w", step.Name, err)
		}
	}
	_, err := conn.ExecContext(ctx, migrate.Enter, step.Version, step.Name, time.Now().UnixMicro())
	return err
}

// madeBefore reports whether a statement of a step found that it was done, by one that was interrupted: the table, column
// or index that it makes is there, or what it drops is not.
func madeBefore(err error) bool {
	var e *gosql.MySQLError
	return errors.As(err, &e) && slices.Contains([]uint16{1050, 1060, 1061, 1091}, e.Number)
}

// Script implements migrate.Database.
func (migrator) Script(step migrate.Step) string {
	return migrationTable + "\n" + step.Script + "\n" + migrate.Entry(step, nowMicros)
}
