package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/web"
)

// goal is what the 95th percentile of each must not exceed.
const goal = 100 * time.Millisecond

// call is something to measure.
type call struct {
	method, path, body string
}

func measure(ctx context.Context, st errand.Store, f *filler, each int, load time.Duration, server *testserver.Server) error {
	h := web.New(st, web.Config{InsecureNoAuth: true, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	defer h.Close()
	if err := measureOpen(ctx, st, h, load, server); err != nil { // first: later, all failures are being counted
		return err
	}
	fmt.Println("| call | first ms | p50 ms | p95 ms | |\n|---|---|---|---|---|")
	deep, err := deepCursor(h)
	if err != nil {
		return err
	}
	for _, c := range calls(f, deep) {
		if err := measureCall(h, c, each); err != nil {
			return err
		}
	}
	return nil
}

// calls are every page, and the calls of the API, with the searches that are hard for a store.
func calls(f *filler, deep string) []call {
	var all []call
	for _, path := range []string{
		"/", "/queues", "/queues/queue-00", "/jobs", "/jobs?state=queued", "/jobs?state=queued&order=oldest", "/jobs?state=failed", "/jobs?state=scheduled&limit=200",
		"/jobs?" + deep, "/jobs?task=task.07", "/jobs?task=rare", "/jobs?state=failed&task=rare", "/jobs?queue=queue-39&state=failed", "/jobs?text=nothing-has-this",
		"/jobs?state=failed&text=customer", "/jobs?state=failed&group=nothing", "/jobs?state=failed&since=1h", "/jobs?id=" + f.big,
		"/jobs/" + f.big, "/failures", "/hotqueues", "/workers", "/audit", "/operations", "/enqueue", "/settings",
	} {
		all = append(all, call{http.MethodGet, path, ""})
	}
	for _, path := range []string{
		"overview", "queues", "queues/queue-00", "jobs?state=failed&limit=200", "jobs?" + deep, "jobs?task=rare", "jobs?text=nothing-has-this", "jobs/count?state=failed",
		"jobs/count?task=task.07", "jobs/" + f.big, "failures", "hotqueues", "workers", "tasks", "audit", "series?step_seconds=10&queue=queue-00", "series?step_seconds=300",
	} {
		all = append(all, call{http.MethodGet, "/api/v1/" + path, ""})
	}
	return append(all,
		call{http.MethodPost, "/api/v1/queues/queue-01/jobs", `{"task":"task.01","payload":{"customer":1}}`},
		call{http.MethodPost, "/api/v1/jobs/requeue", `{"ids":["` + f.big + `"]}`},
		call{http.MethodPatch, "/api/v1/queues/queue-02", `{"paused":false}`},
		call{http.MethodGet, "/readyz", ""},
	)
}

func ask(h http.Handler, c call) *httptest.ResponseRecorder {
	r := httptest.NewRequest(c.method, "http://localhost"+c.path, strings.NewReader(c.body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// deepCursor is where the hundredth page of queued jobs goes on.
func deepCursor(h http.Handler) (string, error) {
	cursor := ""
	for range 100 {
		w := ask(h, call{http.MethodGet, "/api/v1/jobs?state=queued&limit=200&cursor=" + url.QueryEscape(cursor), ""})
		var page struct {
			Next string `json:"next_cursor"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK {
			return "", fmt.Errorf("a page of jobs: %d: %w", w.Code, err)
		}
		if page.Next == "" {
			break // there are not so many
		}
		cursor = page.Next
	}
	return "state=queued&cursor=" + url.QueryEscape(cursor), nil
}

func measureCall(h http.Handler, c call, each int) error {
	var took []time.Duration
	for range each {
		start := time.Now()
		w := ask(h, c)
		d := time.Since(start)
		if w.Code >= 400 {
			return fmt.Errorf("%s %s: %d %.300s", c.method, c.path, w.Code, w.Body)
		}
		took = append(took, d)
		if len(took) >= 5 && d > time.Second {
			break
		}
	}
	first := took[0]
	slices.Sort(took)
	p50, p95 := took[len(took)/2], took[min(len(took)-1, len(took)*95/100)]
	note := ""
	if p95 > goal {
		note = "over the goal"
	}
	path := c.path
	if i := strings.Index(path, "cursor="); i >= 0 {
		path = path[:i] + "cursor=..."
	}
	fmt.Printf("| %s %s | %.1f | %.1f | %.1f | %s |\n", c.method, path, ms(first), ms(p50), ms(p95), note)
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// measureOpen says what an open dashboard costs: the processor time of the store's server (of this process, where the
// store is in it), with a dashboard that shows the overview and without one, while a job a second comes in.
func measureOpen(ctx context.Context, st errand.Store, h *web.Handler, load time.Duration, server *testserver.Server) error {
	closed, err := cost(ctx, st, load, server)
	if err != nil {
		return err
	}
	front := httptest.NewServer(h)
	defer front.Close()
	ctx, cancel := context.WithCancel(ctx)
	looked := make(chan error, 1)
	go func() { looked <- look(ctx, front.URL) }()
	open, err := cost(ctx, st, load, server)
	cancel()
	if err := <-looked; err != nil {
		return err
	}
	if err != nil {
		return err
	}
	whose := "the store's server"
	if server == nil {
		whose = "this process, which makes the pages too"
	}
	fmt.Printf("An open overview costs %s %.2f %% of one processor: %.2f %% with it, %.2f %% without.\n\n",
		whose, 100*(open-closed), 100*open, 100*closed)
	return nil
}

// look is a browser that shows the overview: it gets the page again when the stream says that something changed, and rests
// in between as the script does.
func look(ctx context.Context, base string) error {
	get := func(path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
		if err != nil {
			return nil, err
		}
		return http.DefaultClient.Do(r)
	}
	stream, err := get("/events")
	if err != nil {
		return err
	}
	defer stream.Body.Close()
	var rested time.Time
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		if lines.Text() != "event: changed" || time.Now().Before(rested) {
			continue
		}
		page, err := get("/")
		if err != nil {
			break
		}
		_, _ = io.Copy(io.Discard, page.Body) // the end of ctx ends it
		var took float64
		if _, err := fmt.Sscanf(page.Header.Get("Server-Timing"), "page;dur=%f", &took); err != nil {
			return fmt.Errorf("the page does not say how long it took: %w", err)
		}
		rested = time.Now().Add(min(time.Duration(100*took*float64(time.Millisecond)), 15*time.Second))
		page.Body.Close()
	}
	return nil
}

// cost is the share of one processor that the store takes for a while, in which a job a second comes in.
func cost(ctx context.Context, st errand.Store, load time.Duration, server *testserver.Server) (float64, error) {
	before := processorTime(server)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	start := time.Now()
	for time.Since(start) < load {
		<-tick.C
		now, err := st.Now(ctx)
		if err != nil {
			return 0, err
		}
		spec := errand.JobSpec{ID: errand.NewID(), Queue: "queue-03", Task: "task.01", Payload: []byte("1")}
		if _, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{spec}}}); err != nil {
			return 0, err
		}
	}
	return float64(processorTime(server)-before) / float64(time.Since(start)), nil
}

// processorTime is what the store has used so far.
func processorTime(server *testserver.Server) time.Duration {
	if server == nil {
		var usage syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
			return 0
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	family := map[int]bool{}
	for _, pid := range server.PIDs() {
		family[pid] = true
	}
	var ticks int64
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 15 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		if !family[pid] && !family[parent] {
			continue
		}
		for _, field := range fields[11:15] { // its own, and that of children that have ended, in hundredths of a second
			n, _ := strconv.ParseInt(field, 10, 64)
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
