package testserver

import (
	"net"
	"strconv"
	"testing"
)

// TestPortsAreHeld proves that a port is given to one only, that a server can listen on it, again and again, and that no
// connection gets it.
func TestPortsAreHeld(t *testing.T) {
	seen := map[string]bool{}
	for _, port := range freePorts(t, 100) {
		n, err := strconv.Atoi(port)
		if err != nil || n >= firstEphemeral() || seen[port] {
			t.Fatalf("port %s", port)
		}
		seen[port] = true
		if held, err := reserve(n); err == nil {
			t.Fatalf("port %d was given twice, as %d", n, held)
		}
		for range 2 {
			l, err := net.Listen("tcp", "127.0.0.1:"+port)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			t.Errorf("somebody listens at %s", conn.RemoteAddr())
		}
	}
}
