package store_test

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store"
)

func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	for _, url := range []string{"memory:", "sqlite:" + file, "sqlite:" + file + "?synchronous=normal", "sqlite:" + file + "?synchronous=FULL"} {
		st, err := store.Open(t.Context(), url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefusesAndKeepsThePassword(t *testing.T) {
	for url, want := range map[string]string{
		"":                                         "no scheme",
		"jobs.db":                                  "no scheme",
		"mysql://app:s3cret@127.0.0.1:1/x":         "127.0.0.1:1",
		"mysql://app:s3cret@127.0.0.1:1":           "names no database",
		"mysql://app:s3cret@h/x?tls=none-such":     "settings",
		"mysql:app:s3cret@tcp(h:1)/x":              "cannot be read",
		"app:s3cret@tcp(h:1)/x":                    "is not known",
		"postgres://app:s3cret@127.0.0.1:1/x":      "127.0.0.1:1",
		"postgresql://app:s3cret@h:x/x":            "cannot be read",
		"postgres://127.0.0.1:1/x?password=s3cret": "127.0.0.1:1",
		"postgres://h/x?schema=":                   "Schema",
		"memory:x":                                 "takes nothing",
		"sqlite:":                                  "names no file",
		"sqlite:x.db?synchronous=off":              "synchronous=full or normal",
		"sqlite:x.db?journal=wal":                  "journal=wal is not known",
		"sqlite:/no/such/directory/at/all/x.db":    "/no/such/directory/at/all",
		"http://:s3cret@h1:1,h2:2":                 "use one of memory:, sqlite:",
		"redis://u:s3cret%zz@h":                    "cannot be read",
		"redis-sentinel://:s3cret@h1,h2":           "name the primary",
		"redis://:s3cret@h1,h2/3":                  "a cluster has none",
		"rediss://:s3cret@h?x=s3cret":              "setting x is not known",
		"redis://:s3cret@h/x":                      "use a number",
	} {
		st, err := store.Open(t.Context(), url)
		if err == nil || st != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v, %v; want an error with %q and without the password", url, st, err, want)
		}
		unreachable := strings.HasPrefix(url, "sqlite:/no") || strings.Contains(want, "127.0.0.1")
		if !unreachable && !errors.Is(err, errand.ErrInvalid) || unreachable && !errors.Is(err, errand.ErrUnavailable) {
			t.Errorf("%q: %v is not of the right kind", url, err)
		}
	}
}

func TestMask(t *testing.T) {
	for url, want := range map[string]string{
		"sqlite:a@b.db":                         "sqlite:a@b.db",
		"postgres://u:s3cret@h/d":               "postgres://u:xxxxx@h/d",
		"postgres://h/d?password=s3cret&user=u": "postgres://h/d?password=xxxxx&user=u",
		"mysql://u:s3cret@h:1/d?tls=true":       "mysql://u:xxxxx@h:1/d?tls=true",
		"u:s3cret@tcp(h:1)/d":                   "xxxxx@tcp(h:1)/d",
		"mysql://u:s3%zz@cret@h/d":              "mysql://xxxxx@h/d",
	} {
		if got := store.Mask(url); got != want {
			t.Errorf("Mask(%q) is %q, want %q", url, got, want)
		}
	}
}

// TestOpenServers proves that the URLs of servers that are there open stores.
func TestOpenServers(t *testing.T) {
	for _, url := range []string{
		testserver.Postgres(t).URL + "&schema=other", strings.TrimSuffix(testserver.MariaDB(t).URL, "/") + "/mysql",
	} {
		st, err := store.Open(t.Context(), url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestServerThatHangsUp proves that a server which accepts connections and ends them, as one that is being stopped does, counts
// as one that is not there yet.
func TestServerThatHangsUp(t *testing.T) {
	for scheme, database := range map[string]string{"postgres": "/test?sslmode=disable", "mysql": "/test", "redis": "/0"} {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,reset=%v", scheme, reset), func(t *testing.T) {
				l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				var met atomic.Int64
				go func() {
					for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
						met.Add(1)
						if reset {
							_ = conn.(*net.TCPConn).SetLinger(0)
						}
						_ = conn.Close()
					}
				}()
				where := scheme + "://user@" + l.Addr().String() + database
				_, err = store.Open(t.Context(), where)
				if !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "wait=30s") {
					t.Errorf("Open: %v", err)
				}
				once := met.Load()
				mark := "?"
				if strings.Contains(where, "?") {
					mark = "&"
				}
				if _, err := store.Open(t.Context(), where+mark+"wait=300ms"); !errors.Is(err, errand.ErrUnavailable) || met.Load() < 2*once+1 {
					t.Errorf("Open that waits: %v, after %d connections, where one try takes %d", err, met.Load()-once, once)
				}
			})
		}
	}
}
