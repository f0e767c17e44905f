package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// schemas are what tasks take, as their workers publish it. However many jobs are enqueued, the store is asked for them
// every few seconds at most.
type schemas struct {
	mu       sync.Mutex
	at       time.Time
	raw      map[string]json.RawMessage
	compiled map[string]*jsonschema.Schema // of those that were needed; nil for one that cannot be used
}

const schemaTime = 5 * time.Second // for which what the store said holds

// look returns the schemas by task.
func (s *schemas) look(ctx context.Context, st errand.Store) (map[string]json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refresh(ctx, st)
}

func (s *schemas) refresh(ctx context.Context, st errand.Store) (map[string]json.RawMessage, error) {
	if s.raw != nil && time.Since(s.at) < schemaTime {
		return s.raw, nil
	}
	raw, err := st.Schemas(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		raw, err = map[string]json.RawMessage{}, nil
	}
	if err != nil {
		return nil, err
	}
	if raw == nil {
		raw = map[string]json.RawMessage{}
	}
	for task := range s.compiled {
		if !bytes.Equal(raw[task], s.raw[task]) {
			delete(s.compiled, task)
		}
	}
	s.raw, s.at = raw, time.Now()
	return raw, nil
}

// of returns the schema of a task; nil where there is none that can be used.
func (s *schemas) of(ctx context.Context, st errand.Store, task string) (*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, err := s.refresh(ctx, st)
	if err != nil || raw[task] == nil {
		return nil, err
	}
	schema, ok := s.compiled[task]
	if !ok {
		schema = compile(raw[task])
		if s.compiled == nil {
			s.compiled = map[string]*jsonschema.Schema{}
		}
		s.compiled[task] = schema
	}
	return schema, nil
}

// printer writes what the validator says.
var printer = message.NewPrinter(language.English)

// alone loads no schema from anywhere.
type alone struct{}

func (alone) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may not refer to %.100q", url)
}

// compile returns nil for a schema that is none: then the worker is who finds out about a payload.
func compile(raw json.RawMessage) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(alone{})
	if err := c.AddResource("task.json", doc); err != nil {
		return nil
	}
	schema, err := c.Compile("task.json")
	if err != nil {
		return nil
	}
	return schema
}

// checkPayload holds a payload against what its task takes, where a worker has published that.
func (h *Handler) checkPayload(ctx context.Context, task string, payload []byte) error {
	schema, err := h.schemas.of(ctx, h.st, task)
	if err != nil || schema == nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err == nil {
		err = schema.Validate(value)
	}
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		for len(invalid.Causes) > 0 {
			invalid = invalid.Causes[0]
		}
		where := "payload"
		for _, step := range invalid.InstanceLocation {
			where += "." + step
		}
		return &problem{status: http.StatusUnprocessableEntity, err: err, param: where, text: "The payload is not what the task %s takes: %s.",
			args: []any{task, invalid.ErrorKind.LocalizedString(printer)}, fix: "GET tasks has the schema"}
	}
	if err != nil {
		return &problem{status: http.StatusUnprocessableEntity, err: err, param: "payload", text: "The payload is not JSON: %s.", args: []any{err.Error()}}
	}
	return nil
}

func (h *Handler) checkPayloads(ctx context.Context, specs []errand.JobSpec, list string) error {
	for i := range specs {
		if err := h.checkPayload(ctx, specs[i].Task, specs[i].Payload); err != nil {
			return inList(list, i, err)
		}
	}
	return nil
}
