package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/web"
	"github.com/errandhq/errand/web/internal/sample"
)

// TestTimeRange: a search by time finds what is in it, by a duration before now and by moments alike.
func TestTimeRange(t *testing.T) {
	st := office(t, sample.Fill)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	now, err := st.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	moment := func(ago time.Duration) string { return now.Add(-ago).UTC().Format("2006-01-02T15:04:05") }
	for query, want := range map[string]int{
		"queue=invoices&state=failed":                                                         9,
		"queue=invoices&state=failed&since=30m":                                               3, // at 1, 11 and 27 minutes
		"queue=invoices&state=failed&until=30m":                                               6,
		"queue=invoices&state=failed&since=" + moment(30*time.Minute):                         3,
		"queue=invoices&state=failed&until=5m&since=" + moment(30*time.Minute):                2,
		"task=invoice.issue&since=" + now.Add(-30*time.Minute).UTC().Format(time.RFC3339Nano): 3,
	} {
		got, body := ask(h, http.MethodGet, "/jobs?"+query, "")
		if n := strings.Count(body, "<tr data-row>"); got.StatusCode != http.StatusOK || n != want {
			t.Errorf("%s: %d, %d jobs, want %d", query, got.StatusCode, n, want)
		}
	}
	for _, bad := range []string{"since=yesterday", "until=-5m", "since=2026-13-01", "until=0s", "since=99999999h"} {
		if got, _ := ask(h, http.MethodGet, "/jobs?"+bad, ""); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, got.StatusCode)
		}
	}
}

// TestKin: a job's page leads to the jobs that it waits for and to those that wait for it.
func TestKin(t *testing.T) {
	st := office(t, sample.Fill)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	page, err := st.Jobs(t.Context(), errand.JobFilter{State: errand.StateDeferred})
	if err != nil || len(page.Jobs) != 1 {
		t.Fatalf("%d deferred: %v", len(page.Jobs), err)
	}
	child, parent := page.Jobs[0].ID, page.Jobs[0].DependsOn[0]
	for id, other := range map[string]string{child: parent, parent: child} {
		if _, body := ask(h, http.MethodGet, "/jobs/"+id, ""); !strings.Contains(body, "/jobs/"+other+"?queue=search") {
			t.Errorf("the page of %s does not lead to %s", id, other)
		}
	}
}

// TestAuditPage: what is done on the pages is noted, found by who and by action, and not for viewers.
func TestAuditPage(t *testing.T) {
	st := office(t, sample.Fill)
	h := dashboard(t, st, web.Config{Auth: as(web.Admin)})
	for _, step := range []struct{ path, form string }{
		{"/queues/mail", "action=pause"},
		{"/workers", "action=quiet&worker=office-1:4711:a3f9"},
		{"/jobs", "action=move&to=elsewhere&confirmed=1&all=1&queue=reports&state=failed"},
	} {
		if got, body := ask(h, http.MethodPost, step.path, step.form); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s %s: %d: %s", step.path, step.form, got.StatusCode, body)
		}
	}
	for query, want := range map[string]string{
		"?action=pause": "queue mail", "?action=quiet": "worker office-1:4711:a3f9", "?action=move&who=ada": "all of queue=reports&amp;state=failed&amp;to=elsewhere",
	} {
		if _, body := ask(h, http.MethodGet, "/audit"+query, ""); !strings.Contains(body, want) {
			t.Errorf("%s: no %q", query, want)
		}
	}
	if _, body := ask(h, http.MethodGet, "/audit?who=nobody", ""); !strings.Contains(body, "No entry matches.") {
		t.Error("who is nobody has done something")
	}
	viewer := dashboard(t, st, web.Config{Auth: as(web.Viewer)})
	for _, path := range []string{"/audit", "/operations"} {
		if got, _ := ask(viewer, http.MethodGet, path, ""); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s for a viewer: %d", path, got.StatusCode)
		}
	}
	operator := dashboard(t, st, web.Config{Auth: as(web.Operator)})
	if got, _ := ask(operator, http.MethodPost, "/workers", "action=stop&confirmed=1&worker=office-1:4711:a3f9"); got.StatusCode != http.StatusForbidden {
		t.Errorf("an operator stops a worker: %d", got.StatusCode)
	}
	if got, _ := ask(h, http.MethodPost, "/workers", "action=quiet&worker=nobody"); got.StatusCode != http.StatusNotFound {
		t.Errorf("an order to nobody: %d", got.StatusCode)
	}
}

// TestMoveAsksWhere: nothing is moved before a queue is named, nor to what is no name.
func TestMoveAsksWhere(t *testing.T) {
	st := office(t, sample.Fill)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	job := firstFailed(t, st, "invoice.issue")
	got, body := ask(h, http.MethodPost, "/jobs", "action=move&job="+job.ID)
	if got.StatusCode != http.StatusOK || !strings.Contains(body, `name="to"`) {
		t.Errorf("a move without a queue: %d", got.StatusCode)
	}
	if got, _ = ask(h, http.MethodPost, "/jobs", "action=move&confirmed=1&to=a+b&job="+job.ID); got.StatusCode != http.StatusBadRequest {
		t.Errorf("a move to what is no name: %d", got.StatusCode)
	}
}
