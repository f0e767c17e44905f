package postgres

import (
	"context"
	"embed"
	"fmt"
	"hash/fnv"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/errandhq/errand"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. Its file's name begins with its number.
type migration struct {
	version int
	name    string
	script  string
}

// migrations returns every step, in order.
func migrations() ([]migration, error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	steps := make([]migration, len(files))
	for i, file := range files {
		script, err := migrationFiles.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "migrations/"), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: its number must be %d", file, i+1)
		}
		steps[i] = migration{version, name, string(script)}
	}
	return steps, nil
}

const migrationTable = `CREATE TABLE IF NOT EXISTS errand_migrations (
    version    INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    applied_at BIGINT  NOT NULL
)`

// migrator brings the tables up to date.
type migrator struct {
	pool      *pgxpool.Pool
	name      string // of the server and database, for errors
	schema    string
	permitted bool
	steps     []migration
}

// migrate does each step in a transaction of its own under a lock, so that one that was killed goes on where it stopped.
// Without permission it only looks.
func (m *migrator) migrate(ctx context.Context) (err error) {
	if m.steps, err = migrations(); err != nil {
		return err
	}
	for more := true; more; {
		if more, err = m.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step does the next step, and says whether it did one.
func (m *migrator) step(ctx context.Context) (more bool, err error) {
	version, err := m.version(ctx, m.pool)
	if err != nil {
		return false, err
	}
	if more, err := m.check(version); !more {
		return false, err
	}
	err = pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", m.lock()); err != nil {
			return err
		}
		if version, err = m.version(ctx, tx); err != nil { // another process may have been faster
			return err
		}
		if more, err = m.check(version); !more {
			return err
		}
		return m.apply(ctx, tx, m.steps[version])
	})
	return more && err == nil, err
}

// lock is the number of the lock that keeps others from the same tables.
func (m *migrator) lock() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("errand migrate " + m.schema))
	return int64(h.Sum64()) //nolint:gosec // any number will do
}

// check says whether there is a next step, and may be done.
func (m *migrator) check(version int) (more bool, err error) {
	switch last := len(m.steps); {
	case version > last:
		return false, fmt.Errorf("%w: the tables in schema %s of %s are of version %d, made by a newer Errand; this one knows versions "+
			"up to %d: upgrade this program", errand.ErrUnavailable, m.schema, m.name, version, last)
	case version == last:
		return false, nil
	case !m.permitted:
		return false, fmt.Errorf("%w: the tables in schema %s of %s are of version %d and this program needs %d: open it once without NoMigrate",
			errand.ErrUnavailable, m.schema, m.name, version, last)
	}
	return true, nil
}

func (m *migrator) apply(ctx context.Context, tx pgx.Tx, step migration) error {
	schema := pgx.Identifier{m.schema}.Sanitize()
	for _, query := range []string{
		"CREATE SCHEMA IF NOT EXISTS " + schema,
		"SET LOCAL search_path TO " + schema,
		migrationTable,
		step.script,
	} {
		if step.version > 1 && query == "CREATE SCHEMA IF NOT EXISTS "+schema {
			continue // which needs rights on the database
		}
		if _, err := tx.Conn().PgConn().Exec(ctx, query).ReadAll(); err != nil {
			return fmt.Errorf("migration %s: %w", step.name, err)
		}
	}
	_, err := tx.Exec(ctx, "INSERT INTO errand_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
		step.version, step.name, time.Now().UnixMicro())
	return err
}

// version returns the version of the tables, 0 where there are none.
func (m *migrator) version(ctx context.Context, on conn) (version int, err error) {
	table := pgx.Identifier{m.schema, "errand_migrations"}.Sanitize()
	found, err := one[bool](ctx, on, "SELECT to_regclass($1) IS NOT NULL", table)
	if err != nil || !found {
		return 0, err
	}
	return one[int](ctx, on, "SELECT COALESCE(max(version), 0) FROM "+table)
}

// one asks for one value.
func one[T any](ctx context.Context, on conn, query string, args ...any) (T, error) {
	rows, err := on.Query(ctx, query, args...)
	if err != nil {
		var none T
		return none, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
}
