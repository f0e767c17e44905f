package web

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand/internal/lang"
)

// The limits of requests.
const (
	maxBody    = 4 << 20          // bytes of a form: a payload of 1 MiB, encoded
	maxURL     = 8 << 10          // bytes
	queryTime  = 10 * time.Second // for all that a page asks the store
	streamTime = 10 * time.Minute // until an event stream is ended; the browser comes back
	maxStreams = 100              // at a time
)

// policy lets the browser load this dashboard's own files and nothing else, and run no code that is in a page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP answers a request: it checks where it comes from and who sends it before it looks at what it wants.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")

	req := &request{Request: r, came: time.Now(), lang: h.language(r), theme: h.theme(r), secure: r.TLS != nil,
		api: strings.HasPrefix(r.URL.Path, h.config.Path+"api/")}
	if h.broken != nil {
		h.fail(w, req, &problem{status: http.StatusForbidden, err: h.broken,
			text: lang.Mark("The dashboard is closed: its configuration is incomplete. The server's log says how to mend it.")})
		return
	}
	if h.health.serve(w, r) {
		return
	}
	if err := h.admit(w, req); err != nil {
		h.fail(w, req, err)
		return
	}
	h.mux.ServeHTTP(w, r.WithContext(withRequest(r.Context(), req)))
}

// admit checks a request's origin, size and sender. On success req knows who sends it.
func (h *Handler) admit(w http.ResponseWriter, req *request) error {
	r := req.Request
	host := r.Host
	if h.fromProxy(r) {
		if forwarded := r.Header.Get("X-Forwarded-Host"); forwarded != "" {
			host = forwarded
		}
		req.secure = r.Header.Get("X-Forwarded-Proto") == "https"
	}
	if !h.hostAllowed(host) {
		h.config.Logger.Warn("errand dashboard: host not allowed: add it to Config.Hosts", "host", host)
		return &problem{status: http.StatusForbidden, text: lang.Mark("This host name is not on the list of allowed ones (Config.Hosts).")}
	}
	if len(r.URL.RequestURI()) > maxURL {
		return &problem{status: http.StatusRequestURITooLong, text: lang.Mark("The address is too long.")}
	}
	if err := h.crossOrigin.Check(r); err != nil {
		h.config.Logger.Warn("errand dashboard: request from another site refused", "error", err)
		return &problem{status: http.StatusForbidden, text: lang.Mark("Another site sent this request. Open the dashboard and do it there.")}
	}
	who, err := h.config.Auth(r)
	if err != nil || who.Role == 0 {
		return h.deny(w, req, err)
	}
	req.who = who
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	return nil
}

// deny answers as the error of Config.Auth asks.
func (h *Handler) deny(w http.ResponseWriter, r *request, err error) error {
	var d *Denial
	if !errors.As(err, &d) {
		h.config.Logger.Warn("errand dashboard: denied", "error", err, "path", r.URL.Path)
		d = &Denial{}
	}
	if d.Login != "" && r.Method == http.MethodGet && !r.api {
		w.Header().Set("Location", d.Login)
		return &problem{status: http.StatusSeeOther, text: lang.Mark("Sign in first.")}
	}
	if d.Challenge != "" {
		w.Header().Set("WWW-Authenticate", d.Challenge)
	}
	text := lang.Mark("You may not see this.")
	if d.status() == http.StatusUnauthorized {
		text = lang.Mark("Sign in first.")
	}
	return &problem{status: d.status(), text: text}
}

// fromProxy reports whether a proxy that is believed sends the request.
func (h *Handler) fromProxy(r *http.Request) bool {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(h.config.Proxies, func(p netip.Prefix) bool { return p.Contains(addr.Addr().Unmap()) })
}

func (h *Handler) hostAllowed(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	return slices.ContainsFunc(h.config.Hosts, func(allowed string) bool {
		return allowed == "*" || strings.EqualFold(allowed, host)
	})
}
