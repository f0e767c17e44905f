package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/errandhq/errand/internal/lang"
)

// The settings live in cookies of the browser.
const (
	langCookie    = "errand_lang"
	themeCookie   = "errand_theme"
	refreshCookie = "errand_refresh"
)

var themes = []string{"auto", "light", "dark"}

// refreshes are the choices of how often a page may change, in seconds; 0 is never.
var refreshes = []int{1, 2, 5, 15, 60, 0}

const defaultRefresh = 2

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

func (h *Handler) language(r *http.Request) *lang.Lang {
	if l, ok := lang.Parse(cookieOf(r, langCookie)); ok {
		return l
	}
	return lang.Match(r.Header.Get("Accept-Language"))
}

func (h *Handler) theme(r *http.Request) string {
	return oneOf(cookieOf(r, themeCookie), themes)
}

func refreshOf(r *http.Request) int { return refresh(cookieOf(r, refreshCookie)) }

// refresh returns the choice that the text names, else the default.
func refresh(text string) int {
	for _, s := range refreshes {
		if text == strconv.Itoa(s) {
			return s
		}
	}
	return defaultRefresh
}

// oneOf returns the value where it is one of the choices, else the first of them.
func oneOf(value string, choices []string) string {
	for _, c := range choices {
		if c == value {
			return c
		}
	}
	return choices[0]
}

// settingsView is the page of settings.
type settingsView struct {
	Langs     []*lang.Lang
	Themes    []choice
	Refreshes []choice
}

// choice is one of several.
type choice struct {
	Value  string
	Text   string
	Chosen bool
}

func (h *Handler) settings(w http.ResponseWriter, req *request) error {
	t := req.lang.T
	names := map[string]string{"auto": t("as the system"), "light": t("light"), "dark": t("dark")}
	view := settingsView{Langs: lang.All()}
	for _, theme := range themes {
		view.Themes = append(view.Themes, choice{theme, names[theme], theme == req.theme})
	}
	for _, s := range refreshes {
		text := t("never")
		if s > 0 {
			text = t("every %s", req.lang.Duration(time.Duration(s)*time.Second))
		}
		view.Refreshes = append(view.Refreshes, choice{strconv.Itoa(s), text, s == refreshOf(req.Request)})
	}
	return h.render(w, req, http.StatusOK, "settings", page{Title: t("Settings"), Nav: "settings", View: view})
}

// saveSettings sets those settings that the form has.
func (h *Handler) saveSettings(w http.ResponseWriter, req *request) error {
	if err := req.ParseForm(); err != nil {
		return err
	}
	set := func(name, value string) {
		http.SetCookie(w, &http.Cookie{
			Name: name, Value: value, Path: h.config.Path, MaxAge: 365 * 24 * 3600,
			HttpOnly: true, Secure: req.secure, SameSite: http.SameSiteLaxMode,
		})
	}
	if l, ok := lang.Parse(req.PostForm.Get("lang")); ok {
		set(langCookie, l.Tag)
	}
	if theme := req.PostForm.Get("theme"); theme != "" {
		set(themeCookie, oneOf(theme, themes))
	}
	if text := req.PostForm.Get("refresh"); text != "" {
		set(refreshCookie, strconv.Itoa(refresh(text)))
	}
	h.redirect(w, req, req.PostForm.Get("back"))
	return nil
}

// redirect sends the browser to a page of the dashboard; to the overview, where back is none.
func (h *Handler) redirect(w http.ResponseWriter, req *request, back string) {
	if !h.ours(back) {
		back = h.config.Path
	}
	http.Redirect(w, req.Request, back, http.StatusSeeOther)
}
