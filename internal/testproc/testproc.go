// Package testproc lets a test run parts of itself in other processes, which can be killed: it starts the test binary
// again, in a mode given by an environment variable.
//
//	func TestMain(m *testing.M) {
//		testproc.Main(map[string]func(args []string) error{"worker": runWorker})
//		os.Exit(m.Run())
//	}
//
//	p, err := testproc.Start("worker", dir)
//	...
//	line := <-p.Lines // what it prints to its standard output
//	p.Kill()
package testproc

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

const variable = "ERRAND_TESTPROC_MODE"

// Main does nothing in the test's own process. In one that Start made it runs the mode and exits: with status 0, or 1
// after an error, which it prints. The process also ends when the one that started it has.
func Main(modes map[string]func(args []string) error) {
	name := os.Getenv(variable)
	if name == "" {
		return
	}
	run, ok := modes[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "testproc: no mode %q\n", name)
		os.Exit(2)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // open as long as the parent lives
		os.Exit(3)
	}()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "testproc: %s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Proc is a process that Start made.
type Proc struct {
	// Lines gets what the process prints to its standard output, line by line. It is closed when that ends. Read it, or
	// the process may block.
	Lines <-chan string

	cmd   *exec.Cmd
	stdin io.Closer
	wait  func() error
}

// Start starts this binary again in a mode. What it prints to its standard error goes to that of this process. The
// caller ends it with Kill or Wait.
func Start(mode string, args ...string) (*Proc, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...) // it is this binary; Kill ends it
	cmd.Env = append(os.Environ(), variable+"="+mode)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := make(chan string, 1024)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(lines)
		for scan := bufio.NewScanner(stdout); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	wait := sync.OnceValue(func() error {
		<-read // before Wait, which closes the pipe
		return cmd.Wait()
	})
	return &Proc{Lines: lines, cmd: cmd, stdin: stdin, wait: wait}, nil
}

// Kill kills the process as kill -9 does, drops the lines that were not read, and waits for its end. It may be repeated.
func (p *Proc) Kill() {
	_ = p.cmd.Process.Kill()
	for range p.Lines { // they are dropped
	}
	_ = p.wait()
}

// Signal sends the process a signal.
func (p *Proc) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// PID is the process's number.
func (p *Proc) PID() int { return p.cmd.Process.Pid }

// Wait waits until the process has ended by itself, and returns an error when its exit status is not 0. Somebody must
// read Lines meanwhile.
func (p *Proc) Wait() error { return p.wait() }
