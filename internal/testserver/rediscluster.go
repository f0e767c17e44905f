package testserver

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

const (
	clusterPrimaries = 3
	clusterSlots     = 16384
)

// RedisCluster starts three Redis servers that are a cluster, and returns when it serves every slot.
func RedisCluster(tb TB, options ...string) *Server {
	tb.Helper()
	return newCluster(tb, clusterPrimaries, append([]string{"--cluster-node-timeout", "5000"}, options...))
}

// RedisClusterReplicated starts a cluster of three primaries and a replica of each, which takes over a second after its
// primary has fallen silent. Node i+3 is at first the replica of node i. When nodes are killed or started, call
// [Server.AwaitCluster] to wait until all is well.
func RedisClusterReplicated(tb TB, options ...string) *Server {
	tb.Helper()
	s := newCluster(tb, 2*clusterPrimaries, append([]string{"--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"}, options...))
	for i := range clusterPrimaries {
		s.mustAsk(clusterPrimaries+i, "CLUSTER", "REPLICATE", s.Ask(i, "CLUSTER", "MYID"))
	}
	s.whole = nil // a node alone may be missed
	for i := clusterPrimaries; i < len(s.Addrs); i++ {
		if err := await(func() error { return s.follows(i) }); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// AwaitCluster waits until every slot is served, as all nodes that live see it.
func (s *Server) AwaitCluster() {
	s.tb.Helper()
	if err := await(func() error { return s.served(len(s.Addrs)) }); err != nil {
		s.tb.Fatal(err)
	}
}

// SlotNode returns which of a cluster's first primaries has a key.
func (s *Server) SlotNode(key string) int {
	s.tb.Helper()
	slot, err := strconv.Atoi(s.Ask(0, "CLUSTER", "KEYSLOT", key))
	if err != nil {
		s.tb.Fatal(err)
	}
	for i := range clusterPrimaries {
		if slot < (i+1)*clusterSlots/clusterPrimaries {
			return i
		}
	}
	s.tb.Fatalf("slot %d", slot)
	return 0
}

// AwaitReplica waits until the replica of a primary has confirmed all that the primary had written when this was called:
// none of that can be lost with the primary.
func (s *Server) AwaitReplica(primary int) {
	s.tb.Helper()
	written := replicationOffset(s.Ask(primary, "INFO", "replication"), "master_repl_offset:")
	err := await(func() error {
		info, err := askRedis(s.Addrs[primary], "INFO", "replication")
		if err != nil {
			return err
		}
		if _, rest, _ := strings.Cut(info, "slave0:"); replicationOffset(rest, "offset=") < written {
			return fmt.Errorf("the replica has not got all: %s", info)
		}
		return nil
	})
	if err != nil {
		s.tb.Fatal(err)
	}
}

func replicationOffset(info, name string) int64 {
	_, rest, _ := strings.Cut(info, name)
	n, err := strconv.ParseInt(rest[:strings.IndexFunc(rest+",", func(r rune) bool { return r < '0' || r > '9' })], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// newCluster starts nodes, of which the first ones are primaries and share the slots.
func newCluster(tb TB, nodes int, options []string) *Server {
	tb.Helper()
	s := &Server{tb: tb}
	for range nodes {
		bus := freePorts(tb, 1)[0]
		s.addRedis(append([]string{"--cluster-enabled", "yes", "--cluster-port", bus}, options...)...)
	}
	s.URL = "redis://" + strings.Join(s.Addrs, ",")
	s.launch()
	for i := range s.Addrs {
		s.mustAsk(i, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for i := range clusterPrimaries {
		s.mustAsk(i, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*clusterSlots/clusterPrimaries), strconv.Itoa((i+1)*clusterSlots/clusterPrimaries-1))
	}
	host, port, _ := net.SplitHostPort(s.Addrs[0])
	bus := s.nodes[0].args[slices.Index(s.nodes[0].args, "--cluster-port")+1]
	for i := 1; i < nodes; i++ {
		s.mustAsk(i, "CLUSTER", "MEET", host, port, bus)
	}
	s.whole = func() error { return s.served(nodes) }
	s.awaitWhole()
	return s
}

func (s *Server) mustAsk(node int, words ...string) {
	s.tb.Helper()
	if reply, err := askRedis(s.Addrs[node], words...); err != nil || reply != "OK" {
		s.tb.Fatalf("%s: %s, %v", strings.Join(words, " "), reply, err)
	}
}

// served is nil when every node that lives knows so many and says that every slot is served.
func (s *Server) served(nodes int) error {
	for i, addr := range s.Addrs {
		if !s.nodes[i].lives() {
			continue
		}
		info, err := askRedis(addr, "CLUSTER", "INFO")
		if err == nil && (!strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", nodes))) {
			err = errors.New(info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// follows is nil when a node is a replica that has all of its primary's data.
func (s *Server) follows(node int) error {
	info, err := askRedis(s.Addrs[node], "INFO", "replication")
	if err == nil && !strings.Contains(info, "master_link_status:up") {
		err = errors.New(info)
	}
	return err
}
