package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
	"github.com/errandhq/errand/web"
	"github.com/errandhq/errand/web/internal/sample"
)

// office is a store that has been filled.
func office(t *testing.T, fill ...func(context.Context, errand.Store) error) errand.Store {
	t.Helper()
	st := memory.New()
	t.Cleanup(func() { st.Close() })
	for _, f := range fill {
		if err := f(t.Context(), st); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

func dashboard(t *testing.T, st errand.Store, config web.Config) *web.Handler {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	h := web.New(st, config)
	t.Cleanup(func() { h.Close() })
	return h
}

// as lets everybody in with a role.
func as(role web.Role) func(*http.Request) (web.Principal, error) {
	return func(*http.Request) (web.Principal, error) { return web.Principal{Name: "ada", Role: role}, nil }
}

// ask sends a request, changed by each of the functions, and returns the answer and its body.
func ask(h http.Handler, method, target, body string, change ...func(*http.Request)) (*http.Response, string) {
	r := httptest.NewRequest(method, "http://localhost:8080"+target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Result().Body)
	return w.Result(), string(text)
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

var pagePaths = []string{
	"/", "/queues", "/jobs", "/jobs?state=failed", "/jobs?state=failed&text=a", "/failures", "/hotqueues", "/workers", "/enqueue", "/settings", "/audit", "/operations", "/?period=24h&by=queue", "/?period=30d&by=task&queue=mail", "/failures?period=30d", "/jobs?since=24h&until=2026-01-02T15:04&order=oldest&limit=20",
}

// TestAccess1ClosedByDefault: without Auth or InsecureNoAuth, or with a wrong configuration, every request gets 403.
func TestAccess1ClosedByDefault(t *testing.T) {
	st := office(t)
	for name, config := range map[string]web.Config{
		"zero":  {},
		"both":  {InsecureNoAuth: true, Auth: as(web.Admin)},
		"path":  {InsecureNoAuth: true, Path: "/a/../b"},
		"hosts": {InsecureNoAuth: true, Hosts: []string{"http://example.com/"}},
		"user":  {Auth: web.BasicAuth(web.User{Name: "ada"})},
	} {
		var log strings.Builder
		config.Logger = slog.New(slog.NewTextHandler(&log, nil))
		h := dashboard(t, st, config)
		for _, path := range append(pagePaths, "/events", "/nothing") {
			if got, _ := ask(h, "GET", path, ""); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s: GET %s: %d, want 403", name, path, got.StatusCode)
			}
		}
		if log.Len() == 0 {
			t.Errorf("%s: no log line says why", name)
		}
	}
}

// TestAccess2Host: a name that is not on the list is refused; a forwarded one counts only from a configured proxy.
func TestAccess2Host(t *testing.T) {
	st := office(t)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	for name, want := range map[string]int{
		"localhost": 200, "localhost:99": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "LOCALHOST.": 200,
		"evil.example": 403, "localhost.evil.example": 403, "": 403, "127.0.0.1.nip.io:80": 403,
	} {
		if got, _ := ask(h, "GET", "/", "", host(name)); got.StatusCode != want {
			t.Errorf("Host %q: %d, want %d", name, got.StatusCode, want)
		}
	}
	if got, _ := ask(h, "GET", "/", "", host("evil.example"), with("X-Forwarded-Host", "localhost")); got.StatusCode != 403 {
		t.Error("X-Forwarded-Host was believed without a proxy")
	}
	proxied := dashboard(t, st, web.Config{InsecureNoAuth: true, Hosts: []string{"jobs.example.com"},
		Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}) // httptest's RemoteAddr is in it
	if got, _ := ask(proxied, "GET", "/", "", host("backend"), with("X-Forwarded-Host", "jobs.example.com")); got.StatusCode != 200 {
		t.Errorf("through the proxy: %d", got.StatusCode)
	}
}

// TestAccess3Roles: each role may do what it is for and no more, and a viewer sees no payload.
func TestAccess3Roles(t *testing.T) {
	st := office(t, sample.Fill)
	failed := firstFailed(t, st, "mail.send")
	empty := url.Values{"action": {"delete"}, "all": {"1"}, "queue": {"mail"}, "state": {"queued"}}.Encode()
	for _, c := range []struct {
		role         web.Role
		method, path string
		body         string
		want         int
	}{
		{web.Viewer, "GET", "/jobs", "", 200}, {web.Viewer, "GET", "/enqueue", "", 403},
		{web.Viewer, "POST", "/queues/mail", "action=pause", 403}, {web.Viewer, "POST", "/jobs", "action=requeue&job=" + failed.ID, 403},
		{web.Viewer, "POST", "/enqueue", "", 403}, {web.Viewer, "POST", "/settings", "theme=dark", 303},
		{web.Operator, "POST", "/queues/search", "action=pause", 303}, {web.Operator, "POST", "/jobs", empty, 403},
		{web.Operator, "POST", "/hotqueues/clicks", "", 403}, {web.Admin, "POST", "/jobs", empty, 200}, {web.Admin, "POST", "/hotqueues/clicks", "", 200},
	} {
		h := dashboard(t, st, web.Config{Auth: as(c.role)})
		if got, _ := ask(h, c.method, c.path, c.body); got.StatusCode != c.want {
			t.Errorf("%v: %s %s: %d, want %d", c.role, c.method, c.path, got.StatusCode, c.want)
		}
	}
	job := "/jobs/" + failed.ID + "?queue=" + failed.Queue
	for role, sees := range map[web.Role]bool{web.Viewer: false, web.Operator: true} {
		h := dashboard(t, st, web.Config{Auth: as(role)})
		for _, path := range []string{job, "/jobs?state=failed"} {
			if _, body := ask(h, "GET", path, ""); strings.Contains(body, "template") != sees {
				t.Errorf("%v sees a payload on %s: want %v", role, path, sees)
			}
		}
		if _, body := ask(h, "GET", job, ""); strings.Contains(body, "looking up the customer") != sees {
			t.Errorf("%v sees a log: want %v", role, sees)
		}
	}
	readOnly := dashboard(t, st, web.Config{Auth: as(web.Admin), ReadOnly: true})
	if got, _ := ask(readOnly, "POST", "/queues/mail", "action=pause"); got.StatusCode != 403 {
		t.Errorf("a read-only dashboard pauses: %d", got.StatusCode)
	}
}

// TestAccess3BasicAuth: only the right name with its own password gets in, and an error of Auth denies.
func TestAccess3BasicAuth(t *testing.T) {
	h := dashboard(t, office(t), web.Config{Auth: web.BasicAuth(
		web.User{Name: "ada", Password: "lovelace", Role: web.Operator}, web.User{Name: "bob", Password: "b"})})
	for _, c := range []struct {
		name, password string
		want           int
	}{{"ada", "lovelace", 200}, {"bob", "b", 200}, {"ada", "b", 401}, {"ada", "", 401}, {"", "", 401}, {"adal", "ovelace", 401}} {
		got, _ := ask(h, "GET", "/", "", func(r *http.Request) { r.SetBasicAuth(c.name, c.password) })
		if got.StatusCode != c.want || (c.want == 401) != (got.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s:%s: %d, want %d", c.name, c.password, got.StatusCode, c.want)
		}
	}
	denied := dashboard(t, office(t), web.Config{Auth: func(*http.Request) (web.Principal, error) {
		return web.Principal{Role: web.Admin}, errors.New("session expired")
	}})
	if got, body := ask(denied, "GET", "/", ""); got.StatusCode != 403 || strings.Contains(body, "session expired") {
		t.Errorf("an error of Auth: %d", got.StatusCode)
	}
	login := dashboard(t, office(t), web.Config{Auth: func(*http.Request) (web.Principal, error) {
		return web.Principal{}, &web.Denial{Login: "/login"}
	}})
	if got, _ := ask(login, "GET", "/", ""); got.StatusCode != 303 || got.Header.Get("Location") != "/login" {
		t.Errorf("a Denial with Login: %d %s", got.StatusCode, got.Header.Get("Location"))
	}
}

// TestBrowser6NoChangeOnGet: GET and HEAD change nothing, and a request from another site is refused.
func TestBrowser6NoChangeOnGet(t *testing.T) {
	st := office(t, sample.Fill)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	before := counts(t, st)
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range append(pagePaths, "/queues/mail?action=pause", "/jobs?action=delete&all=1&confirmed=1", "/hotqueues/clicks?confirmed=1") {
			ask(h, method, path, "")
		}
	}
	if after := counts(t, st); before != after {
		t.Errorf("counts were %s, are %s", before, after)
	}
	for _, foreign := range []func(*http.Request){with("Sec-Fetch-Site", "cross-site"), with("Origin", "https://evil.example")} {
		got, _ := ask(h, "POST", "/queues/mail", "action=pause", foreign)
		if got.StatusCode != 403 {
			t.Errorf("a request from another site: %d", got.StatusCode)
		}
	}
	if got, _ := ask(h, "POST", "/queues/mail", "action=pause&back=https://evil.example/", with("Sec-Fetch-Site", "same-origin")); got.StatusCode != 303 ||
		got.Header.Get("Location") != "/" || got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a request from here: %d to %s", got.StatusCode, got.Header.Get("Location"))
	}
}

// TestBrowser7Escaping: markup from any text of a job or worker reaches no page as markup.
func TestBrowser7Escaping(t *testing.T) {
	st := office(t, sample.Fill, sample.Hostile, sample.Huge)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	paths := append([]string{"/jobs/" + url.PathEscape(sample.Evil), "/jobs?text=" + url.QueryEscape(sample.Evil),
		"/jobs?queue=" + url.QueryEscape(sample.Evil), "/enqueue?queue=" + url.QueryEscape(sample.Evil), "/queues/javascript:alert.1"}, pagePaths...)
	page, err := st.Jobs(t.Context(), errand.JobFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range page.Jobs {
		if len(paths) < 200 || job.Queue == "javascript:alert.1" || job.Queue == "huge" {
			paths = append(paths, "/jobs/"+job.ID+"?queue="+url.QueryEscape(job.Queue))
		}
	}
	bad := regexp.MustCompile(`(?i)<script>|<img|href="javascript:|<[a-z][^>]*\s(on\w+|style)=|ZgotmplZ`)
	for _, path := range paths {
		for _, tag := range []string{"en", "zh-CN"} {
			got, body := ask(h, "GET", path, "", with("Accept-Language", tag))
			if got.StatusCode >= 500 {
				t.Errorf("GET %.80s: %d", path, got.StatusCode)
			}
			if m := bad.FindString(stripText(body)); m != "" {
				t.Errorf("GET %.80s: %q in the page", path, m)
			}
		}
	}
}

// stripText removes the values of attributes other than links and styles, so that what is quoted in them is not found.
func stripText(body string) string {
	return regexp.MustCompile(`(value|aria-label|title|placeholder)="[^"]*"`).ReplaceAllString(body, "")
}

// TestBrowser8Headers: every answer has the strict policy, and no page has code or style in it.
func TestBrowser8Headers(t *testing.T) {
	h := dashboard(t, office(t, sample.Fill), web.Config{InsecureNoAuth: true})
	for _, path := range append(pagePaths, "/nothing", "/jobs/none", "/jobs?state=nonsense") {
		got, body := ask(h, "GET", path, "")
		policy := got.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: no %s in %q", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %q", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.Header.Get(name))
			}
		}
		if strings.Contains(body, "//fonts.") || strings.Contains(body, "<style") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(body) {
			t.Errorf("%s has code or style in it, or something from elsewhere", path)
		}
	}
}

// TestBrowser9Parameters: what is out of bounds is refused or falls back, and never reaches the store.
func TestBrowser9Parameters(t *testing.T) {
	h := dashboard(t, office(t, sample.Fill), web.Config{InsecureNoAuth: true})
	for query, want := range map[string]int{
		"state=nonsense": 400, "queue=a%20b": 400, "task=%3Cb%3E": 400, "attempt=-1": 400, "attempt=x": 400, "limit=999999999": 200,
		"order=sideways": 200, "text=" + strings.Repeat("x", 600): 400, "cursor=" + strings.Repeat("x", 600): 400,
		"text=%25_.*%5B": 200, "text=" + strings.Repeat("x", 9000): 414,
	} {
		if got, _ := ask(h, "GET", "/jobs?"+query, ""); got.StatusCode != want {
			t.Errorf("GET /jobs?%.40s: %d, want %d", query, got.StatusCode, want)
		}
	}
	if _, body := ask(h, "GET", "/jobs?limit=999999999", ""); strings.Count(body, `name="job"`) > 50 {
		t.Error("a page has more jobs than it may")
	}
}

// TestBrowser10Limits: the server has time limits, and a body that is too long is refused.
func TestBrowser10Limits(t *testing.T) {
	h := dashboard(t, office(t), web.Config{InsecureNoAuth: true})
	s := web.Server(h)
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("a limit is missing: %+v", s)
	}
	got, _ := ask(h, "POST", "/enqueue", "payload="+strings.Repeat("x", 5<<20))
	if got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("5 MiB: %d, want 413", got.StatusCode)
	}
	if got, _ := ask(h, "GET", "/debug/pprof/", ""); got.StatusCode != 404 {
		t.Errorf("/debug/pprof/: %d, want 404", got.StatusCode)
	}
}

func firstFailed(t *testing.T, st errand.Store, task string) *errand.Job {
	t.Helper()
	page, err := st.Jobs(t.Context(), errand.JobFilter{State: errand.StateFailed, Task: task, Newest: true, Limit: 1})
	if err != nil || len(page.Jobs) == 0 {
		t.Fatalf("no failed %s: %v", task, err)
	}
	return page.Jobs[0]
}

// counts writes how many jobs and messages there are, and what is paused.
func counts(t *testing.T, st errand.Store) string {
	t.Helper()
	now, err := st.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	queues, err := st.Queues(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := st.Len(t.Context(), "clicks")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, q := range queues {
		b.WriteString(q.Name)
		for _, s := range errand.States() {
			b.WriteString(" ")
			b.WriteString(itoa(q.Counts[s]))
		}
		if q.Paused {
			b.WriteString(" paused")
		}
	}
	return b.String() + " " + itoa(waiting)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
