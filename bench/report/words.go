package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/errandhq/errand/bench/measure"
)

// title says what a measure is.
func title(name string) string {
	known := map[string]string{
		measure.Enqueue1: "enqueue, 1 producer", measure.Enqueue64: "enqueue, 64 producers", measure.EnqueueBulk: "enqueue in bulk",
		measure.Drain1: "drain, concurrency 1", measure.Drain10: "drain, concurrency 10",
		measure.Drain100: "drain, concurrency 100", measure.Drain1000: "drain, concurrency 1,000",
		measure.PickupP50: "pickup, median", measure.PickupP99: "pickup, p99", measure.PickupP999: "pickup, p99.9",
		measure.ApartP50: "median", measure.ApartP99: "p99", measure.ApartP999: "p99.9",
		measure.Capacity: "what goes through", measure.IdleWorker: "worker", measure.IdleStore: "store", measure.IdleRequests: "requests",
		measure.TimerRate: "rate", measure.TimerLate: "late, median", measure.Recovery: "until all run again",
		measure.Memory:     "memory a waiting job",
		measure.Backlog10k: "drain with 10 thousand waiting", measure.Backlog1M: "drain with 1 million waiting",
		measure.Backlog5M: "drain with 5 million waiting",
	}
	if t, ok := known[name]; ok {
		return t
	}
	var percent int
	var which string
	if n, _ := fmt.Sscanf(name, "load-%d-%s", &percent, &which); n == 2 {
		return fmt.Sprintf("at %d %%, %s", percent, strings.Replace(which, "p50", "median", 1))
	}
	if n, _ := fmt.Sscanf(name, measure.Processes(0)[:len(measure.Processes(0))-1]+"%d", &percent); n == 1 {
		return fmt.Sprintf("%d x concurrency 100", percent)
	}
	for suffix, words := range map[string]string{
		"-0ms" + measure.Near: ", through a proxy without delay (1 ms)", "-0ms" + measure.Far: ", through a proxy without delay (5 ms)",
		measure.Cost("", false): ": process", measure.Cost("", true): ": server",
		measure.Near: " over a network of 1 ms", measure.Far: " over a network of 5 ms", measure.Large: ", 10 KB",
	} {
		if base, ok := strings.CutSuffix(name, suffix); ok && known[base] != "" && !strings.HasSuffix(base, "-0ms") {
			return known[base] + words
		}
	}
	return name
}

// number writes a figure with about three digits that count.
func number(v float64) string {
	switch {
	case v >= 1000:
		digits := 0
		for rest := v; rest >= 1000; rest /= 10 {
			digits++
		}
		scale := 1.0
		for range digits {
			scale *= 10
		}
		return thousands(int64(v/scale+0.5) * int64(scale))
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	}
	return strings.TrimSuffix(strings.TrimSuffix(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".0")
}

// thousands puts commas into a whole number.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// spread is the range behind a median.
func spread(f *figure) string {
	if len(f.rounds) < 2 {
		return ""
	}
	return fmt.Sprintf(" (%s to %s)", number(f.low), number(f.high))
}
