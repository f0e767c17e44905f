package web

// APIRoutes lists the API's calls, each as "METHOD /path".
func (h *Handler) APIRoutes() []string { return h.apiRoutes }

// SearchParameters are the names of what a search can say.
var SearchParameters = searchParameters
