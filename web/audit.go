package web

import (
	"context"
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

// record writes down a change that somebody has made: what to which target, and to how many.
func (h *Handler) record(_ context.Context, by author, action, target string, count int64) {
	h.config.Logger.Info("errand dashboard: action", "who", by.name, "via", by.via, "action", action, "target", target, "count", count)
}

// log writes down what the sender of a request did.
func (h *Handler) log(req *request, action, target string, count int) {
	h.record(context.WithoutCancel(req.Context()), req.author(), action, target, int64(count))
}
