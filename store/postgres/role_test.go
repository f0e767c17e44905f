package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/postgres"
	"github.com/errandhq/errand/store/storetest"
)

// grants are those of docs/migrating.md, for the schema errand.
const grants = `
GRANT USAGE ON SCHEMA errand TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA errand TO app;
ALTER DEFAULT PRIVILEGES IN SCHEMA errand GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app;
`

// TestRole proves that a role with the grants of docs/migrating.md, which may create nothing, opens a store and does
// everything in it; and that before the migration, and without the grants, the error says what to do.
func TestRole(t *testing.T) {
	ctx := t.Context()
	owner := testserver.OwnPostgres(t).URL
	pool, err := pgxpool.New(ctx, owner)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	exec := func(script string) {
		t.Helper()
		if _, err := pool.Exec(ctx, script, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE ROLE app LOGIN PASSWORD 'app'")
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("app", "app")
	app := u.String()

	_, err = postgres.Open(ctx, app, postgres.NoMigrate())
	want := "errand migrate up --store 'postgres://app@" + u.Host + u.Path + "?schema=errand'"
	if !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), want) {
		t.Errorf("before the migration: %v, want %s", err, want)
	}
	if _, err := postgres.Open(ctx, app); !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("a migration without the right to: %v", err)
	}
	st, err := postgres.Open(ctx, owner)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	exec(grants)
	exec("REVOKE CREATE ON SCHEMA public FROM PUBLIC; REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC")
	storetest.RunModel(t, func(t *testing.T) errand.Store {
		exec(emptyAll)
		st, err := postgres.Open(context.WithoutCancel(ctx), app)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Identity(ctx); err != nil {
			t.Error(err)
		}
		return st
	})
}

// emptyAll empties every table but those that say what the tables are.
const emptyAll = `DO $$ DECLARE t TEXT; BEGIN
FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'errand' AND tablename NOT IN ('errand_migrations', 'errand_claims')
LOOP EXECUTE 'DELETE FROM errand.' || t; END LOOP;
DELETE FROM errand.errand_claims WHERE worker <> ''; END $$`
