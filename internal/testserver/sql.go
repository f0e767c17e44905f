package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// Run runs the tests of a package, for its TestMain, and then stops the servers that its tests have shared.
func Run(m *testing.M) int {
	defer func() {
		shared.Lock()
		defer shared.Unlock()
		for _, s := range shared.servers {
			for _, n := range s.nodes {
				n.kill()
			}
			_ = os.RemoveAll(s.dir)
		}
	}()
	return m.Run()
}

// shared are the servers that live as long as the test binary, by kind.
var shared struct {
	sync.Mutex
	servers map[string]*sqlServer
}

// sqlServer is a server with its directory.
type sqlServer struct {
	Server
	dir string
}

// share returns the server of a kind that the tests of this binary share, started by the first of them.
func share(tb TB, kind string, make func(tb TB) *sqlServer) *Server {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	s := shared.servers[kind]
	if s == nil {
		s = make(tb)
		s.Restart()
		if shared.servers == nil {
			shared.servers = map[string]*sqlServer{}
		}
		shared.servers[kind] = s
	}
	return &Server{URL: s.URL, Addrs: s.Addrs, tb: tb} // no nodes: it is not the test's own
}

// own starts a server for one test.
func own(tb TB, make func(tb TB) *sqlServer) *Server {
	tb.Helper()
	s := make(tb)
	tb.Cleanup(func() {
		if err := os.RemoveAll(s.dir); err != nil {
			tb.Error(err)
		}
	})
	s.launch()
	return &s.Server
}

// dataDir makes a directory that the user may write to, and returns what precedes a command that is run as that user:
// database servers refuse to be run by root.
func dataDir(tb TB, users ...string) (dir string, as []string) {
	tb.Helper()
	dir, err := os.MkdirTemp("", "errand-test-")
	if err != nil {
		tb.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return dir, nil
	}
	for _, name := range append(users, "nobody") {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			tb.Fatal(err)
		}
		setpriv := lookup(tb, "setpriv", "util-linux")
		// It takes the place of setpriv; the change of user would end what dieWithParent asked for.
		return dir, []string{setpriv, "--reuid", account.Uid, "--regid", account.Gid, "--clear-groups", "--pdeathsig", "KILL", "--"}
	}
	tb.Fatalf("run by root, and none of the users %v exists that could run the server", users)
	return "", nil
}

// run runs a command to its end.
func run(tb TB, words ...string) {
	tb.Helper()
	cmd := exec.Command(words[0], words[1:]...) //nolint:noctx // it ends by itself
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %v\n%s", words, err, out)
	}
}

// deserted waits until no process works in the directory any more: the children of a killed server end a moment later,
// and until then it cannot be started again. Where the system does not tell, it returns at once.
func deserted(dir string) error {
	return await(func() error {
		links, err := filepath.Glob("/proc/[0-9]*/cwd")
		if err != nil {
			return err
		}
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil && target == dir {
				return fmt.Errorf("%s still works in %s", filepath.Dir(link), dir)
			}
		}
		return nil
	})
}
