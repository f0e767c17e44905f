package testserver

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
)

// freePorts returns ports of the loopback interface that nobody has and that nobody gets until the test ends, but for the
// server that is told to listen there.
//
// They are not of those that the system gives to connections: one of these may be taken while a server is prepared or is
// down, as by a client that tries to reach it.
func freePorts(tb TB, n int) []string {
	tb.Helper()
	low := firstEphemeral()
	const least = 10_000
	var ports []string
	for try := 0; len(ports) < n && try < 1000; try++ {
		port := least + rand.N(low-least)
		hold, err := reserve(port)
		if err != nil {
			continue // somebody has it
		}
		tb.Cleanup(func() { _ = syscall.Close(hold) })
		ports = append(ports, strconv.Itoa(port))
	}
	if len(ports) < n {
		tb.Fatalf("of the ports from %d to %d none is free", least, low)
	}
	return ports
}

// firstEphemeral returns the first of the ports that the system gives to connections.
func firstEphemeral() int {
	const usual = 32768
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return usual
	}
	var low int
	if _, err := fmt.Sscan(string(text), &low); err != nil || low < 11_000 {
		return usual
	}
	return low
}

// reserve binds a socket to a port, without listening. Nobody else can reserve it so; a server, which allows others the
// address, can listen there.
func reserve(port int) (socket int, err error) {
	socket, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = syscall.Bind(socket, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	if err == nil { // only now: before, it would have shared the port with somebody
		err = syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}
	if err != nil {
		_ = syscall.Close(socket)
		return -1, err
	}
	return socket, nil
}
