package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// kept is a store that outlives the command lines that close it.
type kept struct{ errand.Store }

func (kept) Close() error { return nil }

// shell runs command lines on one store in memory.
type shell struct {
	t  *testing.T
	st errand.Store
}

func newShell(t *testing.T) *shell {
	st := memory.New()
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return &shell{t, st}
}

// run returns what a command line prints on standard output and standard error, and its exit status.
func (sh *shell) run(args ...string) (stdout, stderr string, status int) {
	sh.t.Helper()
	var out, err bytes.Buffer
	s := newSession(App{Name: "errand"}, strings.NewReader(""), &out, &err)
	s.open = func(context.Context, string) (errand.Store, error) { return kept{sh.st}, nil }
	status = s.run(sh.t.Context(), append([]string{"--store", "memory:"}, args...))
	return out.String(), err.String(), status
}

// must is run for what must succeed.
func (sh *shell) must(args ...string) string {
	sh.t.Helper()
	stdout, stderr, status := sh.run(args...)
	if status != exitDone {
		sh.t.Fatalf("%q: exit status %d: %s", args, status, stderr)
	}
	return stdout
}

// hostile is text that a terminal should never see.
const hostile = "\x1b[2J\x1b]0;owned\x07\u009b31m\u202e\r\b<script>\nnext\x00line\xff"

// fill puts jobs in every state into the store, with hostile texts wherever texts are free, a lost worker and a hotqueue.
func (sh *shell) fill() (ids []string) {
	t, ctx := sh.t, sh.t.Context()
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	q := errand.NewQueue(sh.st, "mail")
	add := func(opts ...errand.Option) {
		id, err := q.EnqueuePayload(ctx, "send", []byte(`"`+hostile+`"`), opts...)
		check(err)
		ids = append(ids, id)
	}
	add(errand.KeepResult(time.Hour), errand.Priority(9))
	add(errand.Priority(8))
	add(errand.Priority(7))
	add(errand.Priority(6), errand.Retry(3, errand.Fixed(time.Hour)))
	now, err := sh.st.Now(ctx)
	check(err)
	worker := "host" + hostile
	reply, err := sh.st.Claim(ctx, errand.ClaimRequest{
		Now: now, Worker: worker, Number: 1, Queues: []string{"mail"}, Limit: 4, Lease: time.Hour, MaxRecoveries: 2,
	})
	check(err)
	outcome := func(i int, event errand.Event) errand.Outcome {
		job := reply.Jobs[i]
		rec := errand.AttemptRecord{Attempt: 1, Token: job.Token, Outcome: event, Worker: worker, StartedAt: now, EndedAt: now.Add(time.Second)}
		if event != errand.EventSucceeded {
			rec.Error, rec.Stack, rec.Chain = hostile, "goroutine 1"+hostile, []string{"*e: " + hostile, "*f: " + hostile}
			rec.Log = []string{hostile}
		}
		if event == errand.EventRetried {
			rec.RetryAt = now.Add(time.Hour)
		}
		return errand.Outcome{
			ID: job.ID, Queue: "mail", Token: job.Token, Event: event, At: now.Add(time.Hour), Keep: time.Hour,
			Result: []byte(hostile), Record: &rec,
		}
	}
	refusals, err := sh.st.Settle(ctx, errand.SettleRequest{Now: now.Add(time.Second), Worker: worker, Outcomes: []errand.Outcome{
		outcome(0, errand.EventSucceeded), outcome(1, errand.EventFailed), outcome(3, errand.EventRetried),
	}})
	check(err)
	for _, refusal := range refusals {
		check(refusal)
	}
	_, err = sh.st.Report(ctx, []errand.ProgressReport{{
		Lease:    errand.Lease{ID: reply.Jobs[2].ID, Queue: "mail", Token: reply.Jobs[2].Token},
		Progress: errand.Progress{Done: 3, Total: 4, Log: []string{hostile}, At: now},
	}})
	check(err)
	add()
	add(errand.DependsOn(ids[4]))
	add(errand.In(time.Hour))
	check(sh.st.Heartbeat(ctx, errand.WorkerRecord{
		ID: worker, Kind: "worker", Host: hostile, Queues: []string{"mail"}, Tasks: []string{"send"}, Concurrency: 10,
		StartedAt: now, SeenAt: now, Every: time.Hour,
		Running: []errand.RunningJob{{ID: ids[2], Queue: "mail", Task: "send", Attempt: 1, StartedAt: now, Stuck: true}},
	}))
	check(sh.st.Heartbeat(ctx, errand.WorkerRecord{
		ID: "gone" + hostile, Kind: "hotqueue", Queues: []string{"numbers"}, StartedAt: now.Add(-2 * time.Hour),
		SeenAt: now.Add(-time.Hour), Every: time.Second,
	}))
	check(sh.st.Put(ctx, errand.PutRequest{Now: now, Queue: "numbers", Messages: [][]byte{[]byte("1"), []byte("2")}}))
	return ids
}

// TestHostileTexts proves that no command prints a control character that came from a store, as text and as JSON.
func TestHostileTexts(t *testing.T) {
	sh := newShell(t)
	ids := sh.fill()
	lines := [][]string{{"info"}, {"queues"}, {"workers"}, {"jobs"}, {"jobs", "--ids"}}
	for _, id := range ids {
		lines = append(lines, []string{"job", id})
	}
	for _, line := range lines {
		for _, form := range []string{"--json=false", "--json"} {
			out := sh.must(append(line, form)...)
			if i := strings.IndexFunc(out, func(r rune) bool { return hidden(r) && r != '\n' && r != '\t' }); i >= 0 {
				t.Errorf("%q %s prints %q", line, form, out[i:min(len(out), i+10)])
			}
			if form == "--json" && !json.Valid([]byte(out)) {
				t.Errorf("%q %s prints no JSON: %s", line, form, out)
			}
		}
	}
}

// TestReports proves that the reports say what is in the store.
func TestReports(t *testing.T) {
	sh := newShell(t)
	ids := sh.fill()
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"info", []string{
			"queued 1 · started 1 · scheduled 2 · deferred 1 · failed 1 · finished 1", "2 messages", "oldest waits",
			"lost, last seen", "(parameter worker)", "stuck: its context has ended", "2 workers, 1 alive",
		}},
		{"queues", []string{"QUEUE", "mail", "HOTQUEUE", "numbers"}},
		{"workers", []string{"alive", "lost", "hotqueue", "1/10", ids[2]}},
		{"jobs --state started", []string{ids[2], "3 of 4 (75 %)"}},
		{"jobs --state failed", []string{ids[1], "<script>"}},
		{"jobs --state scheduled --newest", []string{ids[3], ids[6], "in 1h"}},
		{"job " + ids[0], []string{"finished", "Result", "kept for 1h", "priority", "succeeded"}},
		{"job " + ids[1], []string{"failed", "Payload", "errors, outermost first", "stack trace", "goroutine 1", "log"}},
		{"job " + ids[2], []string{"started", "lease", "Progress", "3 of 4 (75 %)"}},
		{"job " + ids[3], []string{"scheduled", "of at most 4, after 1h each", "retried at"}},
		{"job " + ids[5], []string{"deferred", "Depends on", ids[4], "queued (send in mail)"}},
	} {
		out := sh.must(strings.Fields(tt.line)...)
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tt.line, want, out)
			}
		}
	}
}

// TestPages proves that lists and changes go through more jobs than a page holds, each job once.
func TestPages(t *testing.T) {
	sh := newShell(t)
	const jobs = 2345
	q := errand.NewQueue(sh.st, "many")
	task := errand.DefineFunc("count", func(context.Context, int) error { return nil })
	values := make([]int, jobs)
	for i := range values {
		values[i] = i
	}
	if _, err := task.EnqueueMany(t.Context(), q, values); err != nil {
		t.Fatal(err)
	}
	ids := strings.Fields(sh.must("jobs", "--ids", "--limit", "5000"))
	seen := map[string]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	if len(ids) != jobs || len(seen) != jobs {
		t.Errorf("%d ids, %d of them different, want %d", len(ids), len(seen), jobs)
	}
	_, note, _ := sh.run("jobs", "--limit", "2")
	if !strings.Contains(note, "--cursor") {
		t.Errorf("nothing says how to go on: %q", note)
	}
	for _, tt := range []struct{ line, want string }{
		{"cancel --all --queue many --yes", "2,345 jobs canceled."},
		{"requeue --all --queue many --state canceled", "2,345 jobs requeued."},
		{"delete --all --task count --state queued --yes", "2,345 jobs deleted."},
	} {
		if out := sh.must(strings.Fields(tt.line)...); strings.TrimSpace(out) != tt.want {
			t.Errorf("%s: %q, want %q", tt.line, out, tt.want)
		}
	}
}

// TestMisuse proves that what makes no sense is refused with status 2 and a hint, and what fails with status 1.
func TestMisuse(t *testing.T) {
	sh := newShell(t)
	id := errand.NewID()
	for _, tt := range []struct {
		line   string
		status int
		want   string
	}{
		{"frobnicate", 2, "unknown command"},
		{"info --colour", 2, "unknown flag"},
		{"info now", 2, "takes no arguments"},
		{"job", 2, "needs the id of a job"},
		{"job 12", 2, "is not a job id"},
		{"job " + id, 1, "job not found"},
		{"jobs --state done", 2, "use one of"},
		{"jobs --queue a/b", 2, "use only letters"},
		{"jobs --limit 0", 2, "use 1 or more"},
		{"jobs --cursor nonsense", 2, "cursor"},
		{"enqueue", 2, "needs a task"},
		{"enqueue send {to:ann}", 2, "is not JSON"},
		{"enqueue a/b 1", 2, "use only letters"},
		{"enqueue send 1 --queue a/b", 2, "use only letters"},
		{"enqueue send 1 --priority 10", 2, "use 0 to 9"},
		{"enqueue send 1 --in -5s", 2, "use 0 to"},
		{"enqueue send 1 --in 5s --at 2026-01-01", 2, "one of --in and --at"},
		{"enqueue send 1 --at soon", 2, "--at"},
		{"enqueue send 1 --backoff 5s", 2, "needs --retry"},
		{"enqueue send 1 --retry 2 --backoff soon", 2, "use 10s"},
		{"enqueue send 1 --depends-on x", 2, "not a job id"},
		{"requeue", 2, "name jobs"},
		{"requeue --queue mail", 2, "say --all"},
		{"requeue --all " + id, 2, "not both"},
		{"requeue --all --queue mail", 1, "there is no queue"},
		{"requeue " + id, 1, "no job was requeued"},
		{"delete " + id, 2, "say --yes"},
		{"delete --yes " + id, 1, "no job was deleted"},
		{"empty mail", 1, "there is no queue"},
		{"empty mail --messages", 1, "there is no hotqueue"},
		{"empty a/b", 2, "use only letters"},
		{"pause a/b", 2, "use only letters"},
		{"worker", 2, "cli.Main(cli.App{"},
		{"worker mail", 2, "knows no tasks but the demo's"},
		{"worker demo --strategy fair", 2, "use one of"},
		{"worker demo --concurrency 0", 2, "leave it out"},
		{"worker demo --concurrency 20000", 2, "Concurrency"},
		{"worker demo --weight other=2", 2, "Weights"},
		{"worker demo --lease 1ms", 2, "Lease"},
		{"demo /nowhere/at/all", 2, "no such file"},
		{"demo --concurrency 0", 2, "use 1 or more"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			stdout, stderr, status := sh.run(strings.Fields(tt.line)...)
			if status != tt.status || !strings.Contains(stderr, tt.want) || !strings.Contains(stderr, "errand: ") {
				t.Errorf("exit status %d, want %d with %q:\n%s", status, tt.status, tt.want, stderr)
			}
			if stdout != "" {
				t.Errorf("standard output gets %q", stdout)
			}
			if hint := strings.Contains(stderr, "--help' for how to use it"); hint != (tt.status == exitMisused) {
				t.Errorf("exit status %d with\n%s", status, stderr)
			}
		})
	}
}

// TestLongPayload proves that a payload that is too long is refused in a few words, whatever it is.
func TestLongPayload(t *testing.T) {
	sh := newShell(t)
	for what, payload := range map[string]string{
		"number": strings.Repeat("1", 2<<20), "text": `"` + strings.Repeat("a", 2<<20) + `"`, "no JSON": strings.Repeat("x", 2<<20),
	} {
		_, stderr, status := sh.run("enqueue", "send", payload)
		if status == exitDone || len(stderr) > 1000 || !strings.Contains(stderr, "payload too large") && !strings.Contains(stderr, "is not JSON") {
			t.Errorf("%s: exit status %d, %.1000s", what, status, stderr)
		}
	}
	if out := sh.must("queues"); out != "No queues yet.\n" {
		t.Errorf("something is stored: %s", out)
	}
}

// TestHelp proves that every command has a help with an example, but version, which needs none.
func TestHelp(t *testing.T) {
	s := newSession(App{Name: "errand"}, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
	for _, cmd := range s.root().Commands() {
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" && cmd.Name() != "version" {
			t.Errorf("%s lacks a part of its help", cmd.Name())
		}
		sh := newShell(t)
		if out := sh.must("help", cmd.Name()); !strings.Contains(out, cmd.Use) && !strings.Contains(out, cmd.CommandPath()) {
			t.Errorf("help %s prints\n%s", cmd.Name(), out)
		}
	}
}

// TestHotQueueIsNotEmptiedByMistake proves that messages go only when they are named.
func TestHotQueueIsNotEmptiedByMistake(t *testing.T) {
	sh := newShell(t)
	sh.fill()
	_, stderr, status := sh.run("empty", "numbers", "--yes")
	if status != exitMisused || !strings.Contains(stderr, "--messages") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
	if _, stderr, status = sh.run("empty", "numbers", "--messages"); status != exitMisused || !strings.Contains(stderr, "--yes") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
	if out := sh.must("empty", "numbers", "--messages", "--yes"); out != "2 messages deleted.\n" {
		t.Errorf("%q", out)
	}
	if out := sh.must("empty", "mail", "--yes"); out != "4 jobs deleted.\n" {
		t.Errorf("%q", out)
	}
	if out := sh.must("empty", "mail", "--failed", "--yes", "--json"); strings.Join(strings.Fields(out), "") != `{"done":1,"skipped":0,"missing":0}` {
		t.Errorf("%q", out)
	}
}

// TestInterrupted proves that an interrupted command says so and fails.
func TestInterrupted(t *testing.T) {
	var out, stderr bytes.Buffer
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	s := newSession(App{Name: "errand"}, strings.NewReader(""), &out, &stderr)
	s.open = func(ctx context.Context, _ string) (errand.Store, error) {
		return nil, fmt.Errorf("open: %w", ctx.Err())
	}
	if status := s.run(ctx, []string{"--store", "memory:", "info"}); status != exitFailed || stderr.String() != "errand: interrupted\n" {
		t.Errorf("exit status %d, %q", status, stderr.String())
	}
}
