package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/web"
	"github.com/errandhq/errand/web/internal/sample"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is the API's document, with what validates against it.
type document struct {
	t        *testing.T
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func openDocument(t *testing.T, h *web.Handler) *document {
	t.Helper()
	got, body := ask(h, http.MethodGet, "/api/v1/openapi.json", "")
	if got.StatusCode != http.StatusOK {
		t.Fatalf("openapi.json: %d", got.StatusCode)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return &document{t, doc.(map[string]any), c}
}

// at returns what is at a pointer in the document, and where it is after references were followed.
func (d *document) at(steps ...string) (any, string) {
	var here any = d.doc
	pointer := ""
	for _, step := range steps {
		here = here.(map[string]any)[step]
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
		if m, ok := here.(map[string]any); ok {
			if ref, ok := m["$ref"].(string); ok {
				here, pointer = d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
		}
		if here == nil {
			return nil, pointer
		}
	}
	return here, pointer
}

// check holds a real answer against the document: its status, its type and its body.
func (d *document) check(method, path string, got *http.Response, body string) {
	d.t.Helper()
	kind, _, _ := mime.ParseMediaType(got.Header.Get("Content-Type"))
	steps := []string{"paths", path, strings.ToLower(method), "responses", fmt.Sprint(got.StatusCode), "content", kind, "schema"}
	schema, pointer := d.at(steps...)
	if schema == nil {
		steps[4] = "default"
		if schema, pointer = d.at(steps...); schema == nil || got.StatusCode < 400 {
			d.t.Errorf("%s %s: %d %s is not in the document", method, path, got.StatusCode, kind)
			return
		}
	}
	compiled, err := d.compiler.Compile("openapi.json#" + pointer)
	if err != nil {
		d.t.Fatal(err)
	}
	var value any = body
	if strings.HasSuffix(kind, "json") {
		if value, err = jsonschema.UnmarshalJSON(strings.NewReader(body)); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := compiled.Validate(value); err != nil {
		d.t.Errorf("%s %s: %d: %v\n%.600s", method, path, got.StatusCode, err, body)
	}
}

// operations lists "METHOD /path" of all that the document has.
func (d *document) operations() []string {
	var found []string
	for path, item := range d.doc["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if method != "parameters" {
				found = append(found, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(found)
	return found
}

// TestOpenAPIDocument proves that the document is one of OpenAPI 3.1, that it has each route and no other, and each
// parameter of a search.
func TestOpenAPIDocument(t *testing.T) {
	h := dashboard(t, office(t), web.Config{InsecureNoAuth: true})
	d := openDocument(t, h)
	official, err := os.ReadFile("testdata/openapi-3.1-schema.json")
	if err != nil {
		t.Fatal(err)
	}
	meta, err := jsonschema.UnmarshalJSON(bytes.NewReader(official))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("oas.json", meta); err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("oas.json").Validate(any(d.doc)); err != nil {
		t.Errorf("not OpenAPI 3.1: %v", err)
	}
	routes := append(h.APIRoutes(), "GET /healthz", "GET /readyz", "GET /metrics")
	slices.Sort(routes)
	if documented := d.operations(); !slices.Equal(routes, documented) {
		t.Errorf("the routes are\n%s\nand the document has\n%s", strings.Join(routes, "\n"), strings.Join(documented, "\n"))
	}
	for _, path := range []string{"/api/v1/jobs", "/api/v1/jobs/count"} {
		var names []string
		list, _ := d.at("paths", path, "get", "parameters")
		for _, p := range list.([]any) {
			ref := strings.Split(strings.TrimPrefix(p.(map[string]any)["$ref"].(string), "#/"), "/")
			param, _ := d.at(ref...)
			names = append(names, param.(map[string]any)["name"].(string))
		}
		want := slices.Sorted(slices.Values(web.SearchParameters))
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("%s has the parameters %v; a search knows %v", path, names, want)
		}
	}
	ids := map[string]bool{}
	for path, item := range d.doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			if id := op.(map[string]any)["operationId"].(string); ids[id] {
				t.Errorf("%s %s: operationId %s is not its own", method, path, id)
			} else {
				ids[id] = true
			}
		}
	}
}

// busyOffice is a store in which every call of the API finds something, with the ids of two failed jobs.
func busyOffice(t *testing.T) (errand.Store, []*errand.Job) {
	t.Helper()
	st := office(t, sample.Fill, sample.Hostile)
	now, err := st.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rec := errand.WorkerRecord{ID: "host-1", Kind: "worker", Host: "host", SeenAt: now, StartedAt: now, Every: time.Minute, Concurrency: 1, Memory: 1 << 20,
		Tasks: []string{"sum"}, Schemas: map[string]json.RawMessage{"sum": json.RawMessage(`{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}},"additionalProperties":false}`)}}
	if err := st.Heartbeat(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	var spread errand.Histogram
	spread.Add(time.Second)
	at := now.Truncate(errand.FineStep)
	if err := st.RecordSeries(t.Context(), errand.SeriesReport{Now: now, Writer: "w", Number: 1,
		Samples: []errand.Sample{{Step: errand.FineStep, At: at, Queue: "mail", Task: "mail.send", Finished: 1, Wait: spread, Run: spread}},
		Depths:  []errand.Depth{{Step: errand.FineStep, At: at, Queue: "mail", Counts: map[errand.State]int64{errand.StateQueued: 3}, Enqueued: 4}},
	}); err != nil {
		t.Fatal(err)
	}
	page, err := st.Jobs(t.Context(), errand.JobFilter{State: errand.StateFailed, Limit: 10})
	if err != nil || len(page.Jobs) < 5 {
		t.Fatalf("%d failed jobs: %v", len(page.Jobs), err)
	}
	return st, page.Jobs
}

// apiCall is a call with the answer that it must get.
type apiCall struct {
	method, path string // as the document has the path
	target, body string // as it is asked for
	want         int
}

func (c apiCall) ask(h http.Handler) (*http.Response, string) {
	return ask(h, c.method, c.target, c.body, with("Content-Type", "application/json"))
}

// TestOpenAPIAnswers proves that every operation's real answers are as the document says, when it succeeds and when it
// does not.
func TestOpenAPIAnswers(t *testing.T) {
	st, failed := busyOffice(t)
	h := dashboard(t, st, web.Config{InsecureNoAuth: true, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintln(w, "errand_up 1")
	})})
	d := openDocument(t, h)
	id, none := failed[0].ID, errand.NewID()
	calls := []apiCall{
		{"GET", "/api/v1/openapi.json", "", "", 200}, {"GET", "/api/v1/overview", "", "", 200}, {"GET", "/api/v1/overview", "/api/v1/overview?a=1", "", 400},
		{"GET", "/api/v1/queues", "", "", 200}, {"GET", "/api/v1/queues/{queue}", "/api/v1/queues/mail", "", 200},
		{"GET", "/api/v1/queues/{queue}", "/api/v1/queues/none", "", 404}, {"GET", "/api/v1/queues/{queue}", "/api/v1/queues/a%20b", "", 400},
		{"PATCH", "/api/v1/queues/{queue}", "/api/v1/queues/mail", `{"paused":true}`, 200}, {"PATCH", "/api/v1/queues/{queue}", "/api/v1/queues/mail", `{}`, 400},
		{"POST", "/api/v1/queues/{queue}/jobs", "/api/v1/queues/mail/jobs", `{"task":"other","payload":{"n":12345678901234567890}}`, 201},
		{"POST", "/api/v1/queues/{queue}/jobs", "/api/v1/queues/mail/jobs", `{"task":"mail send"}`, 400},
		{"POST", "/api/v1/queues/{queue}/jobs", "/api/v1/queues/mail/jobs", `{"task":"sum","payload":{"a":"x"}}`, 422},
		{"POST", "/api/v1/queues/{queue}/jobs/batch", "/api/v1/queues/mail/jobs/batch", `{"jobs":[{"task":"sum","payload":{"a":1}},{"task":"b"}]}`, 201},
		{"POST", "/api/v1/queues/{queue}/jobs/batch", "/api/v1/queues/mail/jobs/batch", `{"jobs":[]}`, 400},
		{"GET", "/api/v1/jobs", "/api/v1/jobs?state=failed&text=a&limit=3", "", 200}, {"GET", "/api/v1/jobs", "", "", 200}, {"GET", "/api/v1/jobs", "/api/v1/jobs?limit=201", "", 400},
		{"GET", "/api/v1/jobs/count", "/api/v1/jobs/count?queue=mail", "", 200},
		{"GET", "/api/v1/jobs/{id}", "/api/v1/jobs/" + id, "", 200}, {"GET", "/api/v1/jobs/{id}", "/api/v1/jobs/" + none, "", 404}, {"GET", "/api/v1/jobs/{id}", "/api/v1/jobs/7", "", 400},
		{"GET", "/api/v1/jobs/{id}/attempts", "/api/v1/jobs/" + id + "/attempts", "", 200},
		{"GET", "/api/v1/failures", "/api/v1/failures?queue=mail", "", 200},
		{"POST", "/api/v1/jobs/requeue", "", `{"ids":["` + id + `","` + none + `"]}`, 200}, {"POST", "/api/v1/jobs/requeue", "", `{"filter":{"state":"failed","task":"mail.send"}}`, 202},
		{"POST", "/api/v1/jobs/requeue", "", `{"filter":{}}`, 400}, {"POST", "/api/v1/jobs/requeue", "", `{}`, 400}, {"POST", "/api/v1/jobs/requeue", "", `{"ids":"x"}`, 400},
		{"POST", "/api/v1/jobs/cancel", "", `{"ids":["` + id + `"]}`, 200}, {"POST", "/api/v1/jobs/cancel", "", `{"filter":{"queue":"none"}}`, 202},
		{"POST", "/api/v1/jobs/delete", "", `{"ids":["` + failed[1].ID + `"]}`, 200}, {"POST", "/api/v1/jobs/delete", "", `{"filter":{"queue":"none"}}`, 202},
		{"POST", "/api/v1/jobs/move", "", `{"ids":["` + failed[2].ID + `"],"to":"later"}`, 200}, {"POST", "/api/v1/jobs/move", "", `{"filter":{"queue":"none","since":"90m"},"to":"later"}`, 202},
		{"POST", "/api/v1/jobs/move", "", `{"ids":["` + failed[2].ID + `"]}`, 400}, {"POST", "/api/v1/jobs/cancel", "", `{"ids":["` + failed[2].ID + `"],"to":"x"}`, 400},
		{"GET", "/api/v1/operations", "", "", 200}, {"GET", "/api/v1/operations/{id}", "/api/v1/operations/OP", "", 200}, {"DELETE", "/api/v1/operations/{id}", "/api/v1/operations/OP", "", 200},
		{"GET", "/api/v1/operations/{id}", "/api/v1/operations/none", "", 404}, {"DELETE", "/api/v1/operations/{id}", "/api/v1/operations/none", "", 404},
		{"POST", "/api/v1/queues/{queue}/empty", "/api/v1/queues/reports/empty", "", 202},
		{"GET", "/api/v1/hotqueues", "", "", 200}, {"DELETE", "/api/v1/hotqueues/{queue}/messages", "/api/v1/hotqueues/clicks/messages", "", 200},
		{"GET", "/api/v1/workers", "", "", 200}, {"GET", "/api/v1/tasks", "", "", 200},
		{"POST", "/api/v1/workers/{id}/quiet", "/api/v1/workers/host-1/quiet", "", 202}, {"POST", "/api/v1/workers/{id}/resume", "/api/v1/workers/host-1/resume", "", 202},
		{"POST", "/api/v1/workers/{id}/stop", "/api/v1/workers/host-1/stop", "", 202}, {"POST", "/api/v1/workers/{id}/stop", "/api/v1/workers/none/stop", "", 404},
		{"GET", "/api/v1/series", "/api/v1/series?step_seconds=10&queue=mail&from=2020-01-02T03:04:05Z", "", 200}, {"GET", "/api/v1/series", "/api/v1/series?step_seconds=11", "", 400},
		{"GET", "/api/v1/audit", "/api/v1/audit?limit=5", "", 200}, {"GET", "/api/v1/audit", "/api/v1/audit?cursor=x", "", 400},
		{"GET", "/healthz", "", "", 200}, {"GET", "/readyz", "", "", 200}, {"GET", "/metrics", "", "", 200},
	}
	succeeded, operation := map[string]bool{}, ""
	for _, c := range calls {
		if c.target == "" {
			c.target = c.path
		}
		c.target = strings.Replace(c.target, "OP", operation, 1)
		got, body := c.ask(h)
		if got.StatusCode != c.want {
			t.Errorf("%s %s %s: %d, want %d: %.300s", c.method, c.target, c.body, got.StatusCode, c.want, body)
			continue
		}
		d.check(c.method, c.path, got, body)
		if location := got.Header.Get("Location"); c.want == http.StatusAccepted && location != "" {
			operation = strings.TrimPrefix(location, "/api/v1/operations/")
		}
		if c.want < 300 {
			succeeded[c.method+" "+c.path] = true
		}
	}
	if all := slices.Sorted(maps.Keys(succeeded)); !slices.Equal(all, d.operations()) {
		t.Errorf("not every operation was called: %v", all)
	}
}

// TestOpenAPIJobsOfEveryKind proves that each job that can be in a store is as the document says, whatever is in it, for
// every role.
func TestOpenAPIJobsOfEveryKind(t *testing.T) {
	st := office(t, sample.Fill, sample.Hostile, sample.Huge)
	for _, role := range []web.Role{web.Viewer, web.Operator} {
		h := dashboard(t, st, web.Config{Auth: as(role)})
		d := openDocument(t, h)
		for cursor := ""; ; {
			got, body := ask(h, http.MethodGet, "/api/v1/jobs?limit=200&cursor="+url.QueryEscape(cursor), "")
			d.check("GET", "/api/v1/jobs", got, body)
			var page struct {
				Jobs []struct {
					ID, Queue string
				}
				Next string `json:"next_cursor"`
			}
			if err := json.Unmarshal([]byte(body), &page); err != nil {
				t.Fatal(err)
			}
			for i, job := range page.Jobs {
				if i%7 == 0 || job.Queue == "huge" {
					got, body := ask(h, http.MethodGet, "/api/v1/jobs/"+job.ID+"?queue="+url.QueryEscape(job.Queue), "")
					d.check("GET", "/api/v1/jobs/{id}", got, body)
				}
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
	}
}
