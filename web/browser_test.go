package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/web"
	"github.com/errandhq/errand/web/internal/browser"
	"github.com/errandhq/errand/web/internal/sample"
)

// visit is a dashboard in a Chromium.
type visit struct {
	t    *testing.T
	st   errand.Store
	base string
	tab  context.Context

	mu       sync.Mutex
	troubles []string // what the console said: errors, and violations of the policy
}

// newVisit opens the dashboard of a store; the test fails when the console had something to say.
func newVisit(t *testing.T, st errand.Store, config web.Config) *visit {
	t.Helper()
	h := dashboard(t, st, config)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(func() { h.Close() })
	tab, end, err := browser.Start(context.Background())
	if err != nil {
		t.Fatalf("start Chromium (scripts/test.sh installs it): %v", err)
	}
	t.Cleanup(end)
	v := &visit{t: t, st: st, base: server.URL, tab: tab}
	if err := chromedp.Listen(tab, v.hear); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, trouble := range v.troubles {
			t.Errorf("the console: %s", trouble)
		}
	})
	return v
}

func (v *visit) hear(ev any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch ev := ev.(type) {
	case *cdplog.EventEntryAdded:
		if strings.Contains(ev.Entry.Text, "status of 4") {
			return // pages of errors that a test asks for
		}
		v.troubles = append(v.troubles, fmt.Sprintf("%s: %s (%s)", ev.Entry.Level, ev.Entry.Text, ev.Entry.URL))
	case *runtime.EventExceptionThrown:
		v.troubles = append(v.troubles, "exception: "+ev.ExceptionDetails.Text)
	}
}

// do runs steps within two minutes.
func (v *visit) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.tab, 2*time.Minute)
	defer cancel()
	for _, step := range steps {
		err := chromedp.Do(ctx, step)
		for isReplaced(err) && ctx.Err() == nil {
			err = chromedp.Do(ctx, step)
		}
		if err != nil {
			v.t.Fatal(err)
		}
	}
}

// isReplaced reports whether a step found its element and met another in its place: the page had just been refreshed.
func isReplaced(err error) bool {
	protocol, ok := errors.AsType[*cdproto.Error](err)
	return ok && (strings.Contains(protocol.Message, "Could not find node") || strings.Contains(protocol.Message, "detached"))
}

func (v *visit) open(path string) { v.t.Helper(); v.do(chromedp.Navigate(v.base + path)) }

// eventually waits until a JavaScript condition holds, on this page or on one that it leads to.
func (v *visit) eventually(condition string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.tab, 2*time.Minute)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](condition))
		if err == nil {
			return
		}
		if ctx.Err() != nil || v.tab.Err() != nil {
			v.t.Fatalf("%s: %v", condition, err)
		}
	}
}

func evaluate[T any](v *visit, expression string) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.tab, 2*time.Minute)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		v.t.Fatalf("%s: %v", expression, err)
	}
	return got
}

// TestBrowserPages opens every page with every set of data, wide and at a phone's width: nothing scrolls sideways, no
// markup of a job becomes a part of the page, and the console stays silent.
func TestBrowserPages(t *testing.T) {
	sets := map[string][]func(context.Context, errand.Store) error{
		"empty": nil, "typical": {sample.Fill}, "hostile": {sample.Hostile}, "huge": {sample.Huge},
	}
	for name, fill := range sets {
		t.Run(name, func(t *testing.T) {
			st := office(t, fill...)
			v := newVisit(t, st, web.Config{InsecureNoAuth: true})
			paths := append([]string{"/nothing"}, pagePaths...)
			page, err := st.Jobs(t.Context(), errand.JobFilter{State: errand.StateFailed, Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			for _, job := range page.Jobs {
				paths = append(paths, "/jobs/"+job.ID+"?queue="+url.QueryEscape(job.Queue), "/queues/"+url.PathEscape(job.Queue))
			}
			for _, path := range paths {
				v.do(chromedp.EmulateViewport(1280, 844))
				v.open(path)
				if !evaluate[bool](v, `document.title !== "pwned" && document.querySelectorAll("main img, main script").length === 0 && document.querySelector("h1, .empty") !== null`) {
					t.Errorf("%s: markup of a job came through, or the page is bare", path)
				}
				for _, width := range []int64{1280, 390} {
					v.do(chromedp.EmulateViewport(width, 844))
					if got := evaluate[int64](v, `document.documentElement.scrollWidth`); got > width {
						t.Errorf("%s is %d wide at %d", path, got, width)
					}
				}
			}
		})
	}
}

// TestBrowserRequeue requeues a failed job by one click, and many after a dialog that says how many.
func TestBrowserRequeue(t *testing.T) {
	st := office(t, sample.Fill)
	v := newVisit(t, st, web.Config{InsecureNoAuth: true})
	job := firstFailed(t, st, "invoice.issue")
	v.open("/jobs/" + job.ID + "?queue=invoices")
	v.do(chromedp.Click(chromedp.CSS(`button[value=requeue]`)))
	v.eventually(`document.querySelector(".note")?.textContent === "One job requeued."`)
	if got, err := st.Job(t.Context(), "invoices", job.ID); err != nil || got.State != errand.StateQueued {
		t.Errorf("the job is %v: %v", got, err)
	}
	v.open("/failures")
	v.do(chromedp.Click(chromedp.CSS(`.group:first-child button[value=requeue]`)))
	v.eventually(`document.querySelector("#dialog[open] h1")?.textContent === "Requeue 23 jobs?"`)
	v.do(chromedp.Click(chromedp.CSS(`#dialog .primary`)))
	v.eventually(`document.querySelector(".note")?.textContent === "23 jobs requeued."`)
}

// TestBrowserLive changes the page without a reload when a job fails elsewhere.
func TestBrowserLive(t *testing.T) {
	st := office(t)
	v := newVisit(t, st, web.Config{InsecureNoAuth: true})
	v.open("/jobs?state=failed")
	v.eventually(`(window.kept = true) && document.querySelector("#rows .empty") !== null`)
	if err := sample.Fill(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	v.eventually(`window.kept && document.querySelectorAll("#rows tbody tr").length === 49`)
}

// TestBrowserLanguage switches the language by its button, and keeps it.
func TestBrowserLanguage(t *testing.T) {
	v := newVisit(t, office(t, sample.Fill), web.Config{InsecureNoAuth: true})
	v.open("/queues")
	v.do(chromedp.Click(chromedp.CSS(`.langs button[lang="zh-CN"]`)))
	v.eventually(`document.documentElement.lang === "zh-CN" && document.querySelector("h1").textContent === "队列"`)
	v.open("/workers")
	v.eventually(`document.querySelector("h1").textContent === "Worker 进程"`)
}

// TestBrowserWithoutScript does the same by pages alone: the question has a page of its own.
func TestBrowserWithoutScript(t *testing.T) {
	v := newVisit(t, office(t, sample.Fill), web.Config{InsecureNoAuth: true})
	if _, err := chromedp.Call(v.tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	v.open("/failures")
	for _, step := range []struct{ click, see string }{
		{`.group:first-child button[value=requeue]`, "Requeue 23 jobs?"}, {`.confirm .primary`, "23 jobs requeued."},
	} {
		ctx, cancel := context.WithTimeout(v.tab, 2*time.Minute)
		if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(step.click))); err != nil {
			t.Fatal(err)
		}
		text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("main")))
		cancel()
		if err != nil || !strings.Contains(text, step.see) {
			t.Fatalf("after %s: no %q in %q: %v", step.click, step.see, text, err)
		}
	}
}
