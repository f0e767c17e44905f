package web_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/web"
)

// callAPI calls the API with JSON and returns the status and the answer, decoded.
func callAPI(t *testing.T, h http.Handler, method, target, body string, change ...func(*http.Request)) (int, map[string]any) {
	t.Helper()
	got, text := ask(h, method, "/api/v1/"+target, body, append([]func(*http.Request){with("Content-Type", "application/json")}, change...)...)
	var answer map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil {
		t.Fatalf("%s %s: %d, no JSON: %v: %.200s", method, target, got.StatusCode, err, text)
	}
	return got.StatusCode, answer
}

// TestAPIEnqueueOnce proves that a call repeated with its own id makes one job, with the options it asks for and its
// payload as it was written.
func TestAPIEnqueueOnce(t *testing.T) {
	st := office(t)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	id, parent := errand.NewID(), errand.NewID()
	body := `{"id":"` + strings.ToUpper(id) + `","task":"sum","payload":{"n": 123456789012345678901234567890, "t":"<é>"},"priority":7,
		"delay_seconds":90,"unique":true,"unique_seconds":60,"timeout_seconds":2.5,"keep_result_seconds":3600,"depends_on":["` + parent + `"],
		"retry":{"max":3,"kind":"delays","delays_seconds":[1,0.5]}}`
	for range 3 {
		if status, answer := callAPI(t, h, http.MethodPost, "queues/mail/jobs", body); status != http.StatusCreated || answer["id"] != id {
			t.Fatalf("%d %v", status, answer)
		}
	}
	page, err := st.Jobs(t.Context(), errand.JobFilter{})
	if err != nil || len(page.Jobs) != 1 {
		t.Fatalf("%d jobs, want 1: %v", len(page.Jobs), err)
	}
	job := page.Jobs[0]
	if string(job.Payload) != `{"n": 123456789012345678901234567890, "t":"<é>"}` || job.Priority != 7 || job.UniqueFor != time.Minute ||
		job.Timeout != 2500*time.Millisecond || job.KeepResult != time.Hour || job.Retry.Max != 3 || job.Retry.Backoff.Delays[1] != time.Second/2 ||
		job.State != errand.StateScheduled || job.RunAt.Sub(job.CreatedAt) != 90*time.Second || job.DependsOn[0] != parent {
		t.Errorf("the job is %+v", job)
	}
	status, answer := callAPI(t, h, http.MethodPost, "queues/mail/jobs", strings.Replace(body, strings.ToUpper(id), errand.NewID(), 1))
	if status != http.StatusConflict || answer["code"] != "duplicate" || answer["job_id"] != id {
		t.Errorf("a duplicate: %d %v", status, answer)
	}
	status, answer = callAPI(t, h, http.MethodGet, "jobs/"+id, "")
	if payload, _ := answer["payload"].(map[string]any); status != http.StatusOK || payload["n"] != json.Number("123456789012345678901234567890") {
		t.Errorf("the job as the API has it: %d %v", status, answer)
	}
}

// TestAPIBatchAllOrNone proves that a batch with one wrong job puts none in, and that the problem says which and why.
func TestAPIBatchAllOrNone(t *testing.T) {
	st := office(t)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	status, answer := callAPI(t, h, http.MethodPost, "queues/mail/jobs/batch", `{"jobs":[{"task":"a"},{"task":"a","priority":11}]}`)
	if status != http.StatusBadRequest || answer["parameter"] != "jobs[1].priority" {
		t.Errorf("%d %v", status, answer)
	}
	if page, err := st.Jobs(t.Context(), errand.JobFilter{}); err != nil || len(page.Jobs) > 0 {
		t.Errorf("%d jobs are in: %v", len(page.Jobs), err)
	}
	if status, answer = callAPI(t, h, http.MethodPost, "queues/mail/jobs/batch", `{"jobs":[{"task":"a"},{"task":"b","payload":"x"}]}`); status != http.StatusCreated || len(answer["jobs"].([]any)) != 2 {
		t.Errorf("%d %v", status, answer)
	}
}

// TestAPIProblems proves that what is wrong with a call is refused, and that the answer names the parameter and how to mend
// it.
func TestAPIProblems(t *testing.T) {
	h := dashboard(t, office(t, canceled(3)), web.Config{InsecureNoAuth: true})
	for _, c := range []struct {
		method, target, body string
		status               int
		parameter            string
	}{
		{"GET", "jobs?state=nonsense", "", 400, "state"}, {"GET", "jobs?queue=a%20b", "", 400, "queue"}, {"GET", "jobs?limit=0", "", 400, "limit"},
		{"GET", "jobs?limit=1e3", "", 400, "limit"}, {"GET", "jobs?order=up", "", 400, "order"}, {"GET", "jobs?nonsense=1", "", 400, "nonsense"},
		{"GET", "jobs?queue=a&queue=b", "", 400, "queue"}, {"GET", "jobs?text=" + strings.Repeat("x", 513), "", 400, "text"},
		{"GET", "jobs?id=7", "", 400, "id"}, {"GET", "series?from=yesterday", "", 400, "from"}, {"GET", "series?step_seconds=7", "", 400, "step_seconds"},
		{"GET", "audit?limit=-1", "", 400, "limit"}, {"GET", "nothing", "", 404, ""}, {"DELETE", "queues", "", 405, ""}, {"POST", "jobs/count", "{}", 405, ""},
		{"POST", "queues/m/jobs", `{"task":"t","priority":10}`, 400, "priority"}, {"POST", "queues/m/jobs", `{"task":"t","priority":"9"}`, 400, "priority"},
		{"POST", "queues/m/jobs", `{"task":"t","id":"c232ab00-9414-11ec-b3c8-9f6bdeced846"}`, 400, "id"}, {"POST", "queues/m/jobs", `{"task":"t","delay_seconds":-1}`, 400, "delay_seconds"},
		{"POST", "queues/m/jobs", `{"task":"t","delay_seconds":1e300}`, 400, "delay_seconds"}, {"POST", "queues/m/jobs", `{"task":"t","run_at":"2026-01-01T00:00:00Z","delay_seconds":1}`, 400, "delay_seconds"},
		{"POST", "queues/m/jobs", `{"task":"t","retry":{"max":1,"kind":"never"}}`, 400, "retry"}, {"POST", "queues/m/jobs", `{"task":"t","retry":{"max":1,"kind":"delays"}}`, 400, "retry"},
		{"POST", "queues/m/jobs", `{"task":"t","depends_on":["x"]}`, 400, "depends_on"}, {"POST", "queues/m/jobs", `{"task":"t","unique_seconds":5}`, 400, "unique_seconds"},
		{"POST", "queues/m/jobs", `{"task":"t","timeout_seconds":1e12}`, 400, "timeout_seconds"}, {"POST", "queues/m/jobs", `{"task":"t","payload":1,"payload_base64":"AA=="}`, 400, "payload_base64"},
		{"POST", "queues/m/jobs", `{"task":"t","unknown":1}`, 400, ""}, {"POST", "queues/m/jobs", `{"task":"t"} 1`, 400, ""}, {"POST", "queues/m/jobs", `[`, 400, ""},
		{"POST", "queues/m/jobs", `{"task":"t","payload":"` + strings.Repeat("x", errand.MaxPayloadBytes) + `"}`, 413, "payload"},
		{"POST", "jobs/requeue", `{"ids":["x"]}`, 400, "ids"}, {"POST", "jobs/requeue", `{"filter":{"state":"nonsense"}}`, 400, "state"},
	} {
		status, answer := callAPI(t, h, c.method, c.target, c.body)
		parameter, _ := answer["parameter"].(string)
		if status != c.status || parameter != c.parameter || answer["status"] != json.Number(jsonNumber(status)) || answer["detail"] == "" {
			t.Errorf("%s %s %.60s: %d %v, want %d %s", c.method, c.target, c.body, status, answer, c.status, c.parameter)
		}
	}
	if status, answer := callAPI(t, h, "POST", "queues/m/jobs", "task=t", with("Content-Type", "application/x-www-form-urlencoded")); status != 415 || answer["fix"] == "" {
		t.Errorf("a form: %d %v", status, answer)
	}
}

func jsonNumber(n int) string { return itoa(int64(n)) }

// TestAPIOperation proves that an action on all that a filter finds can be followed and canceled.
func TestAPIOperation(t *testing.T) {
	st := newGated(office(t, canceled(1200)))
	h := dashboard(t, st, web.Config{Auth: as(web.Operator)})
	status, op := callAPI(t, h, "POST", "jobs/requeue", `{"filter":{"state":"canceled"}}`)
	if status != http.StatusAccepted || op["total"] != json.Number("1200") || op["total_exact"] != true || op["state"] != "running" || op["who"] != "ada" {
		t.Fatalf("%d %v", status, op)
	}
	<-st.entered
	st.open <- struct{}{} // one page of 500
	<-st.entered
	if _, op = callAPI(t, h, "GET", "operations/"+op["id"].(string), ""); op["done"] != json.Number("500") {
		t.Errorf("after a page: %v", op)
	}
	if _, op = callAPI(t, h, "DELETE", "operations/"+op["id"].(string), ""); op["state"] != "canceled" || op["done"] != json.Number("500") || op["ended_at"] == nil {
		t.Errorf("canceled: %v", op)
	}
}

// TestAPIAudit proves that each change by the API is in the audit log with who made it, and enqueues are counted together.
func TestAPIAudit(t *testing.T) {
	h := dashboard(t, office(t, canceled(3)), web.Config{Auth: as(web.Admin)})
	for range 5 {
		callAPI(t, h, "POST", "queues/mail/jobs", `{"task":"t"}`)
	}
	callAPI(t, h, "PATCH", "queues/mail", `{"paused":true}`)
	if status, op := callAPI(t, h, "POST", "jobs/delete", `{"filter":{"state":"canceled"}}`); status != http.StatusAccepted {
		t.Fatalf("%d %v", status, op)
	}
	if got, _ := ask(h, "POST", "/queues/mail", "action=resume"); got.StatusCode != http.StatusSeeOther {
		t.Fatal(got.StatusCode)
	}
	h.Close() // the operation has ended
	_, answer := callAPI(t, h, "GET", "audit", "")
	found := map[string]string{}
	for _, e := range answer["entries"].([]any) {
		e := e.(map[string]any)
		found[e["action"].(string)] = strings.Join([]string{e["who"].(string), e["via"].(string), string(e["count"].(json.Number)), e["target"].(string)}, " ")
	}
	for action, want := range map[string]string{
		"enqueue": "ada api 5 queue mail", "pause": "ada api 1 queue mail", "resume": "ada dashboard 1 queue mail",
	} {
		if found[action] != want {
			t.Errorf("%s: %q, want %q", action, found[action], want)
		}
	}
	if !strings.HasPrefix(found["delete"], "ada api ") {
		t.Errorf("delete: %q", found["delete"])
	}
}

// TestHealth proves that health and readiness answer without a name and under any host, that they say nothing else, and
// that a store that does not answer makes the process not ready.
func TestHealth(t *testing.T) {
	st := office(t)
	h := dashboard(t, st, web.Config{Auth: web.BasicAuth(web.User{Name: "ada", Password: "x"}), Path: "/errand"})
	for _, path := range []string{"/errand/healthz", "/errand/readyz"} {
		if got, body := ask(h, "GET", path, "", host("10.1.2.3:80")); got.StatusCode != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: %d %q", path, got.StatusCode, body)
		}
		if got, _ := ask(h, "POST", path, "", host("10.1.2.3:80")); got.StatusCode != http.StatusForbidden {
			t.Errorf("POST %s: %d", path, got.StatusCode)
		}
	}
	st.Close()
	down := dashboard(t, st, web.Config{InsecureNoAuth: true})
	if got, body := ask(down, "GET", "/readyz", ""); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "closed") {
		t.Errorf("readyz of a closed store: %d %q", got.StatusCode, body)
	}
	if got, _ := ask(down, "GET", "/healthz", ""); got.StatusCode != http.StatusOK {
		t.Errorf("healthz of a closed store: %d", got.StatusCode)
	}
}

// TestAPIOverHTTP proves that a client with a name and a password and no browser's headers gets through, over a real
// connection.
func TestAPIOverHTTP(t *testing.T) {
	h := dashboard(t, office(t), web.Config{Auth: web.BasicAuth(web.User{Name: "ada", Password: "lovelace", Role: web.Operator})})
	server := httptest.NewServer(h)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/v1/queues/mail/jobs", bytes.NewReader([]byte(`{"task":"t"}`)))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("ada", "lovelace")
	r.Header.Set("Content-Type", "application/json")
	got, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusCreated || !strings.HasPrefix(got.Header.Get("Location"), "/api/v1/jobs/") {
		t.Errorf("%d %s %v", got.StatusCode, body, err)
	}
}

// TestAPIRareTask proves that a search by a task among many jobs is bounded, and finds them all by its cursor; among few the
// store finds them.
func TestAPIRareTask(t *testing.T) {
	st := office(t, canceled(12_000))
	now, err := st.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rare := errand.NewID()
	groups := [][]errand.JobSpec{
		{{ID: rare, Queue: "mail", Task: "rare", Payload: []byte("1")}},
		{{ID: errand.NewID(), Queue: "few", Task: "rare", Payload: []byte("1")}},
	}
	if _, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: now.Add(-time.Hour), Groups: groups}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Cancel(t.Context(), errand.Command{Now: now.Add(-time.Hour), IDs: []string{rare}}); err != nil {
		t.Fatal(err)
	}
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	found, pages := 0, 0
	for cursor := ""; ; pages++ {
		status, page := callAPI(t, h, "GET", "jobs?queue=mail&task=rare&cursor="+url.QueryEscape(cursor), "")
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, page)
		}
		if n, err := page["scanned"].(json.Number).Int64(); err != nil || n < 1 || n > 10_500 {
			t.Errorf("a page looked into %v jobs", page["scanned"])
		}
		for _, job := range page["jobs"].([]any) {
			if job.(map[string]any)["id"] != rare {
				t.Errorf("found %v", job)
			}
			found++
		}
		if cursor, _ = page["next_cursor"].(string); cursor == "" {
			break
		}
	}
	if found != 1 || pages == 0 {
		t.Errorf("found %d, after %d pages", found, pages+1)
	}
	if _, page := callAPI(t, h, "GET", "jobs?queue=few&task=rare", ""); len(page["jobs"].([]any)) != 1 || page["scanned"] != nil {
		t.Errorf("among few: %v", page)
	}
}
