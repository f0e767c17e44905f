package web

import (
	"net/http"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// auditView is the page of who did what.
type auditView struct {
	Who, Action string // what is looked for
	Actions     []choice
	Entries     []errand.AuditEntry
	Next        string // the link to the next page; empty: none
}

// auditActions are the actions that the filter offers.
var auditActions = []string{
	"requeue", "cancel", "delete", "move", "empty", "enqueue", "replace", "pause", "resume", "clear", "quiet", "stop", "migrate",
}

func (h *Handler) auditPage(w http.ResponseWriter, req *request) error {
	values := req.URL.Query()
	view := auditView{Who: values.Get("who"), Action: values.Get("action")}
	for name, value := range map[string]string{"who": view.Who, "action": view.Action, "cursor": values.Get("cursor")} {
		if len(value) > maxParameter {
			return misuse(lang.Mark("The value of %s is too long."), name)
		}
	}
	for _, action := range auditActions {
		view.Actions = append(view.Actions, choice{action, req.lang.T(action), action == view.Action})
	}
	now, err := h.st.Now(req.Context())
	if err != nil {
		return err
	}
	log, err := h.auditLog(req.Context(), errand.AuditFilter{Who: view.Who, Action: view.Action, Cursor: values.Get("cursor"), Limit: 100})
	if err != nil {
		return err
	}
	view.Entries = log.Entries
	if log.Next != "" {
		view.Next = h.config.Path + "audit" + query("who", view.Who, "action", view.Action, "cursor", log.Next)
	}
	return h.render(w, req, http.StatusOK, "audit",
		page{Title: req.lang.T("Audit log"), Nav: "audit", Live: values.Get("cursor") == "", Now: now, View: view})
}
