package mysql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

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
		digits, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(digits)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: its number must be %d", file, i+1)
		}
		steps[i] = migration{version, name, string(script)}
	}
	return steps, nil
}

const (
	migrationTable = `CREATE TABLE IF NOT EXISTS errand_migrations (
    version    INTEGER      NOT NULL PRIMARY KEY,
    name       VARCHAR(255) NOT NULL,
    applied_at BIGINT       NOT NULL
) ENGINE = InnoDB`
	lockSeconds = 60 // for which one process waits for another that migrates
)

// migrator brings the tables up to date.
type migrator struct {
	conn      *sql.Conn // the lock is the connection's
	name      string    // of the server and database, for errors
	permitted bool
	steps     []migration
}

// migrate does each step under a lock. Every statement commits by itself here, so those of a step can be done again.
// Without permission it only looks.
func (m *migrator) migrate(ctx context.Context) (err error) {
	if m.steps, err = migrations(); err != nil {
		return err
	}
	version, err := m.version(ctx)
	if err != nil {
		return err
	}
	if more, err := m.check(version); !more {
		return err
	}
	const lock = "SELECT GET_LOCK(CONCAT('errand ', LEFT(DATABASE(), 50)), ?)"
	var got sql.NullInt64
	if err := m.conn.QueryRowContext(ctx, lock, lockSeconds).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return fmt.Errorf("%w: %s: another process has upgraded the tables for %d seconds", errand.ErrUnavailable, m.name, lockSeconds)
	}
	defer func() {
		var freed sql.NullInt64
		const free = "SELECT RELEASE_LOCK(CONCAT('errand ', LEFT(DATABASE(), 50)))"
		err = errors.Join(err, m.conn.QueryRowContext(context.WithoutCancel(ctx), free).Scan(&freed))
	}()
	if version, err = m.version(ctx); err != nil { // another process may have been faster
		return err
	}
	for {
		if more, err := m.check(version); !more {
			return err
		}
		if err := m.apply(ctx, m.steps[version]); err != nil {
			return err
		}
		version++
	}
}

// check says whether there is a next step, and may be done.
func (m *migrator) check(version int) (more bool, err error) {
	switch last := len(m.steps); {
	case version > last:
		return false, fmt.Errorf("%w: the tables in %s are of version %d, made by a newer Errand; this one knows versions up to %d: "+
			"upgrade this program", errand.ErrUnavailable, m.name, version, last)
	case version == last:
		return false, nil
	case !m.permitted:
		return false, fmt.Errorf("%w: the tables in %s are of version %d and this program needs %d: open it once without NoMigrate",
			errand.ErrUnavailable, m.name, version, last)
	}
	return true, nil
}

func (m *migrator) apply(ctx context.Context, step migration) error {
	for query := range strings.SplitSeq(migrationTable+";\n"+step.script, ";\n") {
		if strings.TrimSpace(query) == "" {
			continue
		}
		if _, err := m.conn.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("migration %s: %w", step.name, err)
		}
	}
	_, err := m.conn.ExecContext(ctx, "INSERT INTO errand_migrations (version, name, applied_at) VALUES (?, ?, ?)",
		step.version, step.name, time.Now().UnixMicro())
	return err
}

// version returns the version of the tables, 0 where there are none.
func (m *migrator) version(ctx context.Context) (version int, err error) {
	const exists = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'errand_migrations'"
	if err := m.conn.QueryRowContext(ctx, exists).Scan(&version); err != nil || version == 0 {
		return 0, err
	}
	err = m.conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM errand_migrations").Scan(&version)
	return version, err
}
