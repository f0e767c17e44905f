package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/web"
)

// gated is a store whose Requeue waits, so that a test sees an operation while it is under way.
type gated struct {
	errand.Store
	entered chan struct{}
	open    chan struct{}
}

func newGated(st errand.Store) *gated {
	return &gated{st, make(chan struct{}, 100), make(chan struct{})}
}

func (g *gated) Requeue(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	g.entered <- struct{}{}
	select {
	case <-g.open:
		return g.Store.Requeue(ctx, cmd)
	case <-ctx.Done():
		return errand.CommandReply{}, ctx.Err()
	}
}

// canceled fills a store with n canceled jobs.
func canceled(n int) func(context.Context, errand.Store) error {
	return func(ctx context.Context, st errand.Store) error {
		now, err := st.Now(ctx)
		if err != nil {
			return err
		}
		for at := 0; at < n; at += 500 {
			group := make([]errand.JobSpec, min(500, n-at))
			for i := range group {
				group[i] = errand.JobSpec{ID: errand.NewID(), Queue: "mail", Task: "send", Payload: fmt.Appendf(nil, "%d", at+i)}
			}
			if _, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{group}}); err != nil {
				return err
			}
		}
		for more := true; more; {
			reply, err := st.Cancel(ctx, errand.Command{Now: now, Filter: errand.JobFilter{State: errand.StateQueued}})
			if err != nil {
				return err
			}
			more = reply.More
		}
		return nil
	}
}

const requeueAll = "action=requeue&all=1&confirmed=1&state=canceled"

// TestOperationActsOnAll proves that an action on all that a search finds reaches each of them, and says how many.
func TestOperationActsOnAll(t *testing.T) {
	st := office(t, canceled(1200))
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	got, _ := ask(h, http.MethodPost, "/jobs", requeueAll)
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("requeue all: %d", got.StatusCode)
	}
	cookie, _, _ := strings.Cut(got.Header.Get("Set-Cookie"), ";")
	if _, body := ask(h, http.MethodGet, "/", "", with("Cookie", cookie)); !strings.Contains(body, "1,200 jobs requeued.") {
		t.Errorf("the next page does not say what was done")
	}
	page, err := st.Jobs(t.Context(), errand.JobFilter{State: errand.StateCanceled})
	if err != nil || len(page.Jobs) > 0 {
		t.Errorf("%d jobs are still canceled: %v", len(page.Jobs), err)
	}
}

// TestOperationsAreBounded proves that only so many go on at a time, that they outlive the requests that began them, and
// that Close ends them.
func TestOperationsAreBounded(t *testing.T) {
	st := newGated(office(t, canceled(20)))
	h := dashboard(t, st, web.Config{InsecureNoAuth: true})
	impatient := func(r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		go func() { <-st.entered; cancel() }() // the browser goes as soon as the work has begun
		*r = *r.WithContext(ctx)
	}
	for range 4 {
		if got, _ := ask(h, http.MethodPost, "/jobs", requeueAll, impatient); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("requeue all: %d", got.StatusCode)
		}
	}
	if got, _ := ask(h, http.MethodPost, "/jobs", requeueAll); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one more: %d, want 429", got.StatusCode)
	}
	h.Close() // returns only when they have ended
	if got, _ := ask(h, http.MethodPost, "/jobs", requeueAll); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after Close: %d, want 503", got.StatusCode)
	}
}
