package web

import (
	"context"
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

// keptHistory is a history and what it was made of.
type keptHistory struct {
	at      time.Time // when it was read
	whole   time.Time // when all of it was
	of      *history
	reply   errand.SeriesReply
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

// readHistory reads a history from the store, and keeps it for those who look next. Of one that was read lately it reads the
// end only.
func (h *Handler) readHistory(ctx context.Context, now time.Time, p period, key historyKey) (*history, error) {
	h.histories.mu.Lock()
	kept, ok := h.histories.kept[key]
	h.histories.mu.Unlock()
	slots := p.until(now)
	query := errand.SeriesQuery{Step: p.step, From: slots.from, To: slots.end(), Queue: key.queue, Task: key.task}
	again := ok && time.Since(kept.whole) < wholeHistory
	if again { // what is older is as it was
		query.From = maxTime(slots.from, kept.of.asked.Add(-lateReports).Truncate(p.step))
	}
	reply, err := h.st.Series(ctx, query)
	if err != nil {
		h.histories.mu.Lock()
		delete(h.histories.kept, key)
		h.histories.mu.Unlock()
		return nil, err
	}
	whole := time.Now()
	if again && !reply.From.After(query.From) {
		whole, reply = kept.whole, joined(kept.reply, reply, slots.from, query.From)
	}
	made := historyOf(p, slots, reply)
	made.asked = now
	h.histories.mu.Lock()
	defer h.histories.mu.Unlock()
	if h.histories.kept == nil || len(h.histories.kept) >= maxHistories {
		h.histories.kept = map[historyKey]keptHistory{}
	}
	h.histories.kept[key] = keptHistory{at: time.Now(), whole: whole, of: made, reply: reply}
	return made, nil
}

// The bounds of what is taken from an earlier look at a history.
const (
	lateReports  = 2 * time.Minute // how long after a slot its workers may still report
	wholeHistory = 5 * time.Minute // after which all of it is read again
)

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// joined is an earlier reply, from a time on, with everything since another time replaced by a newer reply.
func joined(old, newer errand.SeriesReply, from, since time.Time) errand.SeriesReply {
	keep := func(at time.Time) bool { return !at.Before(from) && at.Before(since) }
	var all errand.SeriesReply
	for i := range old.Samples {
		if keep(old.Samples[i].At) {
			all.Samples = append(all.Samples, old.Samples[i])
		}
	}
	for i := range old.Depths {
		if keep(old.Depths[i].At) {
			all.Depths = append(all.Depths, old.Depths[i])
		}
	}
	all.Samples = append(all.Samples, newer.Samples...)
	all.Depths = append(all.Depths, newer.Depths...)
	return all
}
