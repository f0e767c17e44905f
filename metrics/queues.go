package metrics

import (
	"time"

	"github.com/errandhq/errand"
	"github.com/prometheus/client_golang/prometheus"
)

// The descriptions of what is counted.
var (
	up      = describe("up", "Whether the store answered the last look at it.")
	latency = describe("store_latency_seconds", "How long the store took for the smallest of answers, at the last look.")

	jobs     = describe("jobs", "Jobs in the store.", "queue", "state")
	paused   = describe("queue_paused", "Whether the queue is paused.", "queue")
	oldest   = describe("oldest_waiting_seconds", "How long the job that waits longest has waited; 0: none is queued.", "queue")
	enqueued = describe("enqueued_total", "Jobs enqueued since the store was made.", "queue")
	finished = describe("finished_total", "Jobs that finished since the store was made.", "queue")
	failed   = describe("failed_total", "Jobs that failed for good since the store was made.", "queue")

	messages    = describe("messages", "Messages that wait in a hotqueue.", "queue")
	messagesPut = describe("messages_put_total", "Messages put into a hotqueue since the store was made.", "queue")
	messagesGot = describe("messages_got_total", "Messages taken from a hotqueue since the store was made.", "queue")

	workers = describe("workers", "Workers that were heard of within a day.", "status")
	runners = describe("runners", "Jobs that the workers that are alive can run at once.")
	busy    = describe("busy_runners", "Jobs that they run.")
	stuck   = describe("stuck_runners", "Jobs whose context has ended and whose task has not returned.")

	attempts = describe("attempts_total", "Attempts that ended, since this process began to look.", "queue", "task", "outcome")
	wait     = describe("job_wait_seconds", "From when a job was ready to the start of an attempt.", "queue", "task")
	run      = describe("job_run_seconds", "From the start of an attempt to its end.", "queue", "task")

	descriptions = []*prometheus.Desc{
		up, latency, jobs, paused, oldest, enqueued, finished, failed, messages, messagesPut, messagesGot,
		workers, runners, busy, stuck, attempts, wait, run,
	}
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("errand_"+name, help, labels, nil)
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func counter(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
}

// places says who has metrics of its own: the first that came. Nobody loses its place, so that what the others are
// counted together as only grows.
type places[K comparable] struct {
	most  int
	taken map[K]bool
}

func newPlaces[K comparable](most int) places[K] { return places[K]{most, map[K]bool{}} }

func (p places[K]) has(key K) bool {
	if !p.taken[key] && len(p.taken) < p.most {
		p.taken[key] = true
	}
	return p.taken[key]
}

// ofQueues makes the metrics of queues.
func (c *Collector) ofQueues(now time.Time, infos []errand.QueueInfo) []prometheus.Metric {
	var found []prometheus.Metric
	add := func(name string, q *errand.QueueInfo) {
		for _, state := range errand.States() {
			found = append(found, gauge(jobs, float64(q.Counts[state]), name, state.String()))
		}
		waited := time.Duration(0)
		if !q.Oldest.IsZero() {
			waited = max(0, now.Sub(q.Oldest))
		}
		stopped := 0.0
		if q.Paused {
			stopped = 1
		}
		found = append(found, gauge(oldest, waited.Seconds(), name), gauge(paused, stopped, name),
			counter(enqueued, float64(q.Enqueued.Total), name), counter(finished, float64(q.Finished.Total), name),
			counter(failed, float64(q.Failed.Total), name))
	}
	rest := errand.QueueInfo{Counts: map[errand.State]int64{}}
	left := false
	for i := range infos {
		q := &infos[i]
		if c.queues.has(q.Name) {
			add(q.Name, q)
			continue
		}
		left = true
		for state, n := range q.Counts {
			rest.Counts[state] += n
		}
		if !q.Oldest.IsZero() && (rest.Oldest.IsZero() || q.Oldest.Before(rest.Oldest)) {
			rest.Oldest = q.Oldest
		}
		rest.Enqueued.Total += q.Enqueued.Total
		rest.Finished.Total += q.Finished.Total
		rest.Failed.Total += q.Failed.Total
	}
	if left {
		add(Other, &rest)
	}
	return found
}

// ofMessages makes the metrics of hotqueues.
func (c *Collector) ofMessages(infos []errand.MessageQueueInfo) []prometheus.Metric {
	var found []prometheus.Metric
	add := func(name string, q *errand.MessageQueueInfo) {
		found = append(found, gauge(messages, float64(q.Len), name),
			counter(messagesPut, float64(q.Put.Total), name), counter(messagesGot, float64(q.Got.Total), name))
	}
	var rest errand.MessageQueueInfo
	left := false
	for i := range infos {
		q := &infos[i]
		if c.messages.has(q.Name) {
			add(q.Name, q)
			continue
		}
		left = true
		rest.Len += q.Len
		rest.Put.Total += q.Put.Total
		rest.Got.Total += q.Got.Total
	}
	if left {
		add(Other, &rest)
	}
	return found
}

// ofWorkers makes the metrics of workers.
func ofWorkers(now time.Time, records []errand.WorkerRecord) []prometheus.Metric {
	count := map[string]int{"alive": 0, "quiet": 0, "stopping": 0, "lost": 0}
	var slots, running, hanging int
	for i := range records {
		rec := &records[i]
		switch {
		case rec.Lost(now):
			count["lost"]++
			continue
		case rec.Stopping:
			count["stopping"]++
		case rec.Quiet:
			count["quiet"]++
		default:
			count["alive"]++
		}
		slots += rec.Concurrency
		running += len(rec.Running)
		for _, job := range rec.Running {
			if job.Stuck {
				hanging++
			}
		}
	}
	found := []prometheus.Metric{gauge(runners, float64(slots)), gauge(busy, float64(running)), gauge(stuck, float64(hanging))}
	for status, n := range count {
		found = append(found, gauge(workers, float64(n), status))
	}
	return found
}
