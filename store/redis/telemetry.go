package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	return s.fail(c, s.run(c.ctx, beatScript, s.workersKey(), rec.ID, text, itoa(c.now), "").Error())
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
	if err != nil || len(names) == 0 {
		return errand.Orders{}, s.fail(c, err)
	}
	cmds := make(rueidis.Commands, len(names))
	for i, name := range names {
		cmds[i] = s.client.B().Smembers().Key(s.jobsKey(name) + ":cancels:" + worker).Build()
	}
	var orders errand.Orders
	for _, result := range s.client.DoMulti(c.ctx, cmds...) {
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
