package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/web"
	"github.com/errandhq/errand/web/internal/sample"
)

// apiPaths are calls that change nothing.
var apiPaths = []string{
	"openapi.json", "overview", "queues", "queues/mail", "jobs", "jobs/count", "failures", "hotqueues", "workers", "tasks", "series", "audit", "operations",
}

// TestAPIAccess1ClosedByDefault: without Auth or InsecureNoAuth the API, health and metrics answer 403 too.
func TestAPIAccess1ClosedByDefault(t *testing.T) {
	h := dashboard(t, office(t), web.Config{Metrics: http.NotFoundHandler()})
	for _, path := range []string{"/api/v1/queues", "/healthz", "/readyz", "/metrics"} {
		if got, _ := ask(h, "GET", path, ""); got.StatusCode != http.StatusForbidden {
			t.Errorf("GET %s: %d, want 403", path, got.StatusCode)
		}
	}
}

// TestAPIAccess2Host: the API cannot be reached under a foreign name, and says so as a problem.
func TestAPIAccess2Host(t *testing.T) {
	h := dashboard(t, office(t), web.Config{InsecureNoAuth: true})
	for _, path := range append([]string{"nothing"}, apiPaths...) {
		if status, answer := callAPI(t, h, "GET", path, "", host("evil.example")); status != http.StatusForbidden || answer["code"] != "forbidden" {
			t.Errorf("GET %s: %d %v", path, status, answer)
		}
	}
}

// TestAPIAccess3Roles: each role may call what it is for and no more.
func TestAPIAccess3Roles(t *testing.T) {
	st, failed := busyOffice(t)
	named := `{"ids":["` + failed[0].ID + `"]}`
	all := `{"filter":{"queue":"none"}}`
	for _, c := range []struct {
		method, path, body string
		least              web.Role
	}{
		{"GET", "jobs", "", web.Viewer}, {"GET", "failures", "", web.Viewer}, {"GET", "workers", "", web.Viewer}, {"GET", "audit", "", web.Operator},
		{"GET", "operations", "", web.Operator}, {"POST", "queues/mail/jobs", `{"task":"t"}`, web.Operator}, {"PATCH", "queues/mail", `{"paused":false}`, web.Operator},
		{"POST", "jobs/requeue", named, web.Operator}, {"POST", "jobs/cancel", all, web.Operator}, {"POST", "jobs/delete", named, web.Operator},
		{"POST", "jobs/delete", all, web.Admin}, {"POST", "queues/mail/empty", "", web.Admin}, {"DELETE", "hotqueues/clicks/messages", "", web.Admin},
		{"POST", "workers/host-1/quiet", "", web.Operator}, {"POST", "workers/host-1/stop", "", web.Admin},
	} {
		for role := web.Viewer; role <= web.Admin; role++ {
			h := dashboard(t, st, web.Config{Auth: as(role)})
			status, answer := callAPI(t, h, c.method, c.path, c.body)
			if allowed := status < 300; allowed != (role >= c.least) || !allowed && status != http.StatusForbidden {
				t.Errorf("%v: %s %s %s: %d %v", role, c.method, c.path, c.body, status, answer)
			}
		}
		readOnly := dashboard(t, st, web.Config{Auth: as(web.Admin), ReadOnly: true})
		if status, _ := callAPI(t, readOnly, c.method, c.path, c.body); (status == http.StatusForbidden) != (c.method != "GET") {
			t.Errorf("read-only: %s %s: %d", c.method, c.path, status)
		}
	}
}

// TestAPIAccess3Payloads: a viewer gets no payload, result or log from any call, and finds none by them; what Redact hides,
// nobody gets.
func TestAPIAccess3Payloads(t *testing.T) {
	st := office(t, sample.Fill)
	job := firstFailed(t, st, "mail.send")
	redact := func(_ string, payload []byte) []byte {
		return bytes.ReplaceAll(payload, []byte("template"), []byte("********"))
	}
	for _, c := range []struct {
		name string
		conf web.Config
		sees bool
		logs bool
	}{
		{"operator", web.Config{Auth: as(web.Operator)}, true, true}, {"viewer", web.Config{Auth: as(web.Viewer)}, false, false},
		{"redacted", web.Config{Auth: as(web.Admin), Redact: redact}, false, true},
	} {
		h := dashboard(t, st, c.conf)
		for _, path := range []string{"/api/v1/jobs?state=failed&limit=200", "/api/v1/jobs/" + job.ID, "/api/v1/jobs/" + job.ID + "/attempts"} {
			_, body := ask(h, "GET", path, "")
			if strings.Contains(body, "template") != (c.sees && !strings.HasSuffix(path, "attempts")) {
				t.Errorf("%s sees a payload on %s: want %v", c.name, path, c.sees)
			}
			if logs := strings.Contains(body, "looking up the customer"); logs != (c.logs && !strings.Contains(path, "state=")) {
				t.Errorf("%s sees a log on %s: %v", c.name, path, logs)
			}
		}
		_, answer := callAPI(t, h, "GET", "jobs?state=failed&text=template", "")
		if found := len(answer["jobs"].([]any)) > 0; found != c.sees {
			t.Errorf("%s finds jobs by their payloads: %v", c.name, found)
		}
	}
}

// TestAPIAccess3Denied: who is not known gets a problem, never a page or a redirect, and no reason.
func TestAPIAccess3Denied(t *testing.T) {
	basic := dashboard(t, office(t), web.Config{Auth: web.BasicAuth(web.User{Name: "ada", Password: "x"})})
	got, body := ask(basic, "GET", "/api/v1/queues", "")
	if got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") == "" || !strings.Contains(body, `"unauthenticated"`) {
		t.Errorf("without a name: %d %s", got.StatusCode, body)
	}
	login := dashboard(t, office(t), web.Config{Auth: func(*http.Request) (web.Principal, error) {
		return web.Principal{}, fmt.Errorf("secret: %w", errors.Join(&web.Denial{Login: "/login"}))
	}})
	got, body = ask(login, "GET", "/api/v1/queues", "")
	if got.StatusCode != http.StatusForbidden || got.Header.Get("Location") != "" || strings.Contains(body, "secret") {
		t.Errorf("with a login page: %d %s", got.StatusCode, body)
	}
}

// TestAPIAccess4NoSecretsInLog: neither a password nor a payload reaches the log.
func TestAPIAccess4NoSecretsInLog(t *testing.T) {
	var log strings.Builder
	h := dashboard(t, office(t), web.Config{Auth: web.BasicAuth(web.User{Name: "ada", Password: "pa55word", Role: web.Admin}), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	login := func(r *http.Request) { r.SetBasicAuth("ada", "pa55word") }
	callAPI(t, h, "POST", "queues/mail/jobs", `{"task":"t","payload":"hidden"}`, login)
	callAPI(t, h, "PATCH", "queues/mail", `{"paused":true}`, login)
	callAPI(t, h, "GET", "queues", "", func(r *http.Request) { r.SetBasicAuth("ada", "pa55word2") })
	if text := log.String(); !strings.Contains(text, "pause") || strings.Contains(text, "pa55word") || strings.Contains(text, "hidden") {
		t.Errorf("the log is %s", text)
	}
}

// TestAPIBrowser6NoForeignChange: reading changes nothing, and a browser on another site can neither change nor read.
func TestAPIBrowser6NoForeignChange(t *testing.T) {
	st := office(t, sample.Fill)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	before := counts(t, st)
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range append([]string{"jobs/requeue", "queues/mail/empty", "queues/mail/jobs", "workers/w/stop"}, apiPaths...) {
			ask(h, method, "/api/v1/"+path, `{"filter":{"state":"failed"}}`, with("Content-Type", "application/json"))
		}
	}
	for _, foreign := range []func(*http.Request){with("Sec-Fetch-Site", "cross-site"), with("Origin", "https://evil.example")} {
		for _, c := range [][3]string{
			{"PATCH", "queues/mail", `{"paused":true}`}, {"POST", "queues/mail/jobs", `{"task":"t"}`}, {"POST", "queues/mail/empty", ""},
			{"POST", "jobs/delete", `{"filter":{"state":"failed"}}`}, {"DELETE", "hotqueues/clicks/messages", ""},
		} {
			if status, _ := callAPI(t, h, c[0], c[1], c[2], foreign); status != http.StatusForbidden {
				t.Errorf("%s %s from another site: %d", c[0], c[1], status)
			}
		}
		got, _ := ask(h, "OPTIONS", "/api/v1/jobs", "", foreign, with("Access-Control-Request-Method", "POST"))
		for name := range got.Header {
			if strings.HasPrefix(name, "Access-Control") {
				t.Errorf("%s: %s", name, got.Header.Get(name))
			}
		}
	}
	if after := counts(t, st); before != after {
		t.Errorf("counts were %s, are %s", before, after)
	}
}

// TestAPIBrowser7And8: an answer is JSON to every browser, with the strict headers, whatever text is in it.
func TestAPIBrowser7And8(t *testing.T) {
	h := dashboard(t, office(t, sample.Fill, sample.Hostile), web.Config{InsecureNoAuth: true})
	for _, path := range append([]string{"nothing", "jobs?state=x", "jobs/x"}, apiPaths...) {
		got, body := ask(h, "GET", "/api/v1/"+path, "", with("Accept", "text/html"))
		if kind := got.Header.Get("Content-Type"); kind != "application/json" && kind != "application/problem+json" {
			t.Errorf("%s is %s", path, kind)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.Header.Get(name))
			}
		}
		if strings.Contains(body, "<script") || !strings.Contains(got.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s has markup, or no policy", path)
		}
	}
}

// TestAPIBrowser9Streams: only so many event streams are open at once, and Close ends them.
func TestAPIBrowser9Streams(t *testing.T) {
	h := dashboard(t, office(t), web.Config{InsecureNoAuth: true})
	server := httptest.NewServer(h)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var open sync.WaitGroup
	for i := range 101 {
		r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[i < 100]; got.StatusCode != want {
			t.Errorf("stream %d: %d, want %d", i, got.StatusCode, want)
		}
		open.Go(func() {
			defer got.Body.Close()
			var sink bytes.Buffer
			_, _ = sink.ReadFrom(got.Body) // until it is ended
		})
	}
	h.Close()
	open.Wait()
}

// TestAPIBrowser10Limits: a body or an address that is too long is refused.
func TestAPIBrowser10Limits(t *testing.T) {
	h := dashboard(t, office(t), web.Config{InsecureNoAuth: true})
	if status, answer := callAPI(t, h, "POST", "queues/m/jobs", `{"task":"t","payload":"`+strings.Repeat("x", 5<<20)+`"}`); status != http.StatusRequestEntityTooLarge {
		t.Errorf("5 MiB: %d %v", status, answer)
	}
	if status, _ := callAPI(t, h, "GET", "jobs?text="+strings.Repeat("x", 9000), ""); status != http.StatusRequestURITooLong {
		t.Errorf("an address of 9,000 bytes: %d", status)
	}
	deep := strings.Repeat("[", 100_000)
	if status, _ := callAPI(t, h, "POST", "queues/m/jobs", `{"task":"t","payload":`+deep); status != http.StatusBadRequest {
		t.Errorf("100,000 brackets: %d", status)
	}
	ids := `{"ids":["` + strings.Repeat(errand.NewID()+`","`, 500) + errand.NewID() + `"]}`
	if status, _ := callAPI(t, h, "POST", "jobs/requeue", ids); status != http.StatusBadRequest {
		t.Errorf("501 ids: %d", status)
	}
}
