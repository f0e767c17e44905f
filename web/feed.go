package web

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"sync"
	"time"

	"github.com/errandhq/errand/internal/lang"
)

// feed tells open pages that something changed. However many there are, one look at the store a second serves them all.
type feed struct {
	h     *Handler
	mu    sync.Mutex
	open  int
	stamp uint64 // of the last look
	at    time.Time
}

func (f *feed) init(h *Handler) { f.h = h }

// join counts a stream, and reports false where there are too many.
func (f *feed) join() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open >= maxStreams || f.h.stopped.Err() != nil {
		return false
	}
	f.open++
	f.h.streams.Add(1)
	return true
}

func (f *feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	f.h.streams.Done()
}

// look returns a number that changes when a queue or a worker does.
func (f *feed) look(ctx context.Context) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.at) < time.Second {
		return f.stamp, nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	now, err := f.h.st.Now(ctx)
	if err != nil {
		return 0, err
	}
	queues, err := f.h.st.Queues(ctx, now)
	if err != nil {
		return 0, err
	}
	workers, err := f.h.st.Workers(ctx)
	if err != nil {
		return 0, err
	}
	sum := fnv.New64a()
	for _, q := range queues {
		fmt.Fprintln(sum, q.Name, q.Paused, q.Counts, q.Enqueued.Total, q.Finished.Total, q.Failed.Total)
	}
	for i := range workers {
		fmt.Fprintln(sum, workers[i].ID, workers[i].SeenAt, workers[i].Lost(now))
	}
	for _, op := range f.h.operations.all() {
		fmt.Fprintln(sum, op.ID, op.State, op.Changed)
	}
	f.stamp, f.at = sum.Sum64(), time.Now()
	return f.stamp, nil
}

// events is the stream that tells a page when to look again.
func (h *Handler) events(w http.ResponseWriter, req *request) error {
	every := time.Duration(refreshOf(req.Request)) * time.Second
	if every == 0 {
		w.WriteHeader(http.StatusNoContent) // tells the browser not to come back
		return nil
	}
	if !h.feed.join() {
		return &problem{status: http.StatusServiceUnavailable, text: lang.Mark("Too many pages are open at once.")}
	}
	defer h.feed.leave()

	ctx, cancel := context.WithTimeout(req.Context(), streamTime)
	defer cancel()
	defer context.AfterFunc(h.stopped, cancel)()
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Now().Add(streamTime + time.Minute)) // some servers cannot: then theirs holds
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := uint64(0)
	for {
		event := "idle"
		stamp, err := h.feed.look(ctx)
		if err != nil {
			event = "trouble"
		} else if stamp != last {
			event, last = "changed", stamp
		}
		if _, err := fmt.Fprintf(w, "event: %s\ndata: %d\n\n", event, stamp); err != nil {
			return nil
		}
		if err := out.Flush(); err != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
