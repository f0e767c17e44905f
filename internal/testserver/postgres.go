package testserver

import (
	"os"
	"os/exec"
	"path/filepath"
)

// PostgresVariable names the environment variable with the URL of a PostgreSQL server to use in place of a private one.
const PostgresVariable = "ERRAND_TEST_POSTGRES_URL"

// Postgres returns a PostgreSQL server that all tests of this binary share: each uses a schema of its own. The package's
// TestMain must call [Run].
func Postgres(tb TB) *Server {
	tb.Helper()
	if url := os.Getenv(PostgresVariable); url != "" {
		return &Server{URL: url, tb: tb}
	}
	return share(tb, "postgres", func(tb TB) *sqlServer { return newPostgres(tb) })
}

// OwnPostgres starts a PostgreSQL server for one test, which may kill it. Options are settings, as in "fsync=off".
func OwnPostgres(tb TB, options ...string) *Server {
	tb.Helper()
	return own(tb, func(tb TB) *sqlServer { return newPostgres(tb, options...) })
}

// newPostgres prepares a server, which is not started yet.
func newPostgres(tb TB, options ...string) *sqlServer {
	tb.Helper()
	bin := postgresBin(tb)
	dir, as := dataDir(tb, "postgres")
	data, port := filepath.Join(dir, "data"), freePorts(tb, 1)[0]
	run(tb, append(as, filepath.Join(bin, "initdb"), "--no-sync", "--auth", "trust", "--username", "errand",
		"--encoding", "UTF8", "--no-locale", "--pgdata", data)...)
	words := append(as, filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "max_connections=300", "-c", "shared_buffers=128MB",
		"-c", "timezone=Asia/Kathmandu") // one that nobody takes for UTC
	for _, option := range options {
		words = append(words, "-c", option)
	}
	addr := "127.0.0.1:" + port
	return &sqlServer{dir: dir, Server: Server{
		URL: "postgres://errand@" + addr + "/postgres?sslmode=disable", Addrs: []string{addr}, tb: tb,
		nodes: []*node{{
			program: words[0], args: words[1:], out: filepath.Join(dir, "log"),
			before: func() error { return deserted(data) },
			ready: func() error {
				return exec.Command(filepath.Join(bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", port).Run() //nolint:noctx // it ends by itself
			},
		}},
	}}
}

// postgresBin returns the directory of the newest installed server: Debian keeps each version's apart from PATH.
func postgresBin(tb TB) string {
	tb.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	return filepath.Dir(lookup(tb, "postgres", "postgresql"))
}
