package web

import (
	_ "embed"
	"encoding/json"
	"net/http"
)

// openapi is the API's document, OpenAPI 3.1, as it is written by hand. A test holds it against the routes and against what
// they answer.
//
//go:embed openapi.json
var openapi []byte

// apiDocument is the document, with this dashboard's path as its server.
func (h *Handler) apiDocument(req *request) (any, error) {
	if _, err := req.query(); err != nil {
		return nil, err
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(openapi, &doc); err != nil {
		return nil, err
	}
	servers, err := json.Marshal([]map[string]string{{"url": h.config.Path}})
	if err != nil {
		return nil, err
	}
	doc["servers"] = servers
	return reply{status: http.StatusOK, body: doc}, nil
}
