// Package metrics shows a store to Prometheus: jobs by queue and state, what was enqueued, finished and failed, how long
// jobs wait and run, workers, and how fast the store answers.
//
//	http.Handle("/metrics", metrics.Handler(metrics.New(st, metrics.Config{})))
//
// or, beside a program's own metrics:
//
//	prometheus.MustRegister(metrics.New(st, metrics.Config{}))
//
// One process that does this is enough for a store, since all of it comes from there. However often it is scraped, and by
// however many, the store is looked at once in [Config.Every].
package metrics

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Config says how a [Collector] looks at a store. The zero value is usable.
type Config struct {
	// Every is how long what the store said is given again. Default 5 s.
	Every time.Duration
	// Timeout bounds a look at the store. Default 5 s.
	Timeout time.Duration
	// MaxQueues and MaxTasks bound how many queues, and pairs of queue and task, have metrics of their own; those that come
	// later are counted together as [Other]. Default 200 and 500.
	MaxQueues int
	MaxTasks  int
}

// Other is the label of the queues and tasks that have no metrics of their own. No queue or task has such a name.
const Other = "*other*"

// Collector is a [prometheus.Collector] on a store. Make one with [New].
type Collector struct {
	st     errand.Store
	config Config

	mu        sync.Mutex
	at        time.Time // of the last look
	last      []prometheus.Metric
	queues    places[string]
	messages  places[string]
	durations durations
}

// New makes a collector on a store, which stays the caller's to close.
func New(st errand.Store, config Config) *Collector {
	if config.Every <= 0 {
		config.Every = 5 * time.Second
	}
	if config.Timeout <= 0 {
		config.Timeout = 5 * time.Second
	}
	if config.MaxQueues <= 0 {
		config.MaxQueues = 200
	}
	if config.MaxTasks <= 0 {
		config.MaxTasks = 500
	}
	return &Collector{
		st: st, config: config,
		queues: newPlaces[string](config.MaxQueues), messages: newPlaces[string](config.MaxQueues),
		durations: newDurations(config.MaxTasks),
	}
}

// Handler serves a collector's metrics, and nothing else, in Prometheus's formats.
func Handler(c *Collector) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 10})
}

// Describe sends the descriptions of every metric.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		to <- d
	}
}

// Collect sends the metrics as of the last look at the store, which is at most [Config.Every] old.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for _, m := range c.look() {
		to <- m
	}
}

// look returns what the store says, or has said lately. Those who ask meanwhile wait for the same answer.
func (c *Collector) look() []prometheus.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && time.Since(c.at) < c.config.Every {
		return c.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.config.Timeout)
	defer cancel()
	found, err := c.ask(ctx)
	if err != nil {
		found = []prometheus.Metric{gauge(up, 0)}
	}
	c.last, c.at = found, time.Now()
	return found
}

// ask makes all metrics.
func (c *Collector) ask(ctx context.Context) ([]prometheus.Metric, error) {
	start := time.Now()
	now, err := c.st.Now(ctx)
	if err != nil {
		return nil, err
	}
	found := []prometheus.Metric{gauge(up, 1), gauge(latency, time.Since(start).Seconds())}
	queues, err := c.st.Queues(ctx, now)
	if err != nil {
		return nil, err
	}
	found = append(found, c.ofQueues(now, queues)...)
	lists, err := c.st.MessageQueues(ctx, now)
	if err != nil {
		return nil, err
	}
	found = append(found, c.ofMessages(lists)...)
	workers, err := c.st.Workers(ctx)
	if err != nil {
		return nil, err
	}
	found = append(found, ofWorkers(now, workers)...)
	series, err := c.st.Series(ctx, errand.SeriesQuery{Step: errand.FineStep, From: now.Add(-lateSamples)})
	if err != nil {
		return nil, err
	}
	c.durations.add(now, series.Samples)
	return append(found, c.durations.metrics()...), nil
}
