// Package web is the dashboard: pages that show queues, jobs, failures and workers, and act on them. It is an
// [net/http.Handler] for the user's own server, and what the command "errand web" serves:
//
//	dashboard := web.New(st, web.Config{
//		Path:  "/errand",
//		Hosts: []string{"intern.example.com"},
//		Auth:  web.BasicAuth(web.User{Name: "ada", Password: os.Getenv("ERRAND_PASSWORD"), Role: web.Admin}),
//	})
//	defer dashboard.Close()
//	http.Handle("/errand/", dashboard)
//
// It is closed by default: without [Config.Auth] or [Config.InsecureNoAuth] it answers every request with 403. Pages are
// made on the server and work without JavaScript; a small script keeps them live.
package web

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/errandhq/errand"
)

// Handler serves the dashboard of one store. Make one with [New].
type Handler struct {
	st          errand.Store
	config      Config
	broken      error // why it serves nobody
	crossOrigin *http.CrossOriginProtection
	mux         *http.ServeMux
	apiRoutes   []string // "METHOD /path" of each, for the test of the API's document
	pages       pages
	feed        feed
	operations  operations
	tallies     tallies
	schemas     schemas
	health      health
	histories   histories
	census      census
	glances     glances

	stop    context.CancelFunc // ends streams
	stopped context.Context
	streams sync.WaitGroup
}

// New makes the dashboard of a store, which stays the caller's to close. A configuration that is wrong or incomplete is
// logged, and the handler answers 403.
func New(st errand.Store, config Config) *Handler {
	checked, err := config.checked()
	if err == nil && checked.Auth == nil {
		err = errors.New("nobody may see it: set Config.Auth, for instance to web.BasicAuth, or Config.InsecureNoAuth")
	}
	if err != nil {
		checked.Logger.Error("errand dashboard: closed", "error", err)
		checked.Path = "/"
	}
	h := &Handler{st: st, config: checked, broken: err, crossOrigin: http.NewCrossOriginProtection()}
	h.stopped, h.stop = context.WithCancel(context.Background())
	h.feed.init(h)
	h.operations.h, h.tallies.h, h.health.h = h, h, h
	h.pages = parsePages(h.config.Path)
	h.mux = h.routes()
	return h
}

// Close ends the event streams and what goes on in the background, and waits for them. Requests after it get pages that
// are not live.
func (h *Handler) Close() error {
	h.feed.mu.Lock() // no stream begins meanwhile
	h.operations.mu.Lock()
	h.stop()
	h.operations.mu.Unlock()
	h.feed.mu.Unlock()
	h.streams.Wait()
	h.operations.group.Wait()
	h.tallies.flush(context.Background())
	return nil
}

// Server makes a server for the handler with limits on time and headers.
func Server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}
