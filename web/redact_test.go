package web_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/web"
)

// TestPayloadsAreNotFoundByWhoMayNotSeeThem proves that neither a search nor a form shows what Redact hides, or what a
// viewer may not see.
func TestPayloadsAreNotFoundByWhoMayNotSeeThem(t *testing.T) {
	id := errand.NewID()
	st := office(t, func(ctx context.Context, st errand.Store) error {
		spec := errand.JobSpec{ID: id, Queue: "mail", Task: "send", Payload: []byte(`{"card":"4111"}`)}
		_, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: time.Now(), Groups: [][]errand.JobSpec{{spec}}})
		return err
	})
	redact := func(_ string, payload []byte) []byte {
		return bytes.ReplaceAll(payload, []byte("4111"), []byte("****"))
	}
	for _, who := range []struct {
		name  string
		conf  web.Config
		finds bool
	}{
		{"an operator", web.Config{Auth: as(web.Operator)}, true},
		{"a viewer", web.Config{Auth: as(web.Viewer)}, false},
		{"an operator, redacted", web.Config{Auth: as(web.Operator), Redact: redact}, false},
	} {
		t.Run(who.name, func(t *testing.T) {
			h := dashboard(t, st, who.conf)
			if _, body := ask(h, http.MethodGet, "/jobs?text=4111", ""); strings.Contains(body, id) != who.finds {
				t.Errorf("the job is found: %v, want %v", !who.finds, who.finds)
			}
			for _, form := range []string{"", "&edit=1"} {
				answer, body := ask(h, http.MethodGet, "/enqueue?queue=mail&from="+id+form, "")
				if shown := answer.StatusCode == http.StatusOK && strings.Contains(body, "4111"); shown != who.finds {
					t.Errorf("form %q shows the payload: %v, want %v", form, shown, who.finds)
				}
				if !who.finds && answer.StatusCode != http.StatusForbidden {
					t.Errorf("form %q: status %d, want 403", form, answer.StatusCode)
				}
			}
		})
	}
}
