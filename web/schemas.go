package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// schemas are what tasks take, as their workers publish it. However many jobs are enqueued, the store is asked for them
// every few seconds at most.
type schemas struct {
	mu     sync.Mutex
	at     time.Time
	raw    map[string]json.RawMessage
	parsed map[string]*schema // of those that were needed; nil for one that cannot be read
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
	if err != nil {
		return nil, err
	}
	if raw == nil {
		raw = map[string]json.RawMessage{}
	}
	for task := range s.parsed {
		if !bytes.Equal(raw[task], s.raw[task]) {
			delete(s.parsed, task)
		}
	}
	s.raw, s.at = raw, time.Now()
	return raw, nil
}

// of returns the schema of a task, and its text; nil where there is none that can be read.
func (s *schemas) of(ctx context.Context, st errand.Store, task string) (*schema, json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.refresh(ctx, st)
	raw, ok := all[task]
	if err != nil || !ok {
		return nil, nil, err
	}
	parsed, ok := s.parsed[task]
	if !ok {
		parsed = &schema{}
		if json.Unmarshal(raw, parsed) != nil {
			parsed = nil // a worker's mistake: its schema checks nothing
		}
		if s.parsed == nil {
			s.parsed = map[string]*schema{}
		}
		s.parsed[task] = parsed
	}
	return parsed, raw, nil
}

// checkPayloads holds the payloads of jobs against what their tasks take, where workers have published that.
func (h *Handler) checkPayloads(ctx context.Context, specs []errand.JobSpec, list string) error {
	for i := range specs {
		known, _, err := h.schemas.of(ctx, h.st, specs[i].Task)
		if err != nil {
			return err
		}
		if known == nil {
			continue
		}
		if faults := checkPayload(lang.English, known, specs[i].Payload); len(faults) > 0 {
			where := "payload"
			if first := faults[0].Where; first != "" {
				where += "." + first
			}
			return inList(list, i, &problem{status: http.StatusUnprocessableEntity, param: where,
				text: "The payload is not what the task %s takes: %s", args: []any{specs[i].Task, faults[0].Text}, fix: "GET tasks has the schema"})
		}
	}
	return nil
}
