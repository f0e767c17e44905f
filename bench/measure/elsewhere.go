package measure

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// childVariable has what a child is told, as JSON.
const childVariable = "ERRAND_BENCH_CHILD"

// order is what a child is told.
type order struct {
	Store       peer.Store
	System      string
	URL         string
	Concurrency int
	Hang        bool // jobs do not return
}

// ready is what a child writes in place of a job's number when it has opened its store.
const ready = -1

// Child runs a worker if this process was started to be one, and reports whether it was. It begins with the first byte of
// its standard input and ends with that, and writes the number of each job that it runs to its standard output.
func Child(ctx context.Context) (bool, error) {
	text := os.Getenv(childVariable)
	if text == "" {
		return false, nil
	}
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return true, err
	}
	e, err := peer.Find(o.Store, o.System)
	if err != nil {
		return true, err
	}
	s, err := e.Open(ctx, o.URL)
	if err != nil {
		return true, err
	}
	numbers := make(chan int64, 1<<16)
	written := make(chan error, 1)
	go func() { written <- writeNumbers(os.Stdout, numbers) }()
	numbers <- ready
	_, _ = os.Stdin.Read(make([]byte, 1))
	stop, err := s.Work(ctx, o.Concurrency, func(n int64) {
		numbers <- n
		if o.Hang {
			select {}
		}
	})
	if err == nil {
		_, _ = io.Copy(io.Discard, os.Stdin)
		err = stop()
	}
	close(numbers)
	return true, errors.Join(err, <-written, s.Close())
}

// writeNumbers writes at once when it has written all, and what has gathered meanwhile together.
func writeNumbers(w io.Writer, numbers <-chan int64) error {
	out := bufio.NewWriter(w)
	for n := range numbers {
		if err := binary.Write(out, binary.LittleEndian, n); err != nil {
			return err
		}
		if len(numbers) == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// elsewhere is a system whose workers are processes of their own.
type elsewhere struct {
	peer.System
	order
	processes int
	children  []*child
}

// away makes a system's workers processes of their own.
func away(s peer.System, e peer.Entry, url string, processes int) *elsewhere {
	return &elsewhere{System: s, order: order{Store: e.Store, System: e.Name, URL: url}, processes: processes}
}

// Work starts the processes, and their workers when all are there: so that none works while others start, which costs the
// processors as much as some thousand jobs.
func (w *elsewhere) Work(ctx context.Context, concurrency int, run func(n int64)) (func() error, error) {
	w.Concurrency = concurrency
	w.children = nil
	stop := func() error {
		var errs []error
		for _, c := range w.children {
			errs = append(errs, c.stop())
		}
		return errors.Join(errs...)
	}
	for range w.processes {
		c, err := startChild(ctx, w.order, run)
		if err != nil {
			return nil, errors.Join(err, stop())
		}
		w.children = append(w.children, c)
	}
	for _, c := range w.children {
		select {
		case <-c.ready:
		case <-c.done:
			return nil, errors.Join(fmt.Errorf("a worker of %s ended at once", w.order.System), stop())
		}
	}
	for _, c := range w.children {
		if _, err := c.in.Write([]byte{1}); err != nil {
			return nil, errors.Join(err, stop())
		}
	}
	return stop, nil
}

// child is a worker process.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	ready chan struct{}
	done  chan struct{} // closed when it has ended
}

func startChild(ctx context.Context, o order, run func(n int64)) (*child, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, in: in, ready: make(chan struct{}), done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.done)
		r := bufio.NewReader(out)
		for {
			var number [8]byte
			if _, err := io.ReadFull(r, number[:]); err != nil {
				return
			}
			if n := int64(binary.LittleEndian.Uint64(number[:])); n == ready {
				close(c.ready)
			} else {
				run(n)
			}
		}
	}()
	return c, nil
}

func (c *child) stop() error {
	_ = c.in.Close()
	ended := make(chan error, 1)
	go func() {
		<-c.done
		ended <- c.cmd.Wait()
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Minute):
		_ = c.cmd.Process.Kill()
		return errors.Join(errors.New("a worker process did not stop within a minute"), <-ended)
	}
}

// kill ends the process as kill -9 does.
func (c *child) kill() error {
	if err := c.cmd.Process.Kill(); err != nil {
		return err
	}
	<-c.done
	_ = c.cmd.Wait() // it was killed; the pipe to it is closed now
	return nil
}
