package measure

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// Every system does a little work and delivers exactly once: what the benchmark is made of is whole. A server that
// is missing fails it; RQ, which make test installs on Debian and Ubuntu only, is left out where there is none.
func TestSystems(t *testing.T) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // of what stores warn is known
	s, err := newServers()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Config: Config{Phase: time.Millisecond}, servers: s, sized: map[string]sizes{}, run: &Run{}}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, e := range peer.All {
		t.Run(string(e.Store)+"/"+e.Name, func(t *testing.T) {
			if _, err := s.server(e.Store); err != nil {
				t.Fatal(err)
			}
			if _, _, err := peer.RQPython(t.Context()); err != nil && strings.HasPrefix(e.Name, "RQ") {
				t.Skip(err)
			}
			jobs := 200
			if e.Slow {
				jobs = 20
			}
			err := b.opened(t.Context(), e, func(s peer.System, _ string) error {
				c := cycle{enqueue: EnqueueBulk, drain: Drain100, concurrency: 100, bytes: small}
				if _, err := b.once(t.Context(), e, s, c, sizes{enqueue: jobs, drain: jobs}); err != nil {
					return err
				}
				if later, ok := s.(peer.Scheduler); ok {
					if err := later.EnqueueAt(t.Context(), work(0, 3, "x"), time.Now().Add(time.Hour)); err != nil {
						return err
					}
					if n, err := s.Left(t.Context()); err != nil || n != 3 {
						t.Errorf("of 3 jobs that are due later, %d are left, %v", n, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// A ledger finds what is lost, doubled and strange.
func TestLedger(t *testing.T) {
	for want, run := range map[string][]int64{
		"":                           {0, 1, 2},
		"1 of 3 jobs lost":           {0, 2},
		"1 run more than once":       {0, 1, 1, 2},
		"1 that nobody enqueued":     {0, 1, 2, 3},
		"2 run more than once, 1 th": {0, 0, 1, 2, 2, -1},
	} {
		l := newLedger(3)
		for _, n := range run {
			l.tick(n)
		}
		err := l.verify(3)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", run, err, want)
		}
	}
}

// What goes through the proxy arrives later by its delay each way, and the line is not narrower: many pieces are under
// way at a time.
func TestProxy(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		c, err := echo.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	}()
	const delay, size = 20 * time.Millisecond, 2 << 20 // at least 64 pieces
	p, err := newProxy(echo.Addr().String(), delay)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := net.Dial("tcp", p.addr()) //nolint:noctx // it returns at once
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(make([]byte, size))
		sent <- err
	}()
	if _, err := io.ReadFull(c, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 2*delay || took > 32*delay {
		t.Errorf("there and back took %v, with a delay of %v each way", took, delay)
	}
}
