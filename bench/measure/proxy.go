package measure

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// proxy passes connections on and delivers everything some time later, without limiting how much is under way: a network
// that is longer, not narrower.
type proxy struct {
	to    string
	delay time.Duration // each way
	l     net.Listener
	wg    sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// newProxy listens on a port of the loopback interface.
func newProxy(to string, delay time.Duration) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		return nil, err
	}
	p := &proxy{to: to, delay: delay, l: l}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.l.Addr().String() }

// close ends all connections.
func (p *proxy) close() error {
	err := p.l.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
	return err
}

func (p *proxy) accept() {
	for {
		from, err := p.l.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.to) //nolint:noctx // close ends it
		if err != nil {
			_ = from.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, from, to)
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(to, from) })
		p.wg.Go(func() { p.pass(from, to) })
	}
}

// piece is what was read at once.
type piece struct {
	data []byte
	due  time.Time
}

// pass copies one direction. The channel is the length of the line: many pieces are under way at a time.
func (p *proxy) pass(to io.WriteCloser, from io.Reader) {
	line := make(chan piece, 1<<14)
	p.wg.Go(func() {
		defer to.Close()
		if err := deliver(to, line); err != nil {
			for range line { // the reader must not be stopped
			}
		}
	})
	defer close(line)
	for {
		data := make([]byte, 32<<10)
		n, err := from.Read(data)
		if n > 0 {
			line <- piece{data[:n], time.Now().Add(p.delay)}
		}
		if err != nil {
			return
		}
	}
}

// deliver writes the pieces of a line, each when it is due.
func deliver(to io.Writer, line <-chan piece) error {
	a, err := newAlarm()
	if err != nil {
		return err
	}
	defer a.close()
	for next := range line {
		if err := a.sleep(time.Until(next.due)); err != nil {
			return err
		}
		if _, err := to.Write(next.data); err != nil {
			return err
		}
	}
	return nil
}

// trips is how many round trips are made to see how long one takes.
const trips = 200

// roundTrip is how long a round trip through a proxy takes, half of the times.
func roundTrip(delay time.Duration) (median time.Duration, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		return 0, err
	}
	p, err := newProxy(l.Addr().String(), delay)
	if err != nil {
		return 0, errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, p.close(), l.Close()) }()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = io.Copy(conn, conn)
			_ = conn.Close()
		}
	}()
	conn, err := net.Dial("tcp", p.addr()) //nolint:noctx // of this machine
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	took := make([]time.Duration, trips)
	for i := range took {
		began := time.Now()
		sent := bytes.Repeat([]byte{byte(i)}, 1000)
		got := make([]byte, len(sent))
		if _, err := conn.Write(sent); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(conn, got); err != nil {
			return 0, err
		}
		if !bytes.Equal(sent, got) {
			return 0, errors.New("what came back through the proxy is not what was sent")
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[trips/2], nil
}
