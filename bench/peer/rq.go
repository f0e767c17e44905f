package peer

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// rqProgram enqueues on request, and works.
//
//go:embed rq.py
var rqProgram []byte

// RQPython returns a Python that has RQ, and RQ's version, or what to install.
func RQPython(ctx context.Context) (python, version string, err error) {
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		out, err := exec.CommandContext(ctx, python, "-c", "import redis, rq; print(rq.VERSION + ', redis-py ' + redis.__version__)").Output()
		if err == nil {
			return python, strings.TrimSpace(string(out)), nil
		}
	}
	return "", "", errors.New("no Python with RQ: install Debian's packages python3-rq and python3-redis")
}

// rqs is Python's RQ in processes of its own. A worker process takes one job at a time.
type rqs struct {
	python, dir, url, kind string
	raw                    *redis.Client

	mu  sync.Mutex // one request at a time
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func openRQSimple(ctx context.Context, url string) (System, error) { return openRQ(ctx, url, "simple") }
func openRQFork(ctx context.Context, url string) (System, error)   { return openRQ(ctx, url, "fork") }

func openRQ(ctx context.Context, url, kind string) (_ System, err error) {
	s := &rqs{url: url, kind: kind}
	if s.python, _, err = RQPython(ctx); err != nil {
		return nil, err
	}
	opt, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	s.raw = redis.NewClient(opt)
	if s.dir, err = os.MkdirTemp("", "errand-bench-rq-"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "errand_bench_rq.py"), rqProgram, 0o600); err != nil {
		return nil, err
	}
	s.cmd = s.command("enqueue")
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	return s, s.cmd.Start()
}

func (s *rqs) command(verb string) *exec.Cmd {
	cmd := exec.Command(s.python, "-m", "errand_bench_rq", verb, s.url, s.kind) //nolint:noctx // stop and Close end it
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PYTHONPATH="+s.dir, "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

func (s *rqs) Enqueue(ctx context.Context, job Job) error { return s.EnqueueMany(ctx, []Job{job}) }

// EnqueueMany sends the jobs to the Python process; the pipe's time is small beside RQ's.
func (s *rqs) EnqueueMany(_ context.Context, jobs []Job) error {
	line, err := json.Marshal(jobs)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		return err
	}
	reply, err := s.out.ReadString('\n')
	if err != nil || reply != "ok\n" {
		return fmt.Errorf("RQ: %q, %w", reply, err)
	}
	return nil
}

// Work starts one worker process, whatever the concurrency. It writes the number of each job that it runs to a pipe.
func (s *rqs) Work(_ context.Context, _ int, run func(n int64)) (func() error, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := s.command("work")
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, r.Close(), w.Close())
	}
	_ = w.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var number [8]byte
		for {
			if _, err := io.ReadFull(r, number[:]); err != nil {
				return // the process has ended
			}
			run(int64(binary.LittleEndian.Uint64(number[:])))
		}
	}()
	return func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return err
		}
		err := cmd.Wait()
		<-done
		return errors.Join(err, r.Close())
	}, nil
}

func (s *rqs) Left(ctx context.Context) (int, error) {
	pipe := s.raw.Pipeline()
	waiting, running := pipe.LLen(ctx, "rq:queue:"+queue), pipe.ZCard(ctx, "rq:wip:"+queue)
	_, err := pipe.Exec(ctx)
	return int(waiting.Val() + running.Val()), err
}

func (s *rqs) Close() error {
	return errors.Join(s.in.Close(), s.cmd.Wait(), s.raw.Close(), os.RemoveAll(s.dir))
}
