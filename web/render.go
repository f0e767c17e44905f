package web

import (
	"bytes"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// page is what every page has; View is what its own template shows.
type page struct {
	Title string
	Nav   string // the entry of the navigation that is the page's own
	View  any

	Lang     *lang.Lang
	Langs    []*lang.Lang
	Theme    string
	Name     string
	Who      Principal
	ReadOnly bool
	Refresh  int // seconds; 0: the page stays as it is
	Here     string
	Now      time.Time
	Live     bool // the page has parts that change
	Reload   bool // a browser without a script should load it again soon
	Note     string
}

// May reports whether the one who looks on has the role and the dashboard takes changes.
func (p page) May(role string) bool {
	r, err := ParseRole(role)
	return err == nil && p.Who.Role >= r && !p.ReadOnly
}

// pages are the templates of every page in every language.
type pages map[*lang.Lang]map[string]*template.Template

// pageFiles are the pages' own templates, which every page's set has beside the shared ones.
var pageFiles = []string{
	"overview", "queues", "jobs", "job", "failures", "hotqueues", "workers", "enqueue", "settings", "confirm", "error",
	"operation", "operations", "audit",
}

// parsePages parses the templates once, for a mount prefix.
func parsePages(prefix string) pages {
	all := pages{}
	for _, l := range lang.All() {
		shared := template.Must(template.New("layout").Funcs(functions(l, prefix)).
			ParseFS(files, "templates/layout.html", "templates/parts.html"))
		all[l] = map[string]*template.Template{}
		for _, name := range pageFiles {
			set := template.Must(shared.Clone())
			all[l][name] = template.Must(set.ParseFS(files, "templates/"+name+".html"))
		}
	}
	return all
}

// functions are what templates can call.
func functions(l *lang.Lang, prefix string) template.FuncMap {
	return template.FuncMap{
		"t":            l.T,
		"n":            func(n any, one, many string) string { return l.N(whole(n), one, many) },
		"number":       func(n any) string { return l.Number(whole(n)) },
		"short":        func(n any) string { return l.Short(float(n)) },
		"bytes":        func(n any) string { return l.Bytes(whole(n)) },
		"duration":     l.Duration,
		"relative":     l.Relative,
		"moment":       moment,
		"clock":        clock,
		"iso":          func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
		"state":        func(s errand.State) string { return l.T(s.String()) },
		"states":       errand.States,
		"link":         func(p string) string { return prefix + strings.TrimPrefix(p, "/") },
		"asset":        func(name string) string { return prefix + "assets/" + assetNames[name] },
		"queueLink":    func(name string) string { return prefix + "queues/" + url.PathEscape(name) },
		"hotqueueLink": func(name string) string { return prefix + "hotqueues/" + url.PathEscape(name) },
		"jobLink":      func(queue, id string) string { return prefix + "jobs/" + url.PathEscape(id) + query("queue", queue) },
		"query":        query,
		"add":          func(a, b int64) int64 { return a + b },
		"icon":         icon,
		"clip":         clip,
		"args":         func(values ...any) []any { return values },
	}
}

// query writes pairs of names and values as a URL's query; those without a value are left out.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func whole(n any) int64 {
	switch n := n.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	case float64:
		return int64(n + 0.5)
	}
	return 0
}

func float(n any) float64 {
	if f, ok := n.(float64); ok {
		return f
	}
	return float64(whole(n))
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// clock writes a time of today to the millisecond, and of another day with its date, in UTC.
func clock(now, t time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05.000")
	}
	return t.Format("01-02 15:04:05")
}

// clip cuts a text for a line of a table.
func clip(n int, s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return s
}

// render writes a page; only its main part, where the script asks for that.
func (h *Handler) render(w http.ResponseWriter, req *request, status int, name string, p page) error {
	p.Lang, p.Langs, p.Theme = req.lang, lang.All(), req.theme
	p.Name, p.Who, p.ReadOnly = h.config.Name, req.who, h.config.ReadOnly
	p.Refresh, p.Here, p.Note = refreshOf(req.Request), h.here(req), h.takeNote(w, req)
	if p.Now.IsZero() {
		p.Now = time.Now() // an error's page: it shows no times of the store
	}
	entry := "layout"
	if req.Header.Get("Errand-Part") == "main" {
		entry = "main"
	}
	var body bytes.Buffer
	if err := h.pages[req.lang][name].ExecuteTemplate(&body, entry, p); err != nil {
		h.config.Logger.Error("errand dashboard: template", "page", name, "error", err)
		http.Error(w, req.lang.T("This page cannot be shown; the server's log says why."), http.StatusInternalServerError)
		return nil
	}
	maps.DeleteFunc(w.Header(), func(k string, _ []string) bool { return k == "Content-Length" })
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", req.lang.Tag)
	w.Header().Set("Server-Timing", fmt.Sprintf("page;dur=%.1f", float64(time.Since(req.came).Microseconds())/1000)) // the script paces itself by it
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the browser has gone: nobody to tell
	return nil
}

// here is the page's own address, to come back to.
func (h *Handler) here(req *request) string {
	if req.Method == http.MethodGet && h.ours(req.URL.RequestURI()) {
		return req.URL.RequestURI()
	}
	return h.config.Path
}

// ours reports whether an address is a page of this dashboard.
func (h *Handler) ours(target string) bool {
	u, err := url.Parse(target)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && u.Opaque == "" &&
		len(target) <= maxURL && strings.HasPrefix(target, h.config.Path) && !strings.HasPrefix(target, "//") &&
		!strings.ContainsAny(target, "\\\r\n") && path.Clean(u.Path) != ""
}
