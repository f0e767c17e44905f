package web

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// health answers those who watch over processes. They cannot sign in, and ask by addresses of their own, so these two
// are outside of the guard; they say ok or not, and nothing else, and cost the store one small look a second at most.
type health struct {
	h     *Handler
	mu    sync.Mutex
	at    time.Time
	ready bool
}

const readyTime = 2 * time.Second // for the store to answer

// serve answers GET healthz and readyz, and reports whether the request was one of them.
func (s *health) serve(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	status, text := http.StatusOK, "ok\n"
	switch r.URL.Path {
	case s.h.config.Path + "healthz":
	case s.h.config.Path + "readyz":
		if !s.look(r.Context()) {
			status, text = http.StatusServiceUnavailable, "the store does not answer\n"
		}
	default:
		return false
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the client has gone: nobody to tell
	return true
}

// look reports whether the store answers, or has answered within a second.
func (s *health) look(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) < time.Second {
		return s.ready
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime)
	defer cancel()
	_, err := s.h.st.Now(ctx)
	if err == nil && s.h.stopped.Err() != nil {
		err = s.h.stopped.Err() // it is being stopped: send nobody here any more
	}
	if err != nil {
		s.h.config.Logger.Warn("errand dashboard: not ready", "error", err)
	}
	s.ready, s.at = err == nil, time.Now()
	return s.ready
}
