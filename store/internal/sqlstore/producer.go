package sqlstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/errandhq/errand"
)

// jobProducers stands in the column of queues for those who enqueue jobs: no queue has an empty name.
const jobProducers = ""

// refusedGroup is what is kept of a refusal, so that a repeated request gets the same reply.
type refusedGroup struct {
	Group     int                    `json:"group"`
	Duplicate *errand.DuplicateError `json:"duplicate,omitempty"`
	Invalid   string                 `json:"invalid,omitempty"`
}

// sentBefore returns the reply to a request that was carried out before. One that is older than the producer's last came
// late; its sender has given it up.
func (s *Session) sentBefore(req *errand.EnqueueRequest) (refusals []error, again bool, err error) {
	if last, known := s.remembered(jobProducers, req.Producer); known && req.Number > last {
		s.known = true
		return nil, false, nil
	}
	var last int64
	var refused []byte
	s.known, err = one(s.tx, lastRequest, func(row Row) error {
		last, refused = row.Int(0), row.Blob(1)
		return nil
	}, jobProducers, req.Producer)
	if err != nil || req.Number > last {
		return nil, false, err
	}
	refusals = make([]error, len(req.Groups))
	if req.Number < last || len(refused) == 0 {
		return refusals, true, nil
	}
	var groups []refusedGroup
	if err := json.Unmarshal(refused, &groups); err != nil {
		return nil, true, fmt.Errorf("%w: reply to producer %s: %w", errand.ErrCorrupt, req.Producer, err)
	}
	for _, g := range groups {
		if g.Group >= len(refusals) {
			continue
		}
		if g.Duplicate != nil {
			refusals[g.Group] = fmt.Errorf("enqueue to %q: %w", g.Duplicate.Queue, g.Duplicate)
		} else {
			refusals[g.Group] = fmt.Errorf("%w: %s", errand.ErrInvalid, g.Invalid)
		}
	}
	return refusals, true, nil
}

// numbered notes a request that needs no reply, and reports whether it was carried out before. What it is about is the
// name of a message queue, or seriesWriters.
func (s *Session) numbered(about, producer string, number int64, seen time.Time) (again bool, err error) {
	if s.hopeful(number) {
		return false, s.later(s.dialect.EnterRequest, about, producer, number, micros(seen), nil)
	}
	last, known := s.remembered(about, producer)
	if known && number > last {
		s.remember(about, producer, number)
		return false, s.later(setRequest, about, producer, number, micros(seen), nil)
	}
	known, err = one(s.tx, lastRequest, func(row Row) error {
		last = row.Int(0)
		return nil
	}, about, producer)
	if err != nil || number <= last {
		return err == nil, err
	}
	s.remember(about, producer, number)
	return false, s.later(requestQuery(known), about, producer, number, micros(seen), nil)
}

// requestQuery enters a producer's request. That of one that is not known fails where its first request, sent before, is
// still under way.
func requestQuery(known bool) string {
	if known {
		return setRequest
	}
	return insertRequest
}

// keepReply keeps the reply to a producer's request in place of that to its last.
func (s *Session) keepReply(req *errand.EnqueueRequest, refusals []error) error {
	var groups []refusedGroup
	for i, err := range refusals {
		if err == nil {
			continue
		}
		g := refusedGroup{Group: i}
		if dup, ok := errors.AsType[*errand.DuplicateError](err); ok {
			g.Duplicate = dup
		} else {
			g.Invalid = err.Error()
		}
		groups = append(groups, g)
	}
	var refused any
	if groups != nil {
		encoded, err := json.Marshal(groups)
		if err != nil {
			return err
		}
		refused = encoded
	}
	s.remember(jobProducers, req.Producer, req.Number)
	query := requestQuery(s.known)
	if s.hopeful(req.Number) {
		query = s.dialect.EnterRequest
	}
	return s.later(query, jobProducers, req.Producer, req.Number, micros(s.now), refused)
}
