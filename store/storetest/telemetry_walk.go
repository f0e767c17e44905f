package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// telemetryWalk does the same at random to the store and to the memory store, its model, and compares all that can be seen.
func telemetryWalk(k *kit) {
	model := memory.New()
	w := &walk{kit: k, rng: rand.New(rand.NewPCG(1, 2)), stores: []errand.Store{k.st, model}} //nolint:gosec // repeatable, not secret
	for step := range 250 {
		w.act()
		if step%25 == 24 {
			w.compare(step)
		}
	}
	k.ok(model.Close())
}

// walk is a store and its model, and what was done to them.
type walk struct {
	*kit
	rng     *rand.Rand
	stores  []errand.Store
	reports []errand.SeriesReport
	entries []errand.AuditEntry
}

// do does the same to both. Their errors must be alike.
func (w *walk) do(what string, do func(errand.Store) error) {
	w.Helper()
	got, want := do(w.stores[0]), do(w.stores[1])
	for _, kind := range []error{nil, errand.ErrInvalid, errand.ErrWorkerNotFound} {
		if errors.Is(want, kind) && !errors.Is(got, kind) {
			w.Fatalf("%s: %v, the model says %v", what, got, want)
		}
	}
}

func (w *walk) act() {
	worker := fmt.Sprint("w", w.rng.IntN(3))
	switch w.rng.IntN(9) {
	case 0, 1:
		w.recordSome(worker)
	case 2:
		if len(w.reports) > 0 { // sent again, perhaps late
			report := w.reports[w.rng.IntN(len(w.reports))]
			w.do("record series again", func(st errand.Store) error { return st.RecordSeries(w.ctx, report) })
		}
	case 3:
		rec := workerRecord(worker, w.now)
		rec.Gone = w.rng.IntN(4) == 0
		if w.rng.IntN(3) == 0 {
			rec.Schemas = map[string]json.RawMessage{
				fmt.Sprint("t", w.rng.IntN(3)): json.RawMessage(fmt.Sprintf(`{"title":"%d"}`, w.rng.IntN(1000))),
			}
		}
		w.do("heartbeat", func(st errand.Store) error { return st.Heartbeat(w.ctx, rec) })
	case 4:
		order := errand.Order(w.rng.IntN(4))
		w.do("order", func(st errand.Store) error { return st.Order(w.ctx, w.now, worker, order) })
	case 5:
		e := auditEntry(w.now.Add(-time.Duration(w.rng.IntN(5))*time.Second), func(e *errand.AuditEntry) {
			e.Who, e.Action = worker, []string{"pause", "cancel"}[w.rng.IntN(2)]
		})
		if len(w.entries) > 0 && w.rng.IntN(4) == 0 {
			e.ID = w.entries[w.rng.IntN(len(w.entries))].ID
		}
		w.entries = append(w.entries, e)
		w.do("record audit", func(st errand.Store) error { return st.RecordAudit(w.ctx, e) })
	case 6, 7:
		spans := []time.Duration{time.Second, fine.Step, middle.Step, time.Hour, 13 * time.Hour, 20 * 24 * time.Hour}
		w.pass(spans[min(w.rng.IntN(10), len(spans)-1)*w.rng.IntN(2)])
	case 8:
		w.do("maintain", func(st errand.Store) error {
			for {
				reply, err := st.Maintain(w.ctx, errand.MaintainRequest{Now: w.now, Limit: 7})
				if err != nil || !reply.More {
					return err
				}
			}
		})
	}
}

// recordSome reports samples and depths of slots around now, some of them twice, and at times what is to be refused.
func (w *walk) recordSome(writer string) {
	w.numbers[writer]++
	report := errand.SeriesReport{Now: w.now, Writer: writer, Number: w.numbers[writer]}
	for range w.rng.IntN(6) {
		step := errand.SeriesSteps()[w.rng.IntN(3)]
		at := step.Slot(w.now).Add(time.Duration(w.rng.IntN(6)-4) * step.Step)
		s := sampled(step, at, fmt.Sprint("q", w.rng.IntN(2)), fmt.Sprint("t", w.rng.IntN(3)),
			time.Duration(w.rng.IntN(int(2*time.Hour))), time.Duration(w.rng.IntN(int(time.Second))))
		s.Retried = int64(w.rng.IntN(3))
		report.Samples = append(report.Samples, s)
		d := depthOf(step, at, s.Queue, int64(w.rng.IntN(9)))
		d.Messages = w.rng.IntN(3) == 0
		report.Depths = append(report.Depths, d)
	}
	if w.rng.IntN(10) == 0 {
		report.Depths = append(report.Depths, errand.Depth{Step: 1})
	}
	w.reports = append(w.reports, report)
	w.do("record series", func(st errand.Store) error { return st.RecordSeries(w.ctx, report) })
}

func (w *walk) compare(step int) {
	w.Helper()
	same := func(what string, look func(errand.Store) (any, error)) {
		w.Helper()
		got, err := look(w.stores[0])
		w.ok(err)
		want, err := look(w.stores[1])
		w.ok(err)
		if !reflect.DeepEqual(got, want) {
			w.Fatalf("step %d: %s:\n\tgot       %+v\n\tthe model %+v", step, what, got, want)
		}
	}
	for _, s := range errand.SeriesSteps() {
		for _, queue := range []string{"", "q1"} {
			same("series", func(st errand.Store) (any, error) {
				// What is past its time may be there until it is deleted.
				return st.Series(w.ctx, errand.SeriesQuery{Step: s.Step, Queue: queue, From: s.Past(w.now).Add(1)})
			})
		}
	}
	same("workers", func(st errand.Store) (any, error) { return st.Workers(w.ctx) })
	same("schemas", func(st errand.Store) (any, error) { return st.Schemas(w.ctx) })
	for i := range 3 {
		same("orders", func(st errand.Store) (any, error) {
			orders, err := st.Orders(w.ctx, fmt.Sprint("w", i))
			orders.Cancel = none(orders.Cancel)
			return orders, err
		})
	}
	for _, filter := range []errand.AuditFilter{{Limit: 1000}, {Limit: 3, Who: "w1"}, {Limit: 5, Action: "pause"}} {
		same("audit", func(st errand.Store) (any, error) { return st.Audit(w.ctx, filter) })
	}
}
