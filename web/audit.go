package web

import (
	"context"
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// author is who changes something, and by what way.
type author struct {
	name string
	via  string // "dashboard" or "api"
}

func (r *request) author() author {
	if r.api {
		return author{r.who.Name, "api"}
	}
	return author{r.who.Name, "dashboard"}
}

const (
	auditTime  = 5 * time.Second // for one entry
	tallyTime  = time.Minute     // for which enqueues by the API are counted together
	maxTallies = 1000            // of authors and queues
)

// record writes down a change that somebody has made: what to which target, and to how many. What was done is done: where
// the store cannot note it, the log has it.
func (h *Handler) record(ctx context.Context, by author, action, target string, count int64) {
	h.forgetFailures()
	h.config.Logger.Info("errand dashboard: action", "who", by.name, "via", by.via, "action", action, "target", target, "count", count)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTime)
	defer cancel()
	now, err := h.st.Now(ctx)
	if err == nil {
		err = h.st.RecordAudit(ctx, errand.AuditEntry{
			ID: errand.NewID(), At: now, Who: by.name, Via: by.via, Action: action, Target: target, Count: count,
		})
	}
	if err != nil {
		h.config.Logger.Error("errand dashboard: the audit log of the store does not have this action", "action", action, "error", err)
	}
}

// log writes down what the sender of a request did.
func (h *Handler) log(req *request, action, target string, count int) {
	h.record(req.Context(), req.author(), action, target, int64(count))
}

// tallies count what programs enqueue through the API, so that the audit log has an entry a minute for it and not one a job,
// which would cost as much as the job and drive out what people did.
type tallies struct {
	h    *Handler
	mu   sync.Mutex
	open map[tallyKey]*burst
}

type tallyKey struct {
	by    author
	queue string
}

type burst struct {
	since time.Time
	count int64
}

// add counts jobs, and writes down those of a minute that is over.
func (t *tallies) add(ctx context.Context, by author, queue string, jobs int) {
	key := tallyKey{by, queue}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[tallyKey]*burst{}
	}
	open := t.open[key]
	if open == nil {
		if len(t.open) >= maxTallies {
			t.writeAll(ctx)
		}
		open = &burst{since: time.Now()}
		t.open[key] = open
	}
	open.count += int64(jobs)
	if time.Since(open.since) >= tallyTime {
		t.write(ctx, key)
	}
}

// flush writes down all that is counted: before somebody reads the audit log, and at the end.
func (t *tallies) flush(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writeAll(ctx)
}

func (t *tallies) writeAll(ctx context.Context) {
	for key := range t.open {
		t.write(ctx, key)
	}
}

func (t *tallies) write(ctx context.Context, key tallyKey) {
	t.h.record(ctx, key.by, "enqueue", "queue "+key.queue, t.open[key].count)
	delete(t.open, key)
}

// auditLog is a page of who did what.
func (h *Handler) auditLog(ctx context.Context, filter errand.AuditFilter) (errand.AuditPage, error) {
	h.tallies.flush(ctx)
	return h.st.Audit(ctx, filter)
}
