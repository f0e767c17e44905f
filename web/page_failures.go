package web

import (
	"net/http"
	"time"

	"github.com/errandhq/errand"
)

// failuresView is the page of failed jobs by what went wrong.
type failuresView struct {
	Groups    []groupView
	Scanned   int
	More      bool // there are failed jobs that were not looked into
	Total     int64
	CountedAt time.Time // when all of them were, in the background; zero: not yet
	Counting  bool
	Seen      int // so far
	Periods   []link
	Chart     chart // of failures over time
}

// groupView is a group of failed jobs as a line of the list.
type groupView struct {
	failureGroup
	Spark spark
}

// sparkPeriods are the stretches of time that a group's small chart can show.
var sparkPeriods = []struct {
	name  string
	bars  int
	hours int64 // of each bar
}{{"24h", 24, 1}, {"30d", 30, 24}}

func (h *Handler) failures(w http.ResponseWriter, req *request) error {
	now, queues, err := h.lookAtQueues(req)
	if err != nil {
		return err
	}
	found, err := h.allFailures(req.Context(), now)
	if err != nil {
		return err
	}
	view := failuresView{Scanned: found.Scanned, More: found.More, CountedAt: found.CountedAt, Counting: found.Counting, Seen: found.Seen}
	for _, q := range queues {
		view.Total += q.Counts[errand.StateFailed]
	}
	chosen := sparkPeriods[0]
	for _, p := range sparkPeriods {
		if p.name == req.URL.Query().Get("period") {
			chosen = p
		}
	}
	for _, p := range sparkPeriods {
		view.Periods = append(view.Periods, link{periodText(req.lang, periodNamed(p.name)), query("period", p.name), p.name == chosen.name})
	}
	label := req.lang.T("Failures in each of the last 24 hours")
	if chosen.hours > 1 {
		label = req.lang.T("Failures on each of the last 30 days")
	}
	for _, g := range found.Groups {
		line := groupView{g, sparkOf(bars(g.Hours, now, chosen.bars, chosen.hours), label)}
		line.Spark.Bad = true
		view.Groups = append(view.Groups, line)
	}
	past, err := h.history(req.Context(), now, periodNamed(chosen.name), "", "")
	if err != nil {
		return err
	}
	view.Chart = failuresChart(req.lang, past)
	return h.render(w, req, http.StatusOK, "failures",
		page{Title: req.lang.T("Failures"), Nav: "failures", Live: true, Now: now, View: view})
}

// bars sums up counts by hours into n bars of so many hours each; the last has now in it.
func bars(hours map[int64]int, now time.Time, n int, each int64) []float64 {
	values := make([]float64, n)
	last := now.Unix() / 3600 / each
	for hour, count := range hours {
		if i := int64(n) - 1 - (last - hour/each); i >= 0 && i < int64(n) {
			values[i] += float64(count)
		}
	}
	return values
}
