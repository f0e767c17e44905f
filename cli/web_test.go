package cli

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// TestWebServesAPIAndMetrics proves that the web command serves pages, the API and metrics to who has the password, and
// health to everybody, until it is interrupted.
func TestWebServesAPIAndMetrics(t *testing.T) {
	t.Setenv(webPasswordEnv, "secret")
	st := memory.New()
	defer st.Close()
	said, out := io.Pipe()
	s := newSession(App{Name: "errand"}, strings.NewReader(""), out, os.Stderr)
	s.open = func(context.Context, string) (errand.Store, error) { return kept{st}, nil }
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- s.run(ctx, []string{"--store", "memory:", "web", "--listen", "127.0.0.1:0"}) }()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(strings.TrimSpace(line[strings.Index(line, "http://"):]), "/")
	for path, want := range map[string]string{
		"/": "<!doctype html>", "/api/v1/queues": `"queues":[]`, "/metrics": "\nerrand_up 1\n", "/healthz": "ok\n", "/readyz": "ok\n",
	} {
		for _, password := range []string{"secret", ""} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if password != "" {
				r.SetBasicAuth("admin", password)
			}
			got, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(got.Body)
			got.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			let := password != "" || strings.HasSuffix(path, "z")
			if shown := got.StatusCode == http.StatusOK && strings.Contains(strings.ToLower(string(body)), want); shown != let {
				t.Errorf("GET %s with password %q: %d %.200s", path, password, got.StatusCode, body)
			}
		}
	}
	stop()
	if status := <-ended; status != exitDone {
		t.Errorf("exit status %d", status)
	}
}
