package testserver_test

import (
	"net"
	"os"
	"testing"

	"github.com/errandhq/errand/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// TestSQL proves that the database servers serve, and that one of a test's own can be killed and started again.
func TestSQL(t *testing.T) {
	dial := func(s *testserver.Server) error {
		conn, err := net.Dial("tcp", s.Addrs[0])
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	for name, start := range map[string]func(testing.TB) *testserver.Server{
		"postgres": func(tb testing.TB) *testserver.Server { return testserver.OwnPostgres(tb) },
		"mariadb":  func(tb testing.TB) *testserver.Server { return testserver.OwnMariaDB(tb) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			if err := dial(s); err != nil {
				t.Fatal(err)
			}
			s.Kill()
			if dial(s) == nil {
				t.Fatal("a killed server serves")
			}
			s.Restart()
			if err := dial(s); err != nil {
				t.Fatal(err)
			}
		})
	}
}
