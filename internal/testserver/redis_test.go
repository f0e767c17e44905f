package testserver_test

import (
	"net"
	"testing"

	"github.com/errandhq/errand/internal/testserver"
)

// A server serves, can be killed and started again, on the same address.
func TestRedis(t *testing.T) {
	s := testserver.Redis(t, "--appendonly", "yes")
	dial := func() error {
		conn, err := net.Dial("tcp", s.Addrs[0])
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	if err := dial(); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if dial() == nil {
		t.Fatal("a killed server serves")
	}
	s.Restart()
	if err := dial(); err != nil {
		t.Fatal(err)
	}
}

func TestRedisCluster(t *testing.T) {
	if s := testserver.RedisCluster(t); len(s.Addrs) != 3 || !s.Private() {
		t.Fatalf("cluster: %+v", s)
	}
}
