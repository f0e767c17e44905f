package testserver

import (
	"net"
	"net/url"
	"sync"
)

// Relay returns the URL of the same server behind a relay, which hands each connection, and the one to the server that belongs
// to it, to pass. A connection ends when pass returns. The relay ends with the test.
func Relay(tb TB, server string, pass func(near, far net.Conn)) string {
	tb.Helper()
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	to := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		tb.Fatal(err)
	}
	var busy sync.WaitGroup
	busy.Go(func() {
		for near, err := l.Accept(); err == nil; near, err = l.Accept() {
			busy.Go(func() {
				defer near.Close()
				if far, err := net.Dial("tcp", to); err == nil { //nolint:noctx // a server of this machine
					defer far.Close()
					pass(near, far)
				}
			})
		}
	})
	tb.Cleanup(func() {
		_ = l.Close()
		busy.Wait()
	})
	u.Host = l.Addr().String()
	return u.String()
}
