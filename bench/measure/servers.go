package measure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // for making databases
	"github.com/jackc/pgx/v5"
	"github.com/redis/rueidis"

	"github.com/errandhq/errand/bench/peer"
	"github.com/errandhq/errand/internal/testserver"
)

// servers are the private servers of a run, started as they come: with default durability.
type servers struct {
	started map[peer.Store]*testserver.Server
	dir     string // of SQLite's files
	host    *host
	number  int // of the last place
}

// host takes the part of a test for the servers.
type host struct {
	ends []func()
	dir  string
}

// failure is what Fatal panics with.
type failure struct{ error }

func (h *host) Helper()                           {}
func (h *host) Error(args ...any)                 { fmt.Fprintln(os.Stderr, args...) }
func (h *host) Fatal(args ...any)                 { panic(failure{errors.New(fmt.Sprint(args...))}) }
func (h *host) Fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
func (h *host) Cleanup(end func())                { h.ends = append(h.ends, end) }

func (h *host) TempDir() string {
	dir, err := os.MkdirTemp(h.dir, "")
	if err != nil {
		h.Fatal(err)
	}
	return dir
}

func newServers() (*servers, error) {
	dir, err := os.MkdirTemp("", "errand-bench-")
	return &servers{started: map[peer.Store]*testserver.Server{}, dir: dir, host: &host{dir: dir}}, err
}

// close stops the servers and removes their files.
func (s *servers) close() error {
	for _, end := range slices.Backward(s.host.ends) {
		end()
	}
	return os.RemoveAll(s.dir)
}

// server returns the server of a store, started by the first who asks. SQLite has none.
func (s *servers) server(store peer.Store) (server *testserver.Server, err error) {
	defer func() {
		if failed, ok := recover().(failure); ok {
			err = failed.error
		}
	}()
	if server = s.started[store]; server != nil {
		return server, nil
	}
	switch store {
	case peer.Redis:
		server = testserver.Redis(s.host, "--loglevel", "warning")
	case peer.Postgres:
		server = testserver.OwnPostgres(s.host)
	case peer.MySQL:
		server = testserver.OwnMariaDB(s.host)
	default: // SQLite has none
		return nil, nil
	}
	s.started[store] = server
	return server, nil
}

// pids are the processes of a store's server.
func (s *servers) pids(store peer.Store) []int {
	if server := s.started[store]; server != nil {
		return server.PIDs()
	}
	return nil
}

// place is somewhere empty for one system.
type place struct {
	url  string
	drop func(ctx context.Context) error
}

// fresh makes an empty place: a database, a file, or the whole Redis server.
func (s *servers) fresh(ctx context.Context, store peer.Store) (place, error) {
	server, err := s.server(store)
	if err != nil {
		return place{}, err
	}
	s.number++
	name := fmt.Sprintf("bench_%d", s.number)
	if store == peer.Redis {
		flush := func(ctx context.Context) error { return flushRedis(ctx, server.URL) }
		return place{url: server.URL + "/0", drop: flush}, flush(ctx)
	}
	if store == peer.SQLite {
		path := filepath.Join(s.dir, name+".db")
		return place{url: "sqlite:" + path, drop: func(context.Context) error {
			return errors.Join(os.Remove(path), ignoreMissing(os.Remove(path+"-wal")), ignoreMissing(os.Remove(path+"-shm")))
		}}, nil
	}
	exec := executor(store, server.URL)
	u, err := url.Parse(server.URL)
	if err != nil {
		return place{}, err
	}
	u.Path = "/" + name
	force := ""
	if store == peer.Postgres {
		force = " WITH (FORCE)"
	}
	drop := func(ctx context.Context) error { return exec(ctx, "DROP DATABASE "+name+force) }
	return place{url: u.String(), drop: drop}, exec(ctx, "CREATE DATABASE "+name)
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func flushRedis(ctx context.Context, url string) error {
	opt, err := rueidis.ParseURL(url)
	if err != nil {
		return err
	}
	opt.DisableCache, opt.ForceSingleClient = true, true
	opt.ConnWriteTimeout, opt.Dialer.Timeout = time.Minute, time.Minute // millions of jobs go one by one
	client, err := rueidis.NewClient(opt)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Do(ctx, client.B().Flushall().Sync().Build()).Error()
}

// executor returns what carries out a statement on a connection of its own.
func executor(store peer.Store, where string) func(ctx context.Context, query string) error {
	if store == peer.Postgres {
		return func(ctx context.Context, query string) error {
			conn, err := pgx.Connect(ctx, where)
			if err != nil {
				return err
			}
			defer conn.Close(ctx)
			_, err = conn.Exec(ctx, query)
			return err
		}
	}
	user, rest, _ := strings.Cut(strings.TrimPrefix(where, "mysql://"), "@")
	dsn := user + "@tcp(" + strings.TrimSuffix(rest, "/") + ")/"
	return func(ctx context.Context, query string) error {
		db, err := sql.Open("mysql", dsn)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.ExecContext(ctx, query)
		return err
	}
}
