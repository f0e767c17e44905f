package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

type sqlRow = sqlstore.Row

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. Its file's name begins with its number.
type migration struct {
	version int64
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
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil || version != int64(i+1) {
			return nil, fmt.Errorf("migration %s: its number must be %d", file, i+1)
		}
		steps[i] = migration{version, name, string(script)}
	}
	return steps, nil
}

const (
	migrationTable = `CREATE TABLE IF NOT EXISTS errand_migrations (
    version    INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT`
	hasMigrations  = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'errand_migrations'`
	lastMigration  = `SELECT version FROM errand_migrations ORDER BY version DESC LIMIT 1`
	enterMigration = `INSERT INTO errand_migrations (version, name, applied_at) VALUES (?, ?, ?)`
)

// migrate brings the tables up to date, each step in a transaction of its own under the write lock, so that one that was
// killed goes on where it stopped. Without permission it only looks.
func migrate(ctx context.Context, c *conn, path string, permitted bool) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	m := migrator{c: c, tx: c.in(ctx), path: path, permitted: permitted, steps: steps}
	for {
		more, err := m.step()
		if err != nil || !more {
			return err
		}
	}
}

type migrator struct {
	c         *conn
	tx        sqlstore.Tx
	path      string
	permitted bool
	steps     []migration
}

// step does the next step, and says whether it did one.
func (m *migrator) step() (more bool, err error) {
	tx := m.tx
	if _, err := tx.Exec("BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	defer func() {
		if !more {
			if _, undo := tx.Exec("ROLLBACK"); err == nil {
				err = undo
			}
		}
	}()
	version, err := schemaVersion(tx)
	last := int64(len(m.steps))
	switch {
	case err != nil:
		return false, err
	case version > last:
		return false, fmt.Errorf("%w: the tables in %s are of version %d, made by a newer Errand; this one knows versions up to %d: "+
			"upgrade this program", errand.ErrUnavailable, m.path, version, last)
	case version == last:
		return false, nil
	case !m.permitted:
		return false, fmt.Errorf("%w: the tables in %s are of version %d and this program needs %d: open it once without NoMigrate",
			errand.ErrUnavailable, m.path, version, last)
	}
	step := m.steps[version]
	if err := m.c.script(migrationTable + ";\n" + step.script); err != nil {
		return false, fmt.Errorf("migration %s: %w", step.name, err)
	}
	if _, err := tx.Exec(enterMigration, step.version, step.name, time.Now().UnixMicro()); err != nil {
		return false, fmt.Errorf("migration %s: %w", step.name, err)
	}
	if _, err := tx.Exec("COMMIT"); err != nil {
		return false, fmt.Errorf("migration %s: %w", step.name, err)
	}
	return true, nil
}

// schemaVersion returns the version of the tables, 0 where there are none.
func schemaVersion(tx sqlstore.Tx) (version int64, err error) {
	found := errors.New("found")
	err = tx.Query(hasMigrations, func(sqlRow) error { return found })
	if !errors.Is(err, found) {
		return 0, err
	}
	err = tx.Query(lastMigration, func(row sqlRow) error {
		version = row.Int(0)
		return nil
	})
	return version, err
}
