// Package testserver starts private servers for tests and measurements, from the programs that are installed: on free ports of the loopback
// interface, with data in temporary directories. They are stopped when the test ends, and die with its process.
//
// A test fails, and is not skipped, where the program is missing. An environment variable per kind names a server that
// exists already, which is then used instead.
package testserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// TB is what starting a server needs of a test. A testing.TB is one; the benchmarks' program has its own.
type TB interface {
	Helper()
	Error(args ...any)
	Fatal(args ...any) // does not return
	Fatalf(format string, args ...any)
	Cleanup(func())
	TempDir() string
}

// Server is a server, or several that belong together.
type Server struct {
	URL   string   // to open it by
	Addrs []string // host and port of each of its nodes

	tb    TB
	nodes []*node
	whole func() error // nil when the nodes serve together; nil: each by itself does
}

// node is one process of a server.
type node struct {
	program string
	args    []string
	ready   func() error // nil when it serves
	before  func() error // waits until it may be started again; nil: at once

	mu  sync.Mutex
	cmd *exec.Cmd
	out string // the file of what it prints
}

// startTimeout is how long a server may take to serve.
const startTimeout = 2 * time.Minute

// Private reports whether the server is the test's own, so that it can be killed and restarted.
func (s *Server) Private() bool { return len(s.nodes) > 0 }

// PIDs returns the processes of a private server's nodes, without the children that they have.
func (s *Server) PIDs() []int {
	var ids []int
	for _, n := range s.nodes {
		n.mu.Lock()
		if n.cmd != nil && n.cmd.Process != nil {
			ids = append(ids, n.cmd.Process.Pid)
		}
		n.mu.Unlock()
	}
	return ids
}

// Kill ends every node as kill -9 does.
func (s *Server) Kill() {
	s.tb.Helper()
	if !s.Private() {
		s.tb.Fatal("the server is not the test's own")
	}
	for _, n := range s.nodes {
		n.kill()
	}
}

// KillNode ends one node as kill -9 does, and StartNode starts it again on its address and data and returns when it serves.
func (s *Server) KillNode(i int) { s.nodes[i].kill() }

// StartNode is the reverse of KillNode.
func (s *Server) StartNode(i int) {
	s.tb.Helper()
	if err := errors.Join(s.nodes[i].start(), s.nodes[i].await()); err != nil {
		s.tb.Fatal(err)
	}
	s.awaitWhole()
}

// Signal sends a signal to every node, as to stop it and have it go on.
func (s *Server) Signal(sig os.Signal) {
	s.tb.Helper()
	for _, n := range s.nodes {
		n.mu.Lock()
		err := n.cmd.Process.Signal(sig)
		n.mu.Unlock()
		if err != nil {
			s.tb.Fatal(err)
		}
	}
}

// Ask sends a command to a Redis server and returns its reply as text, which may be an error's.
func (s *Server) Ask(node int, words ...string) string {
	s.tb.Helper()
	var reply string
	err := await(func() (err error) { // a server that changes its role cuts connections
		reply, err = askRedis(s.Addrs[node], words...)
		return err
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	return reply
}

// Restart starts the nodes again, on the same addresses and data, and returns when they serve.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	for _, n := range s.nodes {
		if err := n.start(); err != nil {
			s.tb.Fatal(err)
		}
	}
	for _, n := range s.nodes {
		if err := n.await(); err != nil {
			s.tb.Fatal(err)
		}
	}
	s.awaitWhole()
}

func (s *Server) awaitWhole() {
	s.tb.Helper()
	if s.whole == nil {
		return
	}
	if err := await(s.whole); err != nil {
		s.tb.Fatal(err)
	}
}

// launch starts the nodes and has them stopped when the test ends.
func (s *Server) launch() {
	s.tb.Helper()
	s.tb.Cleanup(func() {
		for _, n := range s.nodes {
			n.kill()
		}
	})
	s.Restart()
}

func (n *node) start() error {
	out, err := os.OpenFile(n.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if n.before != nil {
		if err := n.before(); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cmd = exec.Command(n.program, n.args...) //nolint:noctx // kill ends it
	n.cmd.Stdout, n.cmd.Stderr = out, out
	dieWithParent(n.cmd)
	return n.cmd.Start()
}

func (n *node) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil || n.cmd.Process == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
	n.cmd = nil
}

func (n *node) lives() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd != nil
}

// await waits until the node serves.
func (n *node) await() error {
	return await(func() error {
		if err := n.ready(); err != nil {
			printed, _ := os.ReadFile(n.out)
			return fmt.Errorf("%s does not serve: %w\n%s", n.program, err, printed[max(0, len(printed)-4000):])
		}
		return nil
	})
}

// await tries again and again until there is no error, or for too long.
func await(try func() error) error {
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for deadline := time.Now().Add(startTimeout); ; <-pause.C {
		if err := try(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// lookup finds an installed program, or fails the test with the name of Debian's package.
func lookup(tb TB, program, debian string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		tb.Fatalf("%s is not installed: install Debian's package %s (apt-get install %s)", program, debian, debian)
	}
	return path
}
