package storetest

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

func workerRecord(id string, seen time.Time) errand.WorkerRecord {
	return errand.WorkerRecord{
		ID: id, Kind: "worker", Host: "host \u4e2d", PID: 42, Version: "v1", Queues: []string{"a", "b"},
		Tasks: []string{"t"}, Concurrency: 10, StartedAt: seen.Add(-time.Hour), SeenAt: seen, Every: 5 * time.Second,
		Running: []errand.RunningJob{{ID: newID(), Queue: "a", Task: "t", Attempt: 2, StartedAt: seen, Stuck: true}},
		Held:    3, Finished: 1 << 40, Failed: 7, Memory: 1 << 41, Quiet: true, Stopping: true,
	}
}

// workers fails unless the store has exactly these records.
func (k *kit) workers(want ...errand.WorkerRecord) {
	k.Helper()
	got, err := k.st.Workers(k.ctx)
	k.ok(err)
	if len(got) != len(want) {
		k.Fatalf("%d worker records, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			k.Fatalf("worker record:%s", difference(got[i], want[i]))
		}
	}
}

// ordered fails unless this is what is asked of the worker.
func (k *kit) ordered(worker string, want errand.Orders) {
	k.Helper()
	got, err := k.st.Orders(k.ctx, worker)
	k.ok(err)
	if got.Quiet != want.Quiet || got.Stop != want.Stop || !slices.Equal(got.Cancel, want.Cancel) {
		k.Fatalf("orders of %s: %+v, want %+v", worker, got, want)
	}
}

// schemas fails unless these are the schemas that the store has.
func (k *kit) schemas(want map[string]string) {
	k.Helper()
	schemas, err := k.st.Schemas(k.ctx)
	k.ok(err)
	got := make(map[string]string)
	for task, schema := range schemas {
		got[task] = string(schema)
	}
	if !maps.Equal(got, want) {
		k.Fatalf("schemas: %v, want %v", got, want)
	}
}

func schemas(k *kit) {
	k.schemas(nil)
	a, b := workerRecord("a", k.now), workerRecord("b", k.now.Add(time.Second))
	a.Schemas = map[string]json.RawMessage{"t": json.RawMessage(`{"type":"integer"}`), "漢": json.RawMessage(`{"title":"漢字"}`)}
	b.Schemas = map[string]json.RawMessage{"t": json.RawMessage(`{"type":"string"}`)}
	k.ok(k.st.Heartbeat(k.ctx, a))
	k.ok(k.st.Heartbeat(k.ctx, b))
	k.schemas(map[string]string{"t": `{"type":"string"}`, "漢": `{"title":"漢字"}`})
	a.Schemas, b.Schemas = nil, nil
	k.workers(a, b)
	k.pass(time.Minute)
	a.SeenAt = k.now
	k.ok(k.st.Heartbeat(k.ctx, a)) // without: they stay, and are now of the worker heard of last
	k.schemas(map[string]string{"t": `{"type":"integer"}`, "漢": `{"title":"漢字"}`})
	changed := a
	changed.Schemas = map[string]json.RawMessage{"u": json.RawMessage(`true`)}
	k.ok(k.st.Heartbeat(k.ctx, changed))
	k.schemas(map[string]string{"t": `{"type":"string"}`, "u": `true`})
	changed.Schemas = map[string]json.RawMessage{}
	k.ok(k.st.Heartbeat(k.ctx, changed))
	k.schemas(map[string]string{"t": `{"type":"string"}`})
	b.Gone = true
	k.ok(k.st.Heartbeat(k.ctx, b))
	k.schemas(nil)
	b.Gone, b.Schemas = false, map[string]json.RawMessage{"t": json.RawMessage(`{}`)}
	k.ok(k.st.Heartbeat(k.ctx, b))
	k.schemas(map[string]string{"t": `{}`})
	k.pass(25 * time.Hour)
	k.maintain()
	b.Schemas = nil
	k.schemas(nil)
	k.ok(k.st.Heartbeat(k.ctx, b))
	k.schemas(nil)
}

var telemetryCases = []testCase{
	{name: "what is done at random comes out as in the model", run: telemetryWalk},
	{name: "schemas are kept beside the record, and go with it", run: schemas},
	{name: "orders hold until they are undone", run: func(k *kit) {
		k.ok(k.st.Heartbeat(k.ctx, workerRecord("a", k.now)))
		k.ok(k.st.Heartbeat(k.ctx, workerRecord("b", k.now)))
		k.ordered("a", errand.Orders{})
		for _, step := range []struct {
			order errand.Order
			want  errand.Orders
		}{
			{errand.OrderQuiet, errand.Orders{Quiet: true}},
			{errand.OrderQuiet, errand.Orders{Quiet: true}}, // sent again
			{errand.OrderResume, errand.Orders{}},
			{errand.OrderResume, errand.Orders{}},
			{errand.OrderStop, errand.Orders{Stop: true}},
			{errand.OrderQuiet, errand.Orders{Quiet: true, Stop: true}},
			{errand.OrderResume, errand.Orders{Stop: true}},
		} {
			k.ok(k.st.Order(k.ctx, k.now, "a", step.order))
			k.ordered("a", step.want)
			k.pass(time.Second)
			k.ok(k.st.Heartbeat(k.ctx, workerRecord("a", k.now)))
			k.ordered("a", step.want)
		}
		k.ordered("b", errand.Orders{})
	}},
	{name: "orders come with the jobs to cancel", run: func(k *kit) {
		k.ok(k.st.Heartbeat(k.ctx, workerRecord("w1", k.now)))
		k.enqueueMany(2)
		var ids []string
		for _, job := range k.claim(2) {
			ids = append(ids, job.ID)
		}
		slices.Sort(ids)
		k.cancel(ids...)
		k.ok(k.st.Order(k.ctx, k.now, "w1", errand.OrderQuiet))
		k.ordered("w1", errand.Orders{Cancel: ids, Quiet: true})
	}},
	{name: "an order to a worker without a record is an error", run: func(k *kit) {
		k.wantError(k.st.Order(k.ctx, k.now, "a", errand.OrderStop), errand.ErrWorkerNotFound)
		k.ok(k.st.Heartbeat(k.ctx, workerRecord("a", k.now)))
		k.wantError(k.st.Order(k.ctx, k.now, "b", errand.OrderStop), errand.ErrWorkerNotFound)
		k.wantError(k.st.Order(k.ctx, k.now, "a", 0), errand.ErrInvalid)
		k.wantError(k.st.Order(k.ctx, k.now, "a", errand.OrderStop+1), errand.ErrInvalid)
		k.ordered("a", errand.Orders{})
	}},
	{name: "orders go with the worker's record", run: func(k *kit) {
		rec := workerRecord("a", k.now)
		k.ok(k.st.Heartbeat(k.ctx, rec))
		k.ok(k.st.Order(k.ctx, k.now, "a", errand.OrderStop))
		gone := rec
		gone.Gone = true
		k.ok(k.st.Heartbeat(k.ctx, gone))
		k.ordered("a", errand.Orders{})
		k.ok(k.st.Heartbeat(k.ctx, rec))
		k.ordered("a", errand.Orders{})
		k.ok(k.st.Order(k.ctx, k.now, "a", errand.OrderQuiet))
		k.pass(25 * time.Hour)
		k.maintain()
		k.ordered("a", errand.Orders{})
		k.wantError(k.st.Order(k.ctx, k.now, "a", errand.OrderQuiet), errand.ErrWorkerNotFound)
		k.ok(k.st.Heartbeat(k.ctx, workerRecord("a", k.now)))
		k.ordered("a", errand.Orders{})
	}},
	{name: "a heartbeat replaces the worker's record", run: func(k *kit) {
		k.workers()
		b, a := workerRecord("b", k.now), workerRecord("a", k.now)
		k.ok(k.st.Heartbeat(k.ctx, b))
		k.ok(k.st.Heartbeat(k.ctx, a))
		k.workers(a, b)
		k.pass(time.Second)
		b = workerRecord("b", k.now)
		b.Finished++
		k.ok(k.st.Heartbeat(k.ctx, b))
		k.workers(a, b)
	}},
	{name: "a worker that is gone has no record", run: func(k *kit) {
		a, b := workerRecord("a", k.now), workerRecord("b", k.now)
		k.ok(k.st.Heartbeat(k.ctx, a))
		k.ok(k.st.Heartbeat(k.ctx, b))
		a.Gone = true
		k.ok(k.st.Heartbeat(k.ctx, a))
		k.ok(k.st.Heartbeat(k.ctx, a))
		k.workers(b)
	}},
	{name: "a silent worker is forgotten a day after its last heartbeat", run: func(k *kit) {
		a, b := workerRecord("a", k.now), workerRecord("b", k.now.Add(2*time.Hour))
		k.ok(k.st.Heartbeat(k.ctx, a))
		k.ok(k.st.Heartbeat(k.ctx, b))
		k.pass(23 * time.Hour)
		k.maintain()
		k.workers(a, b)
		k.pass(2 * time.Hour)
		k.maintain()
		k.workers(b)
		k.pass(24 * time.Hour)
		k.maintain()
		k.workers()
	}},
	{name: "progress is seen in the job, and belongs to its attempt", run: func(k *kit) {
		id := k.enqueue()
		job := k.claimOne(id)
		for i := range 3 {
			p := errand.Progress{Done: int64(i), Total: 1 << 40, Log: []string{"a", "\u4e2d", ""}, At: k.now}
			k.ok(k.report(lease(job), p))
			job.Progress = &p
			k.same("job with progress", k.job(id), job)
		}
		k.settle(job, errand.EventRetried)
		if p := k.job(id).Progress; p == nil || p.Done != 2 {
			k.Errorf("progress after the attempt: %+v", p)
		}
		k.wantError(k.report(lease(job), errand.Progress{Done: 9}), errand.ErrLeaseLost)
		if next := k.claimOne(id); next.Progress != nil {
			k.Errorf("the next attempt begins with progress %+v", next.Progress)
		}
	}},
	{name: "a report on several jobs answers each", run: func(k *kit) {
		k.enqueueMany(2)
		jobs := k.claim(2)
		k.settle(jobs[0], errand.EventReleased)
		errs, err := k.st.Report(k.ctx, []errand.ProgressReport{
			{Lease: lease(jobs[0]), Progress: errand.Progress{Done: 1, At: k.now}},
			{Lease: lease(jobs[1]), Progress: errand.Progress{Done: 2, At: k.now}},
		})
		k.ok(err)
		if len(errs) != 2 || errs[1] != nil {
			k.Fatalf("errors: %v", errs)
		}
		k.wantError(errs[0], errand.ErrLeaseLost)
		if p := k.job(jobs[0].ID).Progress; p != nil {
			k.Errorf("a refused report is stored: %+v", p)
		}
	}},
	{name: "progress is kept when the job has failed", run: func(k *kit) {
		job := k.claimOne(k.enqueue())
		k.ok(k.report(lease(job), errand.Progress{Done: 5, Log: []string{"last words"}, At: k.now}))
		k.settle(job, errand.EventFailed)
		if p := k.job(job.ID).Progress; p == nil || p.Done != 5 || len(p.Log) != 1 {
			k.Errorf("progress: %+v", p)
		}
	}},
}
