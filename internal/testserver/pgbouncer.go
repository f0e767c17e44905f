package testserver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// PgBouncer starts a PgBouncer for one test, in its transaction mode, before a PostgreSQL server: each transaction may get
// another of its few connections.
func PgBouncer(tb TB, behind *Server) *Server {
	tb.Helper()
	program := "/usr/sbin/pgbouncer" // where Debian puts it, apart from the PATH of most users
	if _, err := os.Stat(program); err != nil {
		program = lookup(tb, "pgbouncer", "pgbouncer")
	}
	return own(tb, func(tb TB) *sqlServer {
		dir, as := dataDir(tb, "postgres")
		port := freePorts(tb, 1)[0]
		host, serverPort, err := net.SplitHostPort(behind.Addrs[0])
		if err != nil {
			tb.Fatal(err)
		}
		settings := filepath.Join(dir, "pgbouncer.ini")
		text := fmt.Sprintf("[databases]\npostgres = host=%s port=%s dbname=postgres user=errand\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"+
			"listen_port = %s\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 5\n", host, serverPort, port)
		if err := os.WriteFile(settings, []byte(text), 0o644); err != nil { //nolint:gosec // another user reads it
			tb.Fatal(err)
		}
		words := append(as, program, settings)
		addr := "127.0.0.1:" + port
		return &sqlServer{dir: dir, Server: Server{
			URL: "postgres://errand@" + addr + "/postgres?sslmode=disable&default_query_exec_mode=exec", Addrs: []string{addr}, tb: tb,
			nodes: []*node{{
				program: words[0], args: words[1:], out: filepath.Join(dir, "log"),
				ready: func() error {
					conn, err := net.DialTimeout("tcp", addr, time.Second)
					if err == nil {
						err = conn.Close()
					}
					return err
				},
			}},
		}}
	})
}
