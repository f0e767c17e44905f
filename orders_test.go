package errand_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// record returns the only worker's record.
func record(t *testing.T, st errand.Store) errand.WorkerRecord {
	t.Helper()
	recs := must(st.Workers(t.Context()))(t)
	if len(recs) != 1 {
		t.Fatalf("%d workers", len(recs))
	}
	return recs[0]
}

func order(t *testing.T, st errand.Store, w *errand.Worker, o errand.Order) {
	t.Helper()
	if err := st.Order(t.Context(), must(st.Now(t.Context()))(t), w.ID(), o); err != nil {
		t.Fatal(err)
	}
}

// A worker that is ordered to be quiet finishes what runs, gives back what it has not begun, claims nothing and says so;
// ordered to resume it goes on.
func TestQuietAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		q := errand.NewQueue(st, "q")
		var ran atomic.Int32
		task := errand.DefineFunc("task", func(_ context.Context, n int) error {
			time.Sleep(time.Duration(n) * time.Second)
			ran.Add(1)
			return nil
		})
		w, _ := work(t, st, errand.WorkerConfig{Concurrency: 1}, task)
		must(task.Enqueue(t.Context(), q, 60))(t)
		synctest.Wait()
		must(task.EnqueueMany(t.Context(), q, []int{1, 1, 1}))(t)
		synctest.Wait()
		order(t, st, w, errand.OrderQuiet)
		synctest.Wait() // it is woken up: no time passes
		if rec := record(t, st); !rec.Quiet || rec.Stopping || rec.Held != 1 {
			t.Fatalf("record: %+v", rec)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if rec := record(t, st); ran.Load() != 1 || !rec.Quiet || rec.Held != 0 {
			t.Fatalf("%d jobs ran, record %+v", ran.Load(), rec)
		}
		order(t, st, w, errand.OrderResume)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if rec := record(t, st); ran.Load() != 4 || rec.Quiet {
			t.Errorf("%d jobs ran, record %+v", ran.Load(), rec)
		}
	})
}

// An idle worker that is ordered to be quiet claims nothing that comes then.
func TestQuietWhileIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		task := errand.DefineFunc("task", func(context.Context, int) error { return nil })
		w, stop := work(t, st, errand.WorkerConfig{}, task)
		synctest.Wait()
		order(t, st, w, errand.OrderQuiet)
		time.Sleep(2 * time.Second)
		h := must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		time.Sleep(time.Minute)
		if job := must(h.Job(t.Context()))(t); job.State != errand.StateQueued || job.Token != 0 {
			t.Errorf("the job is %v, and was claimed %d times", job.State, job.Token)
		}
		if err := stop(); err != nil { // a quiet worker stops as others do
			t.Error(err)
		}
	})
}

// An order to stop is the first signal: what runs finishes, Run returns, and the record is gone, with the order.
func TestStopOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		finished := false
		task := errand.DefineFunc("task", func(context.Context, int) error {
			time.Sleep(10 * time.Second)
			finished = true
			return nil
		})
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"q"}, Logger: quiet})
		w.Register(task)
		done := make(chan error, 1)
		run := func() { go func() { done <- w.Run(t.Context()) }() }
		run()
		must(task.Enqueue(t.Context(), errand.NewQueue(st, "q"), 1))(t)
		synctest.Wait()
		order(t, st, w, errand.OrderStop)
		synctest.Wait()
		if rec := record(t, st); !rec.Stopping || rec.Held != 1 {
			t.Errorf("record: %+v", rec)
		}
		if err := <-done; err != nil || !finished {
			t.Errorf("Run: %v, the job finished: %v", err, finished)
		}
		if recs := must(st.Workers(t.Context()))(t); len(recs) > 0 {
			t.Errorf("%d records are left", len(recs))
		}
		run() // the order went with the record
		time.Sleep(time.Minute)
		if rec := record(t, st); rec.Stopping {
			t.Errorf("the next run stops too: %+v", rec)
		}
		order(t, st, w, errand.OrderStop)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// mute is a store that a worker's goodbye does not reach at first.
type mute struct {
	*memory.Store
	deaf bool
}

func (m *mute) Heartbeat(ctx context.Context, rec errand.WorkerRecord) error {
	if rec.Gone && m.deaf {
		m.deaf = false
		return errand.ErrUnavailable
	}
	return m.Store.Heartbeat(ctx, rec)
}

// An order to stop that outlived a run, because the store did not hear of its end, does not stop the next.
func TestStopOrderIsOfOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &mute{Store: memory.New(), deaf: true}
		w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"q"}, Logger: quiet})
		w.Register(errand.DefineFunc("task", func(context.Context, int) error { return nil }))
		done := make(chan error, 1)
		go func() { done <- w.Run(t.Context()) }()
		synctest.Wait()
		order(t, st, w, errand.OrderStop)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if rec := record(t, st); rec.ID != w.ID() {
			t.Fatalf("the record that was to be left is of %s", rec.ID)
		}
		ctx, stop := context.WithCancel(t.Context())
		go func() { done <- w.Run(ctx) }()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if rec := record(t, st); rec.Stopping {
			t.Errorf("the next run stops too: %+v", rec)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// counting counts what an idle worker asks, and wakes it up as often as a test likes.
type counting struct {
	*memory.Store
	calls, orders atomic.Int64
	wake          chan struct{}
}

func (c *counting) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	c.calls.Add(1)
	return c.Store.Claim(ctx, req)
}

func (c *counting) Maintain(ctx context.Context, req errand.MaintainRequest) (errand.MaintainReply, error) {
	c.calls.Add(1)
	return c.Store.Maintain(ctx, req)
}

func (c *counting) Heartbeat(ctx context.Context, rec errand.WorkerRecord) error {
	c.calls.Add(1)
	return c.Store.Heartbeat(ctx, rec)
}

func (c *counting) Queues(ctx context.Context, now time.Time) ([]errand.QueueInfo, error) {
	c.calls.Add(1)
	return c.Store.Queues(ctx, now)
}

func (c *counting) RecordSeries(ctx context.Context, report errand.SeriesReport) error {
	c.calls.Add(1)
	return c.Store.RecordSeries(ctx, report)
}

func (c *counting) Orders(ctx context.Context, worker string) (errand.Orders, error) {
	c.calls.Add(1)
	c.orders.Add(1)
	return c.Store.Orders(ctx, worker)
}

func (c *counting) Subscribe(topics ...errand.Topic) (<-chan struct{}, func()) {
	if len(topics) == 1 && topics[0][0] == 'w' {
		return c.wake, func() {}
	}
	return c.Store.Subscribe(topics...)
}

// An idle worker asks little, also when it is woken up all the time: less than two requests a second in all.
func TestIdleWorkerAsksLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &counting{Store: memory.New(), wake: make(chan struct{}, 1)}
		_, stop := work(t, st, errand.WorkerConfig{}, errand.DefineFunc("task", func(context.Context, int) error { return nil }))
		synctest.Wait()
		const span = 100
		before := st.calls.Load()
		time.Sleep(span * time.Second)
		if n := st.calls.Load() - before; n > span {
			t.Errorf("%d requests in %d seconds", n, span)
		}
		before, orders := st.calls.Load(), st.orders.Load()
		for range span * 50 {
			st.wake <- struct{}{}
			time.Sleep(time.Second / 50)
		}
		if n := st.calls.Load() - before; n > 2*span {
			t.Errorf("woken up 50 times a second: %d requests in %d seconds", n, span)
		}
		if n := st.orders.Load() - orders; n < span/2 {
			t.Errorf("woken up all the time it looked for orders %d times in %d seconds", n, span)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

type parameters struct {
	To string `json:"to"`
}

// A worker's record says how much memory it has; its tasks' schemas are sent once, and not with every record.
func TestRecordHasMemoryAndSchemas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &schemaCounter{Store: memory.New()}
		typed := errand.DefineFunc("typed", func(context.Context, parameters) error { return nil })
		raw := errand.DefineFunc("raw", func(context.Context, []byte) error { return nil }, errand.WithCodec(plain{}))
		work(t, st, errand.WorkerConfig{}, typed, raw)
		time.Sleep(time.Minute)
		synctest.Wait()
		recs := must(st.Workers(t.Context()))(t)
		if len(recs) != 1 || recs[0].Memory <= 0 || recs[0].Schemas != nil {
			t.Errorf("records: %+v", recs)
		}
		schemas := must(st.Schemas(t.Context()))(t)
		const want = `{"properties":{"to":{"type":"string"}},"required":["to"],"type":"object"}`
		if len(schemas) != 1 || string(schemas["typed"]) != want {
			t.Errorf("schemas: %s", schemas)
		}
		if st.with != 1 || st.without < 5 {
			t.Errorf("%d records with schemas and %d without", st.with, st.without)
		}
	})
}

type schemaCounter struct {
	*memory.Store
	with, without int
}

func (c *schemaCounter) Heartbeat(ctx context.Context, rec errand.WorkerRecord) error {
	if rec.Schemas != nil {
		c.with++
	} else if !rec.Gone {
		c.without++
	}
	return c.Store.Heartbeat(ctx, rec)
}

// plain is a codec of bytes.
type plain struct{}

func (plain) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (plain) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
