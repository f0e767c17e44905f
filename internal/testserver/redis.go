package testserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// RedisVariable names the environment variable with the URL of a Redis server to use in place of a private one.
const RedisVariable = "ERRAND_TEST_REDIS_URL"

// Redis starts a Redis server. Options are those of its command line, as in "--appendonly", "yes"; with any, the server is
// a private one in any case.
func Redis(tb TB, options ...string) *Server {
	tb.Helper()
	if url := os.Getenv(RedisVariable); url != "" && len(options) == 0 {
		return &Server{URL: url, tb: tb}
	}
	s := &Server{tb: tb}
	s.addRedis(options...)
	s.URL = "redis://" + s.Addrs[0]
	s.launch()
	return s
}

// redisServer finds the server's program. Debian's redis-tools has it under another name, without a service of its own: it
// goes by the name under which it is called.
func redisServer(tb TB) string {
	tb.Helper()
	if path, err := exec.LookPath("redis-server"); err == nil {
		return path
	}
	link := filepath.Join(tb.TempDir(), "redis-server")
	if err := os.Symlink(lookup(tb, "redis-check-rdb", "redis-tools"), link); err != nil {
		tb.Fatal(err)
	}
	return link
}

// addRedis adds a node, which is not started yet.
func (s *Server) addRedis(options ...string) {
	s.tb.Helper()
	ports := freePorts(s.tb, 1)
	addr := "127.0.0.1:" + ports[0]
	dir := s.tb.TempDir()
	args := []string{
		"--port", ports[0], "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--daemonize", "no", "--protected-mode", "no",
		"--maxmemory-policy", "noeviction",
	}
	s.Addrs = append(s.Addrs, addr)
	s.nodes = append(s.nodes, &node{
		program: redisServer(s.tb), args: append(args, options...), out: filepath.Join(dir, "log"),
		ready: func() error {
			reply, err := askRedis(addr, "PING")
			if err == nil && reply != "PONG" && !strings.HasPrefix(reply, "NOAUTH") {
				err = errors.New(reply)
			}
			return err
		},
	})
}

// askRedis sends one command and returns its reply as text.
func askRedis(addr string, words ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", strings.Join(words, " ")); err != nil {
		return "", err
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line[0] != '$' {
		return strings.TrimLeft(line, "+-:"), nil
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(r, text)
	return string(text), err
}
