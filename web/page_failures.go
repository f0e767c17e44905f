package web

import (
	"net/http"
	"time"

	"github.com/errandhq/errand"
)

// failuresView is the page of failed jobs by what went wrong.
type failuresView struct {
	Groups  []groupView
	Scanned int
	More    bool // there are failed jobs that were not looked into
	Total   int64
}

// groupView is a group of failed jobs as a line of a table.
type groupView struct {
	failureGroup
	Bars []bar
}

// bar is a column of a small chart, in a box of 100 by 24.
type bar struct {
	X, Y, W, H float64
}

const sparkBars = 24

func (h *Handler) failures(w http.ResponseWriter, req *request) error {
	now, queues, err := h.lookAtQueues(req)
	if err != nil {
		return err
	}
	found, err := h.findFailures(req.Context(), errand.JobFilter{})
	if err != nil {
		return err
	}
	view := failuresView{Scanned: found.Scanned, More: found.More}
	for _, q := range queues {
		view.Total += q.Counts[errand.StateFailed]
	}
	for _, g := range found.Groups {
		view.Groups = append(view.Groups, groupView{g, sparkline(g.Times, now)})
	}
	return h.render(w, req, http.StatusOK, "failures",
		page{Title: req.lang.T("Failures"), Nav: "failures", Live: true, Now: now, View: view})
}

// sparkline draws when something happened within the last day.
func sparkline(times []time.Time, now time.Time) []bar {
	var counts [sparkBars]int
	most := 0
	for _, t := range times {
		age := now.Sub(t)
		if age < 0 || age >= sparkBars*time.Hour {
			continue
		}
		i := sparkBars - 1 - int(age/time.Hour)
		counts[i]++
		most = max(most, counts[i])
	}
	const slot = 100.0 / sparkBars
	var bars []bar
	for i, n := range counts {
		if n == 0 {
			continue
		}
		height := max(2, 24*float64(n)/float64(most))
		bars = append(bars, bar{X: float64(i)*slot + 0.5, Y: 24 - height, W: slot - 1, H: height})
	}
	return bars
}
