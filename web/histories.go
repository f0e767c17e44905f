package web

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// historyKey is what a history is of.
type historyKey struct{ period, queue, task string }

// histories keeps what was read for a moment, so that pages that are open side by side cost the store no more than one.
type histories struct {
	mu   sync.Mutex
	kept map[historyKey]keptHistory
}

type keptHistory struct {
	at      time.Time
	of      *history
	reading bool // a newer one is on its way
}

// stale is how many times as old as fresh a history may be and still be shown while a newer one is read.
const stale = 5

// maxHistories bounds how many are kept.
const maxHistories = 64

// history returns the series of a period, of a queue and a task where they are not empty. Of a store that keeps none it is
// empty. Who looks soon after another waits for nothing: they see what that one saw, and a newer one is read meanwhile.
func (h *Handler) history(ctx context.Context, now time.Time, p period, queue, task string) (*history, error) {
	key := historyKey{p.Name, queue, task}
	h.histories.mu.Lock()
	kept, ok := h.histories.kept[key]
	age := time.Since(kept.at)
	ok = ok && age < stale*p.fresh
	if ok && age >= p.fresh && !kept.reading {
		kept.reading = true
		h.histories.kept[key] = kept
		h.readHistoryLater(now, p, key)
	}
	h.histories.mu.Unlock()
	if ok {
		return kept.of, nil
	}
	return h.readHistory(ctx, now, p, key)
}

// readHistoryLater reads a history in the background, unless the handler is being closed.
func (h *Handler) readHistoryLater(now time.Time, p period, key historyKey) {
	h.operations.mu.Lock()
	defer h.operations.mu.Unlock()
	if h.stopped.Err() != nil {
		return
	}
	h.operations.group.Go(func() {
		ctx, cancel := context.WithTimeout(h.stopped, queryTime)
		defer cancel()
		if _, err := h.readHistory(ctx, now, p, key); err != nil && h.stopped.Err() == nil {
			h.config.Logger.Warn("errand dashboard: series could not be read", "error", err)
		}
	})
}

// readHistory reads a history from the store, and keeps it for those who look next.
func (h *Handler) readHistory(ctx context.Context, now time.Time, p period, key historyKey) (*history, error) {
	slots := p.until(now)
	reply, err := h.st.Series(ctx, errand.SeriesQuery{Step: p.step, From: slots.from, To: slots.end(), Queue: key.queue, Task: key.task})
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		h.histories.mu.Lock()
		delete(h.histories.kept, key)
		h.histories.mu.Unlock()
		return nil, err
	}
	made := historyOf(p, slots, reply)
	h.histories.mu.Lock()
	defer h.histories.mu.Unlock()
	if h.histories.kept == nil || len(h.histories.kept) >= maxHistories {
		h.histories.kept = map[historyKey]keptHistory{}
	}
	h.histories.kept[key] = keptHistory{at: time.Now(), of: made}
	return made, nil
}
