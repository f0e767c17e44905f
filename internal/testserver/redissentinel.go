package testserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// SentinelName is the name by which RedisSentinel's Sentinels know the primary.
const SentinelName = "mymaster"

// The nodes of RedisSentinel.
const (
	SentinelPrimary = 0 // at the start
	SentinelReplica = 1
)

// RedisSentinel starts a primary, a replica of it and three Sentinels that take a primary for dead when it has been silent
// for a second, and returns when they know each other. Addrs are those of the two servers and then of the Sentinels.
func RedisSentinel(tb TB, options ...string) *Server {
	tb.Helper()
	s := &Server{tb: tb}
	s.addRedis(options...)
	host, port, _ := net.SplitHostPort(s.Addrs[0])
	s.addRedis(append([]string{"--replicaof", host, port, "--repl-diskless-sync-delay", "0"}, options...)...)
	for range 3 {
		s.addSentinel(host, port)
	}
	s.URL = "redis-sentinel://" + strings.Join(s.Addrs[2:], ",") + "/" + SentinelName
	s.launch()
	for _, addr := range s.Addrs[2:] {
		err := await(func() error {
			info, err := askRedis(addr, "INFO", "sentinel")
			if err == nil && !strings.Contains(info, "status=ok") || !strings.Contains(info, "slaves=1,sentinels=3") {
				err = fmt.Errorf("%s: %w", info, errors.Join(errors.New("the Sentinels do not know everybody yet"), err))
			}
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := await(func() error { return s.follows(SentinelReplica) }); err != nil {
		tb.Fatal(err)
	}
	return s
}

// addSentinel adds a Sentinel that watches a primary. Sentinels keep what they learn in their file of settings.
func (s *Server) addSentinel(host, port string) {
	s.tb.Helper()
	own := freePorts(s.tb, 1)[0]
	addr, dir := "127.0.0.1:"+own, s.tb.TempDir()
	file := filepath.Join(dir, "sentinel.conf")
	settings := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nprotected-mode no\n"+
		"sentinel monitor %s %s %s 2\nsentinel down-after-milliseconds %s 1000\nsentinel failover-timeout %s 3000\n",
		own, dir, SentinelName, host, port, SentinelName, SentinelName)
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		s.tb.Fatal(err)
	}
	s.Addrs = append(s.Addrs, addr)
	s.nodes = append(s.nodes, &node{
		program: redisServer(s.tb), args: []string{file, "--sentinel"}, out: filepath.Join(dir, "log"),
		ready: func() error {
			reply, err := askRedis(addr, "PING")
			if err == nil && reply != "PONG" {
				err = errors.New(reply)
			}
			return err
		},
	})
}
