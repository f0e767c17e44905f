package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// Heartbeat implements [errand.Telemetry].
func (s *Store) Heartbeat(ctx context.Context, rec errand.WorkerRecord) error {
	c, err := s.begin(ctx, rec.SeenAt, "heartbeat")
	if err != nil {
		return err
	}
	defer c.done()
	text := ""
	if !rec.Gone {
		rec.StartedAt, rec.SeenAt = micro(rec.StartedAt), micro(rec.SeenAt)
		rec.Running = slices.Clone(rec.Running)
		for i := range rec.Running {
			rec.Running[i].StartedAt = micro(rec.Running[i].StartedAt)
		}
		b, err := json.Marshal(rec)
		if err != nil {
			return fmt.Errorf("%s: %w: %w", c.op, errand.ErrInvalid, err)
		}
		text = string(b)
	}
	schemas := ""
	if rec.Schemas != nil {
		b, err := json.Marshal(rec.Schemas)
		if err != nil {
			return fmt.Errorf("%s: %w: schemas: %w", c.op, errand.ErrInvalid, err)
		}
		schemas = string(b)
	}
	return s.fail(c, s.run(c.ctx, beatScript, s.workersKey(), rec.ID, text, itoa(c.now), "", schemas).Error())
}

// Workers implements [errand.Telemetry].
func (s *Store) Workers(ctx context.Context) ([]errand.WorkerRecord, error) {
	c, err := s.begin(ctx, time.Time{}, "list workers")
	if err != nil {
		return nil, err
	}
	defer c.done()
	texts, err := s.client.Do(c.ctx, s.client.B().Hvals().Key(s.workersKey()).Build()).AsStrSlice()
	if err != nil {
		return nil, s.fail(c, err)
	}
	var recs []errand.WorkerRecord
	for _, text := range texts {
		var rec errand.WorkerRecord
		if json.Unmarshal([]byte(text), &rec) == nil { // what is none disturbs nobody
			recs = append(recs, rec)
		}
	}
	slices.SortFunc(recs, func(a, b errand.WorkerRecord) int { return cmp.Compare(a.ID, b.ID) })
	return recs, nil
}

// Schemas implements [errand.Telemetry]. Those of a worker that cannot be read are left out.
func (s *Store) Schemas(ctx context.Context) (map[string]json.RawMessage, error) {
	workers, err := s.Workers(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.begin(ctx, time.Time{}, "schemas")
	if err != nil {
		return nil, err
	}
	defer c.done()
	texts, err := s.client.Do(c.ctx, s.client.B().Hgetall().Key(s.workersKey()+":schemas").Build()).AsStrMap()
	if err != nil {
		return nil, s.fail(c, err)
	}
	slices.SortFunc(workers, func(a, b errand.WorkerRecord) int {
		return cmp.Or(a.SeenAt.Compare(b.SeenAt), cmp.Compare(b.ID, a.ID))
	})
	schemas := make(map[string]json.RawMessage)
	for i := range workers {
		var of map[string]json.RawMessage
		if json.Unmarshal([]byte(texts[workers[i].ID]), &of) == nil {
			maps.Copy(schemas, of) // in the place of a worker's heard of earlier
		}
	}
	return schemas, nil
}

// Report implements [errand.Telemetry].
func (s *Store) Report(ctx context.Context, reports []errand.ProgressReport) ([]error, error) {
	c, err := s.begin(ctx, time.Time{}, "report on")
	if err != nil {
		return nil, err
	}
	defer c.done()
	texts := make([]string, len(reports))
	for i := range reports {
		p := reports[i].Progress
		p.At = micro(p.At)
		b, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", c.op, errand.ErrInvalid, err)
		}
		texts[i] = string(b)
	}
	return s.answer(c, reportScript, nil, len(reports), func(i int) (errand.Lease, string) {
		return reports[i].Lease, texts[i]
	})
}

// Orders implements [errand.Telemetry].
func (s *Store) Orders(ctx context.Context, worker string) (errand.Orders, error) {
	c, err := s.begin(ctx, time.Time{}, "orders")
	if err != nil {
		return errand.Orders{}, err
	}
	defer c.done()
	names, err := s.names(c, s.queuesKey())
	if err != nil {
		return errand.Orders{}, s.fail(c, err)
	}
	cmds := make(rueidis.Commands, len(names), len(names)+1)
	for i, name := range names {
		cmds[i] = s.client.B().Smembers().Key(s.jobsKey(name) + ":cancels:" + worker).Build()
	}
	cmds = append(cmds, s.client.B().Hget().Key(s.workersKey()+":orders").Field(worker).Build())
	var orders errand.Orders
	for i, result := range s.client.DoMulti(c.ctx, cmds...) {
		if i == len(names) {
			asked, err := result.ToString()
			if err != nil && !rueidis.IsRedisNil(err) {
				return errand.Orders{}, s.fail(c, err)
			}
			orders.Quiet, orders.Stop = strings.Contains(asked, "quiet"), strings.Contains(asked, "stop")
			continue
		}
		keys, err := result.AsStrSlice()
		if err != nil {
			return errand.Orders{}, s.fail(c, err)
		}
		for _, key := range keys {
			orders.Cancel = append(orders.Cancel, idOf(key))
		}
	}
	slices.Sort(orders.Cancel)
	return orders, nil
}

// Order implements [errand.Telemetry].
func (s *Store) Order(ctx context.Context, now time.Time, worker string, order errand.Order) error {
	c, err := s.begin(ctx, now, "order %v to worker %.100q", order, worker)
	if err != nil {
		return err
	}
	defer c.done()
	if !order.Valid() {
		return s.fail(c, errand.ErrInvalid)
	}
	known, err := s.runAll(c.ctx, s.invokeKey(c, orderScript, s.workersKey(), worker, order.String()))[0].AsBool()
	if err == nil && !known {
		err = errand.ErrWorkerNotFound
	}
	return s.fail(c, err)
}
