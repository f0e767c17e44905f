package errand_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

type sealed struct{ secret int }

type outer struct {
	Name  string
	Inner sealed
}

type dated struct {
	When time.Time
	Raw  json.RawMessage
	self *dated //nolint:unused // unexported fields beside exported ones are the user's choice
}

func TestBadEnqueuesNameTheThingAndStoreNothing(t *testing.T) {
	st := memory.New()
	q := errand.NewQueue(st, "q")
	ctx := t.Context()
	nothing := func(context.Context, any) error { return nil }
	task := errand.DefineFunc("task", nothing)
	enqueue := func(v any, opts ...errand.Option) error {
		_, err := task.Enqueue(ctx, q, v, opts...)
		return err
	}
	on := func(q *errand.Queue) error { _, err := task.Enqueue(ctx, q, 1); return err }
	named := func(name string) error {
		_, err := errand.DefineFunc(name, nothing).Enqueue(ctx, q, 1)
		return err
	}
	var nilCtx context.Context
	_, errNilCtx := task.Enqueue(nilCtx, q, 1)
	_, errMany := task.EnqueueMany(ctx, q, []any{1, make(chan int)})
	var typed sync.Mutex
	for name, c := range map[string]struct {
		err  error
		is   error
		want string
	}{
		"queue with a space": {on(errand.NewQueue(st, "my queue")), errand.ErrInvalid, `queue name "my queue"`},
		"empty queue name":   {on(errand.NewQueue(st, "")), errand.ErrInvalid, "queue name is empty"},
		"long queue name":    {on(errand.NewQueue(st, strings.Repeat("x", 129))), errand.ErrInvalid, "129 characters"},
		"nil queue":          {on(nil), errand.ErrInvalid, "queue is nil"},
		"nil store":          {on(errand.NewQueue(nil, "q")), errand.ErrInvalid, "store is nil"},
		"task name":          {named("täsk"), errand.ErrInvalid, "task name"},
		"nil context":        {errNilCtx, errand.ErrInvalid, "context is nil"},
		"2 MiB":              {enqueue(strings.Repeat("x", 2<<20)), errand.ErrPayloadTooLarge, "the limit is 1048576"},
		"channel":            {enqueue(make(chan int)), errand.ErrEncode, "chan int"},
		"function":           {enqueue(func() {}), errand.ErrEncode, "func()"},
		"not a number":       {enqueue(math.NaN()), errand.ErrEncode, "NaN"},
		"database handle":    {enqueue(&sql.DB{}), errand.ErrEncode, "sql.DB"},
		"unexported only":    {enqueue(sealed{1}), errand.ErrEncode, "errand_test.sealed"},
		"deep inside":        {enqueue([]map[string]*outer{}), errand.ErrEncode, "errand_test.sealed"},
		"mutex":              {enqueue(&typed), errand.ErrEncode, "sync.Mutex"},
		"one of many":        {errMany, errand.ErrEncode, "value 1"},
		"priority":           {enqueue(1, errand.Priority(10)), errand.ErrInvalid, "Priority(10)"},
		"negative delay":     {enqueue(1, errand.In(-1)), errand.ErrInvalid, "In(-1ns)"},
		"far future":         {enqueue(1, errand.At(time.Unix(1<<40, 0))), errand.ErrInvalid, "At("},
		"dependency":         {enqueue(1, errand.DependsOn("7")), errand.ErrInvalid, `DependsOn("7")`},
		"retries":            {enqueue(1, errand.Retry(-1, errand.Fixed(0))), errand.ErrInvalid, "Retry(-1)"},
		"exponential":        {enqueue(1, errand.Retry(1, errand.Exponential(2, 1))), errand.ErrInvalid, "below the base"},
		"no delays":          {enqueue(1, errand.Retry(1, errand.Delays())), errand.ErrInvalid, "Delays"},
		"nil option":         {enqueue(1, nil), errand.ErrInvalid, "option is nil"},
		"nil codec":          {enqueue(1, errand.WithCodec(nil)), errand.ErrInvalid, "WithCodec"},
		"no transactions":    {on(q.WithTx(&sql.Tx{})), errand.ErrTxUnsupported, "without WithTx"},
		"nil transaction":    {on(q.WithTx(nil)), errand.ErrInvalid, "WithTx(nil)"},
	} {
		if !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v, want %v with %q", name, c.err, c.is, c.want)
		}
	}
	if page := must(st.Jobs(ctx, errand.JobFilter{}))(t); len(page.Jobs) != 0 {
		t.Errorf("%d jobs were stored", len(page.Jobs))
	}
	for _, fine := range []any{nil, 1, "s", struct{}{}, dated{}, []any{1, "a"}, strings.Repeat("x", 1<<20-2)} {
		if err := enqueue(fine); err != nil {
			t.Errorf("%.40v: %v", fine, err)
		}
	}
}

func TestDuplicateNamesTheFirst(t *testing.T) {
	st := memory.New()
	q := errand.NewQueue(st, "q")
	task := errand.DefineFunc("task", func(context.Context, string) error { return nil })
	first := must(task.Enqueue(t.Context(), q, "x", errand.Unique(0)))(t)
	_, err := task.Enqueue(t.Context(), q, "x", errand.Unique(time.Hour))
	var dup *errand.DuplicateError
	if !errors.Is(err, errand.ErrDuplicate) || !errors.As(err, &dup) || dup.ID != first.ID {
		t.Errorf("got %v, want a DuplicateError with id %s", err, first.ID)
	}
	must(task.Enqueue(t.Context(), q, "y", errand.Unique(0)))(t)
	must(task.Enqueue(t.Context(), errand.NewQueue(st, "other"), "x", errand.Unique(0)))(t)
}

func TestEnqueueManyKeepsOrderAndSaysHowManyAreIn(t *testing.T) {
	st := memory.New()
	q := errand.NewQueue(st, "q")
	task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
	ins := make([]int, 1200)
	for i := range ins {
		ins[i] = i
	}
	hs := must(task.EnqueueMany(t.Context(), q, ins))(t)
	page := must(st.Jobs(t.Context(), errand.JobFilter{Limit: 1000}))(t)
	for i, job := range page.Jobs {
		if job.ID != hs[i].ID {
			t.Fatalf("job %d is out of order", i)
		}
	}
	st2 := &fullStore{Store: memory.New(), room: 1100}
	hs, err := task.EnqueueMany(t.Context(), errand.NewQueue(st2, "q"), ins)
	if err == nil || len(hs) != 1000 || !strings.Contains(err.Error(), "1000 of 1200 jobs are in") {
		t.Errorf("%d handles, %v", len(hs), err)
	}
}

// TestEnqueueManyStopsAtAChunkThatIsRefused proves that no chunk goes in after one that was refused.
func TestEnqueueManyStopsAtAChunkThatIsRefused(t *testing.T) {
	st := memory.New()
	q := errand.NewQueue(st, "q")
	task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
	must(task.Enqueue(t.Context(), q, 700, errand.Unique(0)))(t)
	ins := make([]int, 1500)
	for i := range ins {
		ins[i] = i
	}
	hs, err := task.EnqueueMany(t.Context(), q, ins, errand.Unique(0))
	if !errors.Is(err, errand.ErrDuplicate) || len(hs) != 500 || !strings.Contains(err.Error(), "500 of 1500 jobs are in") {
		t.Errorf("%d handles, %v", len(hs), err)
	}
	page := must(st.Jobs(t.Context(), errand.JobFilter{Limit: 1000}))(t)
	if len(page.Jobs) != 501 {
		t.Errorf("%d jobs are in, want the first chunk and the one that was there", len(page.Jobs))
	}
}

// fullStore takes a number of jobs and then no more.
type fullStore struct {
	errand.Store
	room int
}

var errFull = errors.New("full")

func (s *fullStore) Enqueue(ctx context.Context, req errand.EnqueueRequest) ([]error, error) {
	for _, g := range req.Groups {
		if s.room -= len(g); s.room < 0 {
			return nil, errFull
		}
	}
	return s.Store.Enqueue(ctx, req)
}

func TestCodecCanBeReplaced(t *testing.T) {
	st := memory.New()
	q := errand.NewQueue(st, "q")
	task := errand.Define("shout", func(_ context.Context, s string) (string, error) { return s + "!", nil },
		errand.WithCodec(upper{}))
	work(t, st, errand.WorkerConfig{}, task)
	h := must(task.Enqueue(t.Context(), q, "hello", errand.KeepResult(time.Hour)))(t)
	if got := must(h.Result(t.Context()))(t); got != "HELLO!" {
		t.Errorf("got %q", got)
	}
}

// upper is a codec that cannot be mistaken for JSON.
type upper struct{}

func (upper) Marshal(v any) ([]byte, error) { return []byte(strings.ToUpper(v.(string))), nil }
func (upper) Unmarshal(data []byte, v any) error {
	*v.(*string) = string(data)
	return nil
}

func TestBigIntegersStayIntact(t *testing.T) {
	for in, v := range map[string]any{
		`9007199254740993`:          new(any),
		`{"v":9007199254740993}`:    new(map[string]any),
		`{"V":9007199254740993}`:    new(struct{ V any }),
		`[[9007199254740993.0001]]`: new([][]any),
	} {
		if err := errand.JSON.Unmarshal([]byte(in), v); err != nil {
			t.Fatal(err)
		}
		if out := must(errand.JSON.Marshal(v))(t); string(out) != in {
			t.Errorf("%s came back as %s", in, out)
		}
	}
	if err := errand.JSON.Unmarshal([]byte(`1 2`), new(any)); err == nil {
		t.Error("data after the value was not noticed")
	}
}

// TestQueueIsSharedWithTransactions: one goroutine binds a queue to transactions while others enqueue through it.
func TestQueueIsSharedWithTransactions(t *testing.T) {
	q := errand.NewQueue(memory.New(), "q")
	task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for n := range 100 {
				if _, err := task.Enqueue(t.Context(), q, n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range 100 {
			if _, err := task.Enqueue(t.Context(), q.WithTx(&sql.Tx{}), n); !errors.Is(err, errand.ErrTxUnsupported) {
				t.Errorf("the memory store: %v", err)
			}
		}
	})
	wg.Wait()
}
