package postgres

import (
	"context"
	"embed"
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/errandhq/errand/store/internal/migrate"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

const (
	migrationTable = `CREATE TABLE IF NOT EXISTS errand_migrations (
    version    INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    applied_at BIGINT  NOT NULL
);
`
	// hasMigrations reads the catalogue's tables. What answers by name, as to_regclass does, may still know what was before
	// the transaction waited for the lock.
	hasMigrations = `SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = 'errand_migrations')`
	nowMicros = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
)

// Schema implements sqlserver.Backend.
func (s *backend) Schema() *migrate.Schema { return s.schema }

// schemaOf is the schema of the tables of a database.
func (s *backend) schemaOf(pc *pgxpool.Config, name string) (*migrate.Schema, error) {
	steps, err := migrate.Steps(migrationFiles)
	return &migrate.Schema{
		DB: migrator{s.pool, name}, Steps: steps, Where: fmt.Sprintf("schema %s of %s", name, s.name), URL: plainURL(pc, name),
	}, err
}

// plainURL is the URL of a store without its password.
func plainURL(pc *pgxpool.Config, schema string) string {
	c := pc.ConnConfig
	u := url.URL{
		Scheme: "postgres", User: url.User(c.User), Host: fmt.Sprintf("%s:%d", c.Host, c.Port), Path: "/" + c.Database,
		RawQuery: url.Values{"schema": {schema}}.Encode(),
	}
	return u.String()
}

// migrator implements migrate.Database. Each step is a transaction.
type migrator struct {
	pool   *pgxpool.Pool
	schema string
}

// lock is the number of the lock that keeps others from the same tables.
func (m migrator) lock() int64 { return lockNumber("migrate", m.schema) }

// lockNumber is the number of an advisory lock. All schemas of a database, and other programs, share the numbers.
func lockNumber(of ...string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("errand " + strings.Join(of, " ")))
	return int64(h.Sum64()) //nolint:gosec // any number will do
}

// Done implements migrate.Database.
func (m migrator) Done(ctx context.Context) (migrate.Done, error) { return m.done(ctx, m.pool) }

func (m migrator) done(ctx context.Context, on conn) (migrate.Done, error) {
	done := make(migrate.Done)
	table := pgx.Identifier{m.schema, "errand_migrations"}.Sanitize()
	found, err := one[bool](ctx, on, hasMigrations, m.schema)
	if err != nil || !found {
		return done, err
	}
	rows, err := on.Query(ctx, "SELECT version, name, applied_at FROM "+table)
	if err != nil {
		return nil, err
	}
	var version, at int64
	var name string
	_, err = pgx.ForEachRow(rows, []any{&version, &name, &at}, func() error {
		done.Add(version, name, at)
		return nil
	})
	return done, err
}

// Next implements migrate.Database.
func (m migrator) Next(ctx context.Context, choose func(migrate.Done) (*migrate.Step, error)) (did bool, err error) {
	// READ COMMITTED, to see what others have done before it got the lock.
	err = pgx.BeginTxFunc(ctx, m.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", m.lock()); err != nil {
			return err
		}
		done, err := m.done(ctx, tx)
		if err != nil {
			return err
		}
		step, err := choose(done)
		if err != nil || step == nil {
			return err
		}
		did = true
		return m.apply(ctx, tx, step, len(done) == 0)
	})
	return did && err == nil, err
}

// apply does a step. Making the schema needs rights on the database, which only the first step may need.
func (m migrator) apply(ctx context.Context, tx pgx.Tx, step *migrate.Step, first bool) error {
	schema := pgx.Identifier{m.schema}.Sanitize()
	queries := []string{"SET LOCAL search_path TO " + schema, migrationTable, step.Script}
	exists, err := one[bool](ctx, tx, "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", m.schema)
	if err != nil {
		return err
	}
	if first && !exists {
		queries = append([]string{"CREATE SCHEMA " + schema}, queries...)
	}
	for _, query := range queries {
		if _, err := tx.Conn().PgConn().Exec(ctx, query).ReadAll(); err != nil {
			return fmt.Errorf("migration %s: %w", step.Name, err)
		}
	}
	_, err = tx.Exec(ctx, "INSERT INTO errand_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
		step.Version, step.Name, time.Now().UnixMicro())
	return err
}

// Script implements migrate.Database.
func (m migrator) Script(step migrate.Step) string {
	schema := pgx.Identifier{m.schema}.Sanitize()
	return "BEGIN;\nCREATE SCHEMA IF NOT EXISTS " + schema + ";\nSET LOCAL search_path TO " + schema + ";\n" + migrationTable + "\n" +
		step.Script + "\n" + migrate.Entry(step, nowMicros) + "COMMIT;\n"
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
