package storetest

import (
	"reflect"
	"time"

	"github.com/errandhq/errand"
)

func workerRecord(id string, seen time.Time) errand.WorkerRecord {
	return errand.WorkerRecord{
		ID: id, Kind: "worker", Host: "host \u4e2d", PID: 42, Version: "v1", Queues: []string{"a", "b"},
		Tasks: []string{"t"}, Concurrency: 10, StartedAt: seen.Add(-time.Hour), SeenAt: seen, Every: 5 * time.Second,
		Running: []errand.RunningJob{{ID: newID(), Queue: "a", Task: "t", Attempt: 2, StartedAt: seen, Stuck: true}},
		Held:    3, Finished: 1 << 40, Failed: 7, Stopping: true,
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

var telemetryCases = []testCase{
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
