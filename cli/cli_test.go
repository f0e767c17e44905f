package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/rogpeppe/go-internal/testscript"
)

// office is a binary of a user's own, with tasks that end in every way and a parameter worker.
func office() App {
	return App{
		Name: "office", Version: "v1.2.3", Store: "sqlite:office.db", Queues: []string{"high", "default"},
		Tasks: []errand.AnyTask{
			errand.Define("square", func(_ context.Context, n int) (int, error) { return n * n, nil }),
			errand.DefineFunc("mail", func(_ context.Context, to struct{ To string }) error {
				return fmt.Errorf("send mail to %s: %w", to.To, &fs.PathError{Op: "connect", Path: "smtp", Err: errors.New("refused")})
			}),
			errand.DefineFunc("crash", func(context.Context, string) error {
				var none []int
				return fmt.Errorf("never: %d", none[0])
			}),
			errand.DefineFunc("wait", func(ctx context.Context, _ string) error {
				if job, ok := errand.JobFromContext(ctx); ok {
					job.Progress(3, 10)
					job.Logf("waiting")
				}
				<-ctx.Done()
				return context.Cause(ctx)
			}),
		},
		HotQueues: []func(errand.Store) hotqueue.Runner{func(st errand.Store) hotqueue.Runner {
			return hotqueue.Worker(hotqueue.New[int](st, "numbers"), func(_ context.Context, n int) error {
				if n < 0 {
					return fmt.Errorf("%d has no root", n)
				}
				return nil
			})
		}},
	}
}

// put is a program that puts numbers in the hotqueue of a database.
func put() {
	ctx := context.Background()
	st, err := newSession(App{}, nil, os.Stdout, os.Stderr).open(ctx, os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, arg := range os.Args[2:] {
		n, err := strconv.Atoi(arg)
		if err != nil {
			panic(err)
		}
		if err := hotqueue.New[int](st, "numbers").Put(ctx, n); err != nil {
			panic(err)
		}
	}
	if err := st.Close(); err != nil {
		panic(err)
	}
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"errand": func() { Main(App{Name: "errand", Version: "v1.2.3"}) },
		"office": func() { Main(office()) },
		"put":    put,
	})
}

// TestScripts runs the shell sessions in testdata/script: what each command prints, and how it exits.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("TZ", "UTC")
			env.Setenv("LC_ALL", "C.UTF-8")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each program lingers for a second under -race
			env.Setenv("ERRAND_STORE", "")
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/cache")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": scriptStatus,
			"id":     scriptID,
			"normal": scriptNormal,
			"until":  scriptUntil,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// scriptStatus is "status N program args...": the program must exit with status N.
func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

var uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// scriptID is "id NAME [n]": $NAME becomes the n-th job id, from 1, in the last program's output.
func scriptID(ts *testscript.TestScript, _ bool, args []string) {
	n := 1
	if len(args) > 1 {
		n, _ = strconv.Atoi(args[1])
	}
	ids := uuids.FindAllString(ts.ReadFile("stdout"), -1)
	if len(ids) < n {
		ts.Fatalf("no job id number %d in the output", n)
	}
	ts.Setenv(args[0], ids[n-1])
}

var normals = []struct {
	pattern *regexp.Regexp
	becomes string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d`), "TIME"},
	{regexp.MustCompile(`[\w.-]+:\d+:[0-9a-f]{6}\b`), "WORKER"},
	{regexp.MustCompile(`"who": "[^"]+@[^"]+"`), `"who": "WHO"`},
	{regexp.MustCompile(`"host": "[^"]*"`), `"host": "HOST"`},
	{regexp.MustCompile(`"(pid|memory_bytes)": \d+`), `"$1": 1`},
	{regexp.MustCompile(`"per_minute": [\d.e+-]+`), `"per_minute": 0`},
	{regexp.MustCompile(`"stack": "[^\n]*"`), `"stack": "STACK"`},
	{regexp.MustCompile(`"version": "[^"]*"`), `"version": "VERSION"`},
	{regexp.MustCompile(`(ran|for|waits|runs|up) +[\d.]+ ?(µs|ms|s|m)\b`), "$1 SPAN"},
	{regexp.MustCompile(`[\d.]+ ?(µs|ms|s|m) ago`), "SPAN ago"},
	{regexp.MustCompile(`"((?:p\d\d_|max_)?seconds|jobs_per_second|cpus|ran)": [\d.e+-]+`), `"$1": 1`},
	{regexp.MustCompile(`("name": "(?:enqueue|drain)-\w+",\s+"jobs": )\d+`), "${1}1"},
	{regexp.MustCompile(`SQLite 3\.[\d.]+`), "SQLite VERSION"},
	{regexp.MustCompile(`"go": "[^"]+"`), `"go": "GO"`},
	{regexp.MustCompile(`"errand": "[^"]+"`), `"errand": "(devel)"`},
	{regexp.MustCompile(`"system": "[^"]+"`), `"system": "SYSTEM"`},
	{regexp.MustCompile(`-?0001-01-01T00:00:00Z`), "NEVER"},
}

// scriptNormal is "normal FILE": the last program's output goes to FILE, with what differs from run to run made alike.
func scriptNormal(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile("stdout")
	seen := map[string]string{}
	text = uuids.ReplaceAllStringFunc(text, func(id string) string {
		if seen[id] == "" {
			seen[id] = fmt.Sprintf("ID%d", len(seen)+1)
		}
		return seen[id]
	})
	for _, n := range normals {
		text = n.pattern.ReplaceAllString(text, n.becomes)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// scriptUntil is "until PATTERN program args...": it runs the program until its output matches.
func scriptUntil(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	deadline := time.After(time.Minute)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		_ = ts.Exec(args[1], args[2:]...) // what it waits for may not be there yet
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("never matched %s", args[0])
		case <-again.C:
		}
	}
}
