package web

import (
	"fmt"
	"math"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// chartsView are the charts of a period and what chooses them.
type chartsView struct {
	Charts   []chart
	Periods  []link
	Period   string
	Queue    string
	Task     string
	By       string
	Bys      []choice
	Queues   []string
	Tasks    []string
	Recorded bool // there is something to see
	Sum      tally
}

// link leads to another view of a page.
type link struct {
	Text   string
	URL    string
	Chosen bool
}

// splits are the ways to split charts.
var splits = []string{"total", "queue", "task"}

// maxLines is how many queues or tasks have a line of their own in a chart.
const maxLines = 5

// chartsOf makes the charts that a page's address asks for: of a period, of a queue and a task or of all, split by one of
// them or not.
func (h *Handler) chartsOf(req *request, now time.Time, queues []errand.QueueInfo, tasks []string) (chartsView, error) {
	values := req.URL.Query()
	p := periodNamed(values.Get("period"))
	view := chartsView{Period: p.Name, By: oneOf(values.Get("by"), splits), Tasks: tasks}
	for kind, name := range map[string]*string{"queue": &view.Queue, "task": &view.Task} {
		if *name = values.Get(kind); *name != "" {
			if err := errand.CheckName(kind, *name); err != nil {
				return view, err
			}
		}
	}
	for _, other := range periods {
		by := view.By
		if by == splits[0] {
			by = ""
		}
		view.Periods = append(view.Periods, link{periodText(req.lang, other), query("period", other.Name, "queue", view.Queue, "task", view.Task, "by", by), other.Name == p.Name})
	}
	for _, by := range splits {
		view.Bys = append(view.Bys, choice{by, splitText(req.lang, by), by == view.By})
	}
	for _, q := range queues {
		view.Queues = append(view.Queues, q.Name)
	}
	past, err := h.history(req.Context(), now, p, view.Queue, view.Task)
	if err != nil {
		return view, err
	}
	view.Sum = past.sum()
	l := req.lang
	view.Charts = []chart{
		throughputChart(l, past, view), failuresChart(l, past),
		durationChart(l, past, "wait", l.T("Wait"), l.T("from ready to started"), func(t *tally) *errand.Histogram { return &t.Wait }),
		durationChart(l, past, "run", l.T("Run time"), l.T("of an attempt"), func(t *tally) *errand.Histogram { return &t.Run }),
		depthChart(l, past, view.Queue, queues),
	}
	for _, c := range view.Charts {
		view.Recorded = view.Recorded || c.Active
	}
	return view, nil
}

func periodText(l *lang.Lang, p period) string {
	switch p.Name {
	case "1h":
		return l.T("1 hour")
	case "24h":
		return l.T("24 hours")
	}
	return l.T("30 days")
}

func splitText(l *lang.Lang, by string) string {
	switch by {
	case "queue":
		return l.T("by queue")
	case "task":
		return l.T("by task")
	}
	return l.T("in total")
}

// rate writes a number a minute.
func rate(l *lang.Lang) func(float64) string { return func(v float64) string { return l.Short(v) } }

func throughputChart(l *lang.Lang, past *history, view chartsView) chart {
	p := plot{id: "throughput", title: l.T("Throughput"), note: l.T("jobs finished a minute"), kind: "area", format: rate(l)}
	add := func(name, class string, values []float64) {
		p.names, p.classes, p.values = append(p.names, name), append(p.classes, class), append(p.values, values)
	}
	parts := map[string]map[string][]int64{"queue": past.byQueue, "task": past.byTask}[view.By]
	if parts == nil {
		finished := make([]int64, past.n)
		for i := range past.Total {
			finished[i] = past.Total[i].Finished
		}
		add(l.T("finished"), "is-finished", past.perMinute(finished))
		return p.draw(l, past.slots)
	}
	top, rest := largest(parts, maxLines, total)
	for i, name := range top {
		add(nameOf(l, name), fmt.Sprintf("c-%d", i+1), past.perMinute(parts[name]))
	}
	if len(rest) > 0 {
		others := make([]float64, past.n)
		for _, name := range rest {
			addTo(others, past.perMinute(parts[name]))
		}
		add(l.T("others"), "c-0", others)
	}
	if len(p.values) == 0 {
		add(l.T("finished"), "is-finished", make([]float64, past.n))
	}
	return p.draw(l, past.slots)
}

// nameOf is the name of a queue or a task; a store has one without a name, for those for which there was no place.
func nameOf(l *lang.Lang, name string) string {
	if name == "" {
		return l.T("others")
	}
	return name
}

func failuresChart(l *lang.Lang, past *history) chart {
	p := plot{
		id: "failures", title: l.T("Failures"), note: l.T("attempts that failed"), kind: "columns",
		names: []string{l.T("failed"), l.T("retried")}, classes: []string{"is-failed", "is-scheduled"},
		values: [][]float64{
			past.series(func(t *tally) float64 { return float64(t.Failed) }),
			past.series(func(t *tally) float64 { return float64(t.Retried) }),
		},
		format: rate(l),
	}
	return p.draw(l, past.slots)
}

func durationChart(l *lang.Lang, past *history, id, title, note string, of func(*tally) *errand.Histogram) chart {
	p := plot{id: id, title: title, note: note, kind: "lines", durations: true, format: func(v float64) string {
		return l.Duration(time.Duration(v * float64(time.Second)))
	}}
	for i, share := range []float64{0.50, 0.95, 0.99} {
		p.names = append(p.names, fmt.Sprintf("p%.0f", 100*share))
		p.classes = append(p.classes, fmt.Sprintf("q-%d", i+1))
		p.values = append(p.values, past.quantile(share, of))
	}
	return p.draw(l, past.slots)
}

// depthChart shows the jobs that wait in the fullest queues, or those of one queue by state. The last slot is as of now.
func depthChart(l *lang.Lang, past *history, queue string, queues []errand.QueueInfo) chart {
	p := plot{id: "depth", title: l.T("Queue depth"), note: l.T("jobs that wait"), kind: "area", format: rate(l)}
	add := func(name, class string, values []float64, now int64) {
		values[past.n-1] = float64(now)
		p.names, p.classes, p.values = append(p.names, name), append(p.classes, class), append(p.values, values)
	}
	counts := map[string]map[errand.State]int64{}
	depths := map[string][]*errand.Depth{}
	for _, q := range queues {
		counts[q.Name] = q.Counts
		if depths[q.Name] = past.depths[q.Name]; depths[q.Name] == nil {
			depths[q.Name] = make([]*errand.Depth, past.n)
		}
	}
	if queue != "" {
		one := depths[queue]
		if one == nil {
			one = make([]*errand.Depth, past.n)
		}
		for _, state := range []errand.State{errand.StateStarted, errand.StateQueued, errand.StateScheduled, errand.StateDeferred} {
			add(l.T(state.String()), "is-"+state.String(), depthOf(one, state), counts[queue][state])
		}
		p.note = l.T("jobs that wait or run")
		return p.draw(l, past.slots)
	}
	top, rest := largest(depths, maxLines, func(of []*errand.Depth) float64 {
		sum := 0.0
		for _, v := range depthOf(of, errand.StateQueued) {
			if !math.IsNaN(v) {
				sum += v
			}
		}
		return sum
	})
	for i, name := range top {
		add(name, fmt.Sprintf("c-%d", i+1), depthOf(depths[name], errand.StateQueued), counts[name][errand.StateQueued])
	}
	if len(rest) > 0 {
		others, now := depthOf(depths[rest[0]], errand.StateQueued), int64(0)
		for i, name := range rest {
			now += counts[name][errand.StateQueued]
			if i > 0 {
				addTo(others, depthOf(depths[name], errand.StateQueued))
			}
		}
		add(l.T("others"), "c-0", others, now)
	}
	if len(p.values) == 0 {
		add(l.T("queued"), "is-queued", make([]float64, past.n), 0)
	}
	return p.draw(l, past.slots)
}
