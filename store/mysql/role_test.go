package mysql_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/mysql"
	"github.com/errandhq/errand/store/storetest"
)

// TestRole proves that a user with the grants of docs/migrating.md, which may create nothing, opens a store and does
// everything in it; and that before the migration, and without the right to it, the error says what to do.
func TestRole(t *testing.T) {
	ctx := t.Context()
	server := testserver.OwnMariaDB(t).URL
	admin := user(t, server, "")
	exec := func(queries ...string) {
		t.Helper()
		for _, query := range queries {
			if _, err := admin.Exec(query); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
		}
	}
	exec("CREATE DATABASE jobs", "CREATE USER app IDENTIFIED BY 'app'",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON jobs.* TO app") // as in docs/migrating.md
	owner := strings.TrimSuffix(server, "/") + "/jobs"
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("app", "app")
	app := u.String()

	_, err = mysql.Open(ctx, app, mysql.NoMigrate())
	want := "errand migrate up --store 'mysql://app@" + u.Host + "/jobs'"
	if !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), want) {
		t.Errorf("before the migration: %v, want %s", err, want)
	}
	if _, err := mysql.Open(ctx, app); !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "denied") {
		t.Errorf("a migration without the right to: %v", err)
	}
	st, err := mysql.Open(ctx, owner)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	tables := []string{"jobs", "queues", "uniques", "deps", "orders", "workers", "messages", "message_queues", "producers", "parcels",
		"expiries"}
	storetest.RunModel(t, func(t *testing.T) errand.Store {
		for _, table := range tables {
			exec("DELETE FROM jobs.errand_" + table)
		}
		exec("DELETE FROM jobs.errand_claims WHERE worker <> ''")
		st, err := mysql.Open(context.WithoutCancel(ctx), app)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Identity(ctx); err != nil {
			t.Error(err)
		}
		return st
	})
}
