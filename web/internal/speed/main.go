// Command speed measures how long each page of the dashboard and each call of its API takes on a store with a million
// waiting jobs and a hundred thousand failed ones, and what an open dashboard costs. It starts the servers that it needs
// and prints a table in Markdown.
//
//	go run ./web/internal/speed sqlite postgres mysql redis
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store"
)

func main() {
	log.SetFlags(0)
	jobs := flag.Int("jobs", 1_000_000, "jobs that wait")
	failed := flag.Int("failed", 100_000, "jobs that have failed")
	each := flag.Int("each", 40, "times that each page is asked for")
	load := flag.Duration("open", 20*time.Second, "how long a dashboard is open, and closed, to see what it costs")
	flag.Parse()
	kinds := flag.Args()
	if len(kinds) == 0 {
		kinds = []string{"sqlite"}
	}
	for _, kind := range kinds {
		if err := run(kind, *jobs, *failed, *each, *load); err != nil {
			log.Fatalf("%s: %v", kind, err)
		}
	}
}

func run(kind string, jobs, failed, each int, load time.Duration) (err error) {
	own := &host{}
	defer own.end()
	url, server := own.serve(kind)
	ctx := context.Background()
	st, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	now, err := st.Now(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	f := &filler{ctx: ctx, st: st, now: now, random: rand.New(rand.NewPCG(1, 2))}
	if err := errors.Join(f.fail(failed), f.enqueue(jobs, func(*errand.JobSpec) {}), f.surroundings()); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if kind == "postgres" {
		if err := vacuum(ctx, url); err != nil {
			return fmt.Errorf("vacuum: %w", err)
		}
	}
	fmt.Printf("\n## %s: %d waiting, %d failed, filled in %v\n\n", kind, jobs, failed, time.Since(start).Round(time.Second))
	return measure(ctx, st, f, each, load, server)
}

// vacuum does at once what PostgreSQL would do in the background while something else is measured.
func vacuum(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return errors.Join(err, conn.Close(ctx))
}

// host is what private servers hold on to: it stands in for a test.
type host struct{ cleanups []func() }

func (h *host) Helper()                           {}
func (h *host) Error(args ...any)                 { log.Print(args...) }
func (h *host) Fatal(args ...any)                 { h.end(); log.Fatal(args...) }
func (h *host) Fatalf(format string, args ...any) { h.end(); log.Fatalf(format, args...) }
func (h *host) Cleanup(f func())                  { h.cleanups = append(h.cleanups, f) }

func (h *host) TempDir() string {
	dir, err := os.MkdirTemp("", "errand-speed-")
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (h *host) end() {
	for len(h.cleanups) > 0 {
		last := h.cleanups[len(h.cleanups)-1]
		h.cleanups = h.cleanups[:len(h.cleanups)-1]
		last()
	}
}

// database makes a database on a MySQL server and returns its URL.
func (h *host) database(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		h.Fatal(err)
	}
	db, err := sql.Open("mysql", u.User.String()+"@tcp("+u.Host+")/") // the store brings the driver
	if err != nil {
		h.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE DATABASE errand"); err != nil {
		h.Fatal(err)
	}
	u.Path = "/errand"
	return u.String()
}

// serve makes an empty store of a kind; its server is nil for one that runs in this process.
func (h *host) serve(kind string) (url string, server *testserver.Server) {
	switch kind {
	case "sqlite":
		return "sqlite:" + filepath.Join(h.TempDir(), "jobs.db"), nil
	case "postgres":
		server = testserver.OwnPostgres(h)
	case "mysql":
		server = testserver.OwnMariaDB(h)
		return h.database(server.URL), server
	case "redis":
		server = testserver.Redis(h, "--maxmemory-policy", "noeviction", "--save", "")
	default:
		h.Fatalf("%q: use sqlite, postgres, mysql or redis", kind)
	}
	return server.URL, server
}
