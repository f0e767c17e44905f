package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

// enqueueFlags are the options of a job, as flags.
type enqueueFlags struct {
	queue      string
	in         time.Duration
	at         string
	priority   int
	unique     time.Duration
	dependsOn  []string
	retry      int
	backoff    string
	timeout    time.Duration
	keepResult time.Duration
	unchecked  bool
}

func (s *session) enqueueCommand() *cobra.Command {
	var flags enqueueFlags
	cmd := &cobra.Command{
		Use:   "enqueue TASK JSON",
		Short: s.t("Add a job"),
		Long: s.t("Add a job that calls TASK with the value that JSON stands for; with - in place of JSON, it is read from standard input. " +
			"The job's id is printed.\n\nWhere this program knows the task, the value is checked against the task's type, and the " +
			"task's own options hold unless a flag says otherwise."),
		Example: s.example(`enqueue square 12`, `enqueue send '{"to":"ann@example.com"}' --queue mail --priority 9`,
			`enqueue report '"2026-01"' --in 10m --retry 5 --backoff 10s..1h`, `enqueue import - --queue data <rows.json`),
		Args: argsNamed(2, 2, s.t("a task and its JSON value")),
	}
	f := cmd.Flags()
	f.StringVarP(&flags.queue, "queue", "q", s.queues()[0], s.t("the `QUEUE` to add it to"))
	f.DurationVar(&flags.in, "in", 0, s.t("run it no sooner than after `D`, such as 10m"))
	f.StringVar(&flags.at, "at", "", s.t("run it no sooner than at `TIME`: 2026-01-31T15:04:05Z, or '2026-01-31 15:04' in local time"))
	f.IntVarP(&flags.priority, "priority", "p", 0, s.t("`N` from 0 to 9; the higher goes first"))
	f.DurationVar(&flags.unique, "unique", 0, s.t("refuse it while the same job is alive, for `D` at most (0: until that one is final)"))
	f.StringSliceVar(&flags.dependsOn, "depends-on", nil, s.t("run it after the jobs with these `IDS`"))
	f.IntVar(&flags.retry, "retry", 0, s.t("run it again after a failure, at most `N` times"))
	f.StringVar(&flags.backoff, "backoff", "1s..1h", s.t("wait `D` before each retry; 10s..1h doubles up to 1h; 1s,5s,30s lists them"))
	f.DurationVar(&flags.timeout, "timeout", 0, s.t("end an attempt after `D` (0: the worker's default; negative: never)"))
	f.DurationVar(&flags.keepResult, "keep-result", 0, s.t("keep the finished job and its result for `D`"))
	f.BoolVar(&flags.unchecked, "unchecked", false, s.t("take a task that this program does not know"))
	cmd.ValidArgsFunction = first(s.taskNames())
	complete(cmd, "queue", s.queueNames(false))
	complete(cmd, "depends-on", s.jobIDs(errand.StateStarted, errand.StateQueued, errand.StateScheduled, errand.StateDeferred))
	cmd.RunE = s.does(func(ctx context.Context, args []string) error {
		opts, err := flags.options(f.Changed)
		if err != nil {
			return err
		}
		return s.enqueue(ctx, args[0], args[1], &flags, opts)
	})
	return cmd
}

// options turns the flags that were given into a job's options.
func (f *enqueueFlags) options(given func(name string) bool) ([]errand.Option, error) {
	var opts []errand.Option
	if given("in") && given("at") {
		return nil, misuse("use one of --in and --at")
	}
	if given("backoff") && !given("retry") {
		return nil, misuse("--backoff needs --retry N")
	}
	if given("in") {
		opts = append(opts, errand.In(f.in))
	}
	if given("at") {
		at, err := parseTime(f.at)
		if err != nil {
			return nil, err
		}
		opts = append(opts, errand.At(at))
	}
	if given("priority") {
		opts = append(opts, errand.Priority(f.priority))
	}
	if given("unique") {
		opts = append(opts, errand.Unique(f.unique))
	}
	if len(f.dependsOn) > 0 {
		opts = append(opts, errand.DependsOn(f.dependsOn...))
	}
	if given("retry") {
		backoff, err := parseBackoff(f.backoff)
		if err != nil {
			return nil, err
		}
		opts = append(opts, errand.Retry(f.retry, backoff))
	}
	if given("timeout") {
		opts = append(opts, errand.Timeout(f.timeout))
	}
	if given("keep-result") {
		opts = append(opts, errand.KeepResult(f.keepResult))
	}
	return opts, nil
}

func parseTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, misuse("--at %q: use 2026-01-31T15:04:05Z or '2026-01-31 15:04'", text)
}

// parseBackoff reads "10s", "10s..1h" or "1s,5s,30s".
func parseBackoff(text string) (errand.Backoff, error) {
	bad := func(err error) (errand.Backoff, error) {
		return errand.Backoff{}, misuse("--backoff %q: %v: use 10s, 10s..1h or 1s,5s,30s", text, err)
	}
	if first, last, ok := strings.Cut(text, ".."); ok {
		base, err := time.ParseDuration(first)
		if err != nil {
			return bad(err)
		}
		limit, err := time.ParseDuration(last)
		if err != nil {
			return bad(err)
		}
		return errand.Exponential(base, limit), nil
	}
	var delays []time.Duration
	for part := range strings.SplitSeq(text, ",") {
		d, err := time.ParseDuration(strings.TrimSpace(part))
		if err != nil {
			return bad(err)
		}
		delays = append(delays, d)
	}
	if len(delays) == 1 {
		return errand.Fixed(delays[0]), nil
	}
	return errand.Delays(delays...), nil
}

func (s *session) enqueue(ctx context.Context, taskName, value string, flags *enqueueFlags, opts []errand.Option) error {
	if err := errand.CheckName("task", taskName); err != nil {
		return err
	}
	if err := errand.CheckName("queue", flags.queue); err != nil {
		return err
	}
	payload, err := s.payload(ctx, value)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.app.Tasks, func(t errand.AnyTask) bool { return t.Name() == taskName })
	if i < 0 {
		if err := s.checkUnknown(taskName, payload, flags.unchecked); err != nil {
			return err
		}
	}
	if compact := new(bytes.Buffer); json.Compact(compact, payload) == nil {
		payload = compact.Bytes() // as Go writes it, so that --unique finds what a program has enqueued
	}
	return s.withStore(ctx, func(st errand.Store, _ time.Time) error {
		q := errand.NewQueue(st, flags.queue)
		var id string
		if i >= 0 {
			id, err = s.app.Tasks[i].EnqueuePayload(ctx, q, payload, opts...)
		} else {
			id, err = q.EnqueuePayload(ctx, taskName, payload, opts...)
		}
		if err != nil {
			return err
		}
		s.record(ctx, st, "enqueue", "job "+id, 1)
		if s.json {
			return s.out.printJSON(wire.Enqueued{ID: id, Queue: flags.queue, Task: taskName})
		}
		s.out.printf("%s\n", id)
		return nil
	})
}

// payload returns the value as the command line gives it.
func (s *session) payload(ctx context.Context, value string) ([]byte, error) {
	if value != "-" {
		return []byte(value), nil
	}
	payload, err := untilDone(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(s.in, 64<<20+1)) })
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return bytes.TrimSpace(payload), nil
}

// checkUnknown checks what can be checked of a job whose task this program does not have.
func (s *session) checkUnknown(taskName string, payload []byte, unchecked bool) error {
	if len(s.app.Tasks) > 0 && !unchecked {
		return misuse("task %q is none of this program's (%s): --unchecked enqueues it all the same",
			taskName, strings.Join(taskNames(s.app.Tasks), ", "))
	}
	var value json.RawMessage // a number may be longer than Go's
	if err := json.Unmarshal(payload, &value); err != nil {
		return misuse("the value for %s is not JSON: %v: write a string as '\"text\"', an object as '{\"to\":\"ann\"}'", taskName, err)
	}
	return nil
}

func taskNames(tasks []errand.AnyTask) []string {
	var names []string
	for _, t := range tasks {
		names = append(names, t.Name())
	}
	return names
}
