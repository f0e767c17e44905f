package measure

import (
	"io"
	"net"
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
