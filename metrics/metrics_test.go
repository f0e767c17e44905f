package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/metrics"
	"github.com/errandhq/errand/store/memory"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// watched counts the looks at a store, and fails when it is told to.
type watched struct {
	errand.Store
	looks atomic.Int64
	down  atomic.Bool
}

func (w *watched) Queues(ctx context.Context, now time.Time) ([]errand.QueueInfo, error) {
	w.looks.Add(1)
	if w.down.Load() {
		return nil, errors.New("down")
	}
	return w.Store.Queues(ctx, now)
}

// filled is a store with jobs in a number of queues, messages and a worker.
func filled(t *testing.T, queues int) (*watched, time.Time) {
	t.Helper()
	st := memory.New()
	t.Cleanup(func() { st.Close() })
	ctx := t.Context()
	now, err := st.Now(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range queues {
		spec := errand.JobSpec{ID: errand.NewID(), Queue: fmt.Sprintf("q%02d", i), Task: "t", Payload: []byte("1")}
		if _, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: now.Add(-time.Minute), Groups: [][]errand.JobSpec{{spec}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Put(ctx, errand.PutRequest{Now: now, Queue: "clicks", Messages: [][]byte{{1}, {2}}}); err != nil {
		t.Fatal(err)
	}
	if err := st.Heartbeat(ctx, errand.WorkerRecord{ID: "w", SeenAt: now, Every: time.Minute, Concurrency: 4, Running: []errand.RunningJob{{ID: "x", Stuck: true}}}); err != nil {
		t.Fatal(err)
	}
	return &watched{Store: st}, now
}

func scrape(c *metrics.Collector) string {
	w := httptest.NewRecorder()
	metrics.Handler(c).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text, _ := io.ReadAll(w.Result().Body)
	return string(text)
}

func expect(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

// TestMetrics proves that what is in a store is in the metrics, that they obey Prometheus's rules, and that a store that
// fails is shown as down and not as empty.
func TestMetrics(t *testing.T) {
	st, _ := filled(t, 2)
	text := scrape(metrics.New(st, metrics.Config{}))
	expect(t, text, `errand_up 1`, `errand_jobs{queue="q00",state="queued"} 1`, `errand_jobs{queue="q01",state="failed"} 0`, `errand_enqueued_total{queue="q00"} 1`,
		`errand_messages{queue="clicks"} 2`, `errand_messages_put_total{queue="clicks"} 2`, `errand_workers{status="alive"} 1`, `errand_workers{status="lost"} 0`,
		`errand_runners 4`, `errand_busy_runners 1`, `errand_stuck_runners 1`, `errand_queue_paused{queue="q00"} 0`)
	if !strings.Contains(text, `errand_oldest_waiting_seconds{queue="q00"} 6`) {
		t.Error("the oldest job has not waited for a minute")
	}
	problems, err := testutil.CollectAndLint(metrics.New(st, metrics.Config{}))
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	st.down.Store(true)
	if text := scrape(metrics.New(st, metrics.Config{})); !strings.Contains(text, "errand_up 0") || strings.Contains(text, "errand_jobs{") {
		t.Errorf("of a store that is down:\n%s", text)
	}
}

// TestScrapesShareOneLook proves that many scrapes, at once and by several handlers, cost one look at the store.
func TestScrapesShareOneLook(t *testing.T) {
	st, _ := filled(t, 1)
	c := metrics.New(st, metrics.Config{Every: time.Hour})
	done := make(chan string)
	for range 20 {
		go func() { done <- scrape(c) }()
	}
	for range 20 {
		if text := <-done; !strings.Contains(text, "errand_up 1") && !strings.Contains(text, "Limit of concurrent requests") {
			t.Errorf("a scrape: %s", text)
		}
	}
	if n := st.looks.Load(); n != 1 {
		t.Errorf("%d looks at the store, want 1", n)
	}
}

// TestLabelsAreBounded proves that many queues have no more metrics than they may, that their sums are right, and that the
// first keep their place.
func TestLabelsAreBounded(t *testing.T) {
	st, _ := filled(t, 10)
	text := scrape(metrics.New(st, metrics.Config{MaxQueues: 3}))
	expect(t, text, `errand_jobs{queue="q02",state="queued"} 1`, `errand_jobs{queue="*other*",state="queued"} 7`, `errand_enqueued_total{queue="*other*"} 7`)
	if strings.Contains(text, `queue="q03"`) {
		t.Error("a fourth queue has metrics of its own")
	}
}

// TestDurations proves that histograms grow by what workers report after the first look, however late within minutes, and
// by nothing twice.
func TestDurations(t *testing.T) {
	st, now := filled(t, 1)
	number := int64(0)
	report := func(at time.Time, task string, run time.Duration) {
		t.Helper()
		number++
		s := errand.Sample{Step: errand.FineStep, At: at.Truncate(errand.FineStep), Queue: "q00", Task: task, Finished: 1}
		s.Run.Add(run)
		s.Wait.Add(time.Millisecond)
		if err := st.RecordSeries(t.Context(), errand.SeriesReport{Now: now, Writer: "w", Number: number, Samples: []errand.Sample{s}}); err != nil {
			t.Fatal(err)
		}
	}
	c := metrics.New(st, metrics.Config{Every: time.Nanosecond, MaxTasks: 2})
	report(now, "a", time.Second) // before the first look
	scrape(c)
	report(now, "a", time.Second)
	report(now.Add(-2*time.Minute), "a", 3*time.Second) // late
	report(now, "b", time.Second)
	report(now, "c", time.Second) // has no place
	for range 3 {
		expect(t, scrape(c), `errand_job_run_seconds_count{queue="q00",task="a"} 2`, `errand_job_run_seconds_sum{queue="q00",task="a"} 4`,
			`errand_job_run_seconds_bucket{queue="q00",task="a",le="1"} 1`, `errand_job_run_seconds_bucket{queue="q00",task="a",le="5"} 2`,
			`errand_attempts_total{outcome="finished",queue="q00",task="b"} 1`, `errand_job_wait_seconds_count{queue="*other*",task="*other*"} 1`)
	}
}

var _ prometheus.Collector = (*metrics.Collector)(nil)
