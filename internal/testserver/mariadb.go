package testserver

import (
	"os"
	"os/exec"
	"path/filepath"
)

// MySQLVariable names the environment variable with the URL of a MySQL or MariaDB server to use in place of a private
// one, as in mysql://user:password@host:port/.
const MySQLVariable = "ERRAND_TEST_MYSQL_URL"

// MariaDB returns a MariaDB server that all tests of this binary share: each makes a database of its own. The package's
// TestMain must call [Run].
func MariaDB(tb TB) *Server {
	tb.Helper()
	if url := os.Getenv(MySQLVariable); url != "" {
		return &Server{URL: url, tb: tb}
	}
	return share(tb, "mariadb", func(tb TB) *sqlServer { return newMariaDB(tb) })
}

// OwnMariaDB starts a MariaDB server for one test, which may kill it. Options are those of its command line.
func OwnMariaDB(tb TB, options ...string) *Server {
	tb.Helper()
	return own(tb, func(tb TB) *sqlServer { return newMariaDB(tb, options...) })
}

// newMariaDB prepares a server, which is not started yet.
func newMariaDB(tb TB, options ...string) *sqlServer {
	tb.Helper()
	program := "/usr/sbin/mariadbd" // where Debian puts it, apart from the PATH of most users
	if _, err := os.Stat(program); err != nil {
		program = lookup(tb, "mariadbd", "mariadb-server-core")
	}
	dir, as := dataDir(tb, "mysql")
	data, port := filepath.Join(dir, "data"), freePorts(tb, 1)[0]
	socket := filepath.Join(dir, "socket")
	run(tb, append(as, lookup(tb, "mariadb-install-db", "mariadb-server-core"), "--no-defaults", "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve", "--datadir="+data, "--tmpdir="+dir, "--innodb-flush-log-at-trx-commit=0")...)
	words := append(as, program, "--no-defaults", "--datadir="+data, "--tmpdir="+dir, "--port="+port, "--bind-address=127.0.0.1",
		"--socket="+socket, "--pid-file="+filepath.Join(dir, "pid"), "--skip-name-resolve", "--max-connections=300",
		"--default-time-zone=+05:45") // one that nobody takes for UTC
	words = append(words, options...)
	addr := "127.0.0.1:" + port
	admin := lookup(tb, "mariadb-admin", "mariadb-client")
	return &sqlServer{dir: dir, Server: Server{
		URL: "mysql://root@" + addr + "/", Addrs: []string{addr}, tb: tb,
		nodes: []*node{{
			program: words[0], args: words[1:], out: filepath.Join(dir, "log"),
			before: func() error { return deserted(data) },
			ready: func() error {
				return exec.Command(admin, "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--port="+port, "--user=root", "ping").Run() //nolint:noctx // it ends by itself
			},
		}},
	}}
}
