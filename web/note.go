package web

import (
	"encoding/base64"
	"net/http"
)

// noteCookie carries what was done across the redirect that follows; it is shown once.
const noteCookie = "errand_note"

const maxNote = 300 // bytes

func (h *Handler) leaveNote(w http.ResponseWriter, req *request, text string) {
	text = clip(maxNote/3, text)
	http.SetCookie(w, &http.Cookie{
		Name: noteCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(text)), Path: h.config.Path, MaxAge: 60,
		HttpOnly: true, Secure: req.secure, SameSite: http.SameSiteStrictMode,
	})
}

func (h *Handler) takeNote(w http.ResponseWriter, req *request) string {
	value := cookieOf(req.Request, noteCookie)
	if value == "" || req.Method != http.MethodGet || req.Header.Get("Errand-Part") != "" {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: noteCookie, Path: h.config.Path, MaxAge: -1, HttpOnly: true, Secure: req.secure})
	text, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(text) > maxNote {
		return ""
	}
	return string(text)
}
