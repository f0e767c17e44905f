//go:build !linux

package testserver

import (
	"net"
	"strconv"
)

// freePorts returns ports of the loopback interface that nobody listens on.
func freePorts(tb TB, n int) []string {
	tb.Helper()
	ports := make([]string, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
		if err != nil {
			tb.Fatal(err)
		}
		defer l.Close() // when all are found, so that they differ
		ports[i] = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
