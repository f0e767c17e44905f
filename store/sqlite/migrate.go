package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/migrate"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

type sqlRow = sqlstore.Row

//go:embed migrations/*.sql
var migrationFiles embed.FS

const (
	migrationTable = `CREATE TABLE IF NOT EXISTS errand_migrations (
    version    INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;
`
	hasMigrations  = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'errand_migrations'`
	doneMigrations = `SELECT version, name, applied_at FROM errand_migrations`
	nowMicros      = `CAST(unixepoch('subsec') * 1000000 AS INTEGER)`
)

// schemaOn is the schema of the database file at path, seen through a connection.
func schemaOn(c *conn, path string) (*migrate.Schema, error) {
	steps, err := migrate.Steps(migrationFiles)
	return &migrate.Schema{DB: migrator{c}, Steps: steps, Where: path, URL: "sqlite:" + path}, err
}

// migrator implements migrate.Database. Each step is a transaction under the write lock.
type migrator struct{ c *conn }

// Done implements migrate.Database.
func (m migrator) Done(ctx context.Context) (migrate.Done, error) {
	tx, done, found := m.c.in(ctx), make(migrate.Done), errors.New("found")
	if err := tx.Query(hasMigrations, func(sqlRow) error { return found }); !errors.Is(err, found) {
		return done, err
	}
	err := tx.Query(doneMigrations, func(row sqlRow) error {
		done.Add(row.Int(0), row.Text(1), row.Int(2))
		return nil
	})
	return done, err
}

// Next implements migrate.Database.
func (m migrator) Next(ctx context.Context, choose func(migrate.Done) (*migrate.Step, error)) (did bool, err error) {
	tx := m.c.in(ctx)
	if _, err := tx.Exec("BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	defer func() {
		if !did {
			if _, undo := tx.Exec("ROLLBACK"); err == nil {
				err = undo
			}
		}
	}()
	done, err := m.Done(ctx)
	if err != nil {
		return false, err
	}
	step, err := choose(done)
	if err != nil || step == nil {
		return false, err
	}
	if err := m.c.script(migrationTable + step.Script); err != nil {
		return false, fmt.Errorf("migration %s: %w", step.Name, err)
	}
	if _, err := tx.Exec(migrate.Enter, step.Version, step.Name, time.Now().UnixMicro()); err != nil {
		return false, fmt.Errorf("migration %s: %w", step.Name, err)
	}
	if _, err := tx.Exec("COMMIT"); err != nil {
		return false, fmt.Errorf("migration %s: %w", step.Name, err)
	}
	return true, nil
}

// Script implements migrate.Database.
func (migrator) Script(step migrate.Step) string {
	return "BEGIN IMMEDIATE;\n" + migrationTable + "\n" + step.Script + "\n" + migrate.Entry(step, nowMicros) + "COMMIT;\n"
}

// Migrations implements [errand.Migrator].
func (s *Store) Migrations(ctx context.Context) (all []errand.Migration, err error) {
	err = s.onSchema(ctx, "list migrations", func(schema *migrate.Schema) error {
		all, err = schema.Migrations(ctx)
		return err
	})
	return all, err
}

// Migrate implements [errand.Migrator].
func (s *Store) Migrate(ctx context.Context) error {
	return s.onSchema(ctx, "migrate", func(schema *migrate.Schema) error { return schema.Migrate(ctx) })
}

// onSchema works on the schema by a connection of its own.
func (s *Store) onSchema(ctx context.Context, op string, do func(*migrate.Schema) error) (err error) {
	l := label{Op: op}
	if err := s.enter(ctx, l); err != nil {
		return err
	}
	defer s.leave()
	c, err := openConn(s.path, "rw")
	if err == nil {
		err = c.script(fmt.Sprintf("PRAGMA busy_timeout = %d", s.lockTimeout.Milliseconds()))
		var schema *migrate.Schema
		if err == nil {
			schema, err = schemaOn(c, s.path)
		}
		if err == nil {
			err = do(schema)
		}
		err = errors.Join(err, c.close())
	}
	if err != nil {
		return fmt.Errorf("%v: %w", l, s.translate(err))
	}
	return nil
}
