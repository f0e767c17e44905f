package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// manyFailed is a store with more failed jobs than one look reads: of two causes, and one of a third.
func manyFailed(t *testing.T, n int) *memory.Store {
	t.Helper()
	st := memory.New()
	t.Cleanup(func() { st.Close() })
	ctx := context.Background()
	now, err := st.Now(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < n; at += 500 {
		group := make([]errand.JobSpec, min(500, n-at))
		for i := range group {
			group[i] = errand.JobSpec{ID: errand.NewID(), Queue: "mail", Task: "send", Payload: []byte("1")}
		}
		if _, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{group}}); err != nil {
			t.Fatal(err)
		}
		claim, err := st.Claim(ctx, errand.ClaimRequest{Now: now, Worker: "w", Number: int64(at + 1), Queues: []string{"mail"}, Limit: 500, Lease: time.Hour, MaxRecoveries: 3})
		if err != nil || len(claim.Jobs) != len(group) {
			t.Fatalf("%d of %d claimed: %v", len(claim.Jobs), len(group), err)
		}
		var ends []errand.Outcome
		for i, job := range claim.Jobs {
			text := fmt.Sprintf("customer %d: connection refused", at+i)
			switch {
			case at+i == 0:
				text = "the first of all"
			case i%2 == 1:
				text = fmt.Sprintf("invoice %d has no lines", at+i)
			}
			ends = append(ends, errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventFailed,
				Record: &errand.AttemptRecord{Attempt: 1, Token: job.Token, Outcome: errand.EventFailed, StartedAt: now, EndedAt: now, Error: text}})
		}
		if _, err := st.Settle(ctx, errand.SettleRequest{Now: now.Add(time.Duration(at) * time.Millisecond), Worker: "w", Outcomes: ends}); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

// TestCensus: a page looks into a bounded number of failed jobs; meanwhile all are counted in the background, and the next
// page has each group whole. One button then reaches all of a group, also those that no page has read.
func TestCensus(t *testing.T) {
	const n = scanJobs + 1000
	st := manyFailed(t, n)
	h := New(st, Config{InsecureNoAuth: true, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { h.Close() })
	page := func() string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/failures", nil))
		return w.Body.String()
	}
	if body := page(); !strings.Contains(body, "counts are at least those shown") {
		t.Fatal("the first page does not say that there are more")
	}
	h.operations.group.Wait()
	body := page()
	for _, want := range []string{"All 11,000 failed jobs were counted in the background", "the first of all", `<span class="count">5,500</span>`, `<span class="count">5,499</span>`} {
		if !strings.Contains(body, want) {
			t.Errorf("after the census the page has no %q", want)
		}
	}
	form := strings.NewReader("action=requeue&all=1&confirmed=1&state=failed&task=send&group=the+first+of+all")
	r := httptest.NewRequest(http.MethodPost, "http://localhost/jobs", form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h.ServeHTTP(httptest.NewRecorder(), r)
	h.operations.group.Wait()
	queues, err := st.Queues(t.Context(), time.Now())
	if err != nil || queues[0].Counts[errand.StateQueued] != 1 || queues[0].Counts[errand.StateFailed] != n-1 {
		t.Errorf("requeued the one at the very end: %v, %v", queues[0].Counts, err)
	}
}
