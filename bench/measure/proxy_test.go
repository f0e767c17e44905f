package measure

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// TestProxyDelays proves that a round trip through a proxy takes as long as it says: never less, and where the machine lets
// it not much more.
func TestProxyDelays(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = io.Copy(conn, conn)
			_ = conn.Close()
		}
	}()
	const trip = time.Millisecond
	p, err := newProxy(l.Addr().String(), trip/2)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", p.addr()) //nolint:noctx // of this machine
	if err != nil {
		t.Fatal(err)
	}
	shortest := time.Hour
	for i := range 200 {
		sent := bytes.Repeat([]byte{byte(i)}, 1000)
		got := make([]byte, len(sent))
		began := time.Now()
		if _, err := conn.Write(sent); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(sent, got) {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
		shortest = min(shortest, time.Since(began))
	}
	if shortest < trip || shortest > trip*3/2 {
		t.Errorf("the shortest round trip took %v, want %v", shortest, trip)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
}
