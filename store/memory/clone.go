package memory

import (
	"maps"
	"slices"

	"github.com/errandhq/errand"
)

// What comes in belongs to the caller, and so does what goes out: both are copied, whole.

// clone copies bytes; no bytes are nil.
func clone[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}

func cloneSpec(spec *errand.JobSpec) errand.JobSpec {
	c := *spec
	c.Payload = clone(spec.Payload)
	c.DependsOn = clone(spec.DependsOn)
	c.Retry.Backoff.Delays = clone(spec.Retry.Backoff.Delays)
	c.RunAt = micro(spec.RunAt)
	return c
}

func cloneJob(job *errand.Job) *errand.Job {
	c := *job
	c.JobSpec = cloneSpec(&job.JobSpec)
	c.Result = clone(job.Result)
	if job.Progress != nil {
		p := cloneProgress(job.Progress)
		c.Progress = &p
	}
	c.Attempts = nil
	for i := range job.Attempts {
		c.Attempts = append(c.Attempts, cloneRecord(&job.Attempts[i]))
	}
	return &c
}

func cloneProgress(p *errand.Progress) errand.Progress {
	c := *p
	c.Log = clone(p.Log)
	c.At = micro(p.At)
	return c
}

func cloneRecord(rec *errand.AttemptRecord) errand.AttemptRecord {
	c := *rec
	c.Chain = clone(rec.Chain)
	c.Log = clone(rec.Log)
	c.StartedAt, c.EndedAt, c.RetryAt = micro(rec.StartedAt), micro(rec.EndedAt), micro(rec.RetryAt)
	return c
}

func cloneWorker(rec *errand.WorkerRecord) errand.WorkerRecord {
	c := *rec
	c.Schemas = nil
	c.Queues, c.Tasks, c.Running = clone(rec.Queues), clone(rec.Tasks), clone(rec.Running)
	c.StartedAt, c.SeenAt = micro(rec.StartedAt), micro(rec.SeenAt)
	for i := range c.Running {
		c.Running[i].StartedAt = micro(c.Running[i].StartedAt)
	}
	return c
}

func cloneDepth(d *errand.Depth) errand.Depth {
	c := *d
	c.Counts = maps.Clone(d.Counts)
	return c
}
