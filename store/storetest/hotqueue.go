package storetest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
)

// hotqueueCases run package hotqueue on the store. They go by the store's own clock.
var hotqueueCases = []testCase{
	{name: "messages come back typed, in order, once", run: typedMessages},
	{name: "a queue of anything keeps strings, maps and big integers", run: func(k *kit) {
		things := hotqueue.New[any](k.st, "things")
		k.ok(things.Put(k.ctx, "text", map[string]any{"n": 9007199254740993}, nil, []int{1}))
		for _, want := range []string{`"text"`, `{"n":9007199254740993}`, `null`, `[1]`} {
			thing, err := things.Get(k.ctx, hotqueue.NoWait)
			k.ok(err)
			if got, err := errand.JSON.Marshal(thing); err != nil || string(got) != want {
				k.Errorf("got %s, want %s; %v", got, want, err)
			}
		}
	}},
	{name: "Get that finds nothing says so, at once or when its time is up", run: func(k *kit) {
		q := hotqueue.New[int](k.st, "empty")
		for _, opt := range []hotqueue.GetOption{hotqueue.NoWait, hotqueue.Wait(10 * time.Millisecond)} {
			if n, err := q.Get(k.ctx, opt); !errors.Is(err, hotqueue.ErrEmpty) {
				k.Errorf("got %v, %v, want ErrEmpty", n, err)
			}
		}
	}},
	{name: "Get waits for what another goroutine puts", run: func(k *kit) {
		ctx, cancel := context.WithTimeout(k.ctx, patience)
		defer cancel()
		q := hotqueue.New[int](k.st, "m")
		var wg sync.WaitGroup
		var got [8]int
		for i := range got {
			wg.Go(func() {
				n, err := q.Get(ctx)
				if err != nil {
					k.Error(err)
				}
				got[i] = n
			})
		}
		for n := range len(got) {
			k.ok(q.Put(ctx, n))
		}
		wg.Wait()
		slices.Sort(got[:])
		if got != [8]int{0, 1, 2, 3, 4, 5, 6, 7} {
			k.Errorf("got %v, want each once", got)
		}
	}},
	{name: "Consume yields what does not decode as an error and goes on", run: func(k *kit) {
		k.ok(hotqueue.New[any](k.st, "m").Put(k.ctx, 1, "two", 3))
		var got []int
		var failures int
		for n, err := range hotqueue.New[int](k.st, "m").Consume(k.ctx, hotqueue.NoWait) {
			if errors.Is(err, errand.ErrDecode) {
				failures++
				continue
			}
			k.ok(err)
			got = append(got, n)
		}
		if !slices.Equal(got, []int{1, 3}) || failures != 1 {
			k.Errorf("got %v and %d failures", got, failures)
		}
	}},
	{name: "a parameter whose call fails becomes a failed job, and runs again when requeued", run: failedParameter},
}

func typedMessages(k *kit) {
	type message struct {
		To   string
		Cc   []string
		When time.Time
	}
	q := hotqueue.New[message](k.st, "mail")
	want := []message{{To: "ada", When: k.now}, {To: "bob", Cc: []string{"漢字 😀"}}, {}}
	k.ok(q.Put(k.ctx, want[0]))
	k.ok(q.Put(k.ctx, want[1:]...))
	if n, err := q.Len(k.ctx); n != 3 || err != nil {
		k.Errorf("length %d, %v", n, err)
	}
	for i := range want {
		if got, err := q.Get(k.ctx); err != nil || !reflect.DeepEqual(got, want[i]) {
			k.Errorf("message %d: got %+v, want %+v; %v", i, got, want[i], err)
		}
	}
	k.ok(q.Put(k.ctx, want...))
	if n, err := q.Clear(k.ctx); n != 3 || err != nil {
		k.Errorf("cleared %d, %v", n, err)
	}
	if _, err := q.Get(k.ctx, hotqueue.NoWait); !errors.Is(err, hotqueue.ErrEmpty) {
		k.Errorf("after Clear: %v", err)
	}
}

func failedParameter(k *kit) {
	ctx, cancel := context.WithTimeout(k.ctx, patience)
	defer cancel()
	numbers := hotqueue.New[int](k.st, "numbers")
	called := make(chan int, 10)
	mended := make(chan struct{})
	worker := hotqueue.Worker(numbers, func(_ context.Context, n int) error {
		called <- n
		select {
		case <-mended:
			return nil
		default:
			panic("not yet")
		}
	}, hotqueue.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { k.ok(worker.Run(running)) })
	k.ok(numbers.Put(ctx, 7))
	k.called(ctx, called, 7)
	job := k.awaitFailed(ctx, "numbers")
	rec, _ := job.LastError()
	if !rec.Panic || !strings.Contains(rec.Error, "not yet") || rec.Stack == "" || string(job.Payload) != "7" || job.Task != hotqueue.TaskName("numbers") {
		k.Errorf("failed job: task %s, payload %s, record %+v", job.Task, job.Payload, rec)
	}
	close(mended)
	now, err := k.st.Now(ctx)
	k.ok(err)
	reply, err := k.st.Requeue(ctx, errand.Command{Now: now, IDs: []string{job.ID}})
	k.ok(err)
	k.all(reply, 1)
	k.called(ctx, called, 7)
	stop()
	wg.Wait()
	if jobs := k.list(errand.JobFilter{Queue: "numbers"}); len(jobs) > 0 {
		k.Errorf("%d jobs are left", len(jobs))
	}
}

func (k *kit) called(ctx context.Context, calls <-chan int, want int) {
	k.Helper()
	select {
	case n := <-calls:
		if n != want {
			k.Fatalf("called with %d, want %d", n, want)
		}
	case <-ctx.Done():
		k.Fatalf("not called within %v", patience)
	}
}

// awaitFailed waits for the one failed job of a queue.
func (k *kit) awaitFailed(ctx context.Context, queue string) *errand.Job {
	k.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		page, err := k.st.Jobs(ctx, errand.JobFilter{Queue: queue, State: errand.StateFailed})
		k.ok(err)
		if len(page.Jobs) == 1 {
			return page.Jobs[0]
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			k.Fatalf("no failed job within %v", patience)
		}
	}
}
