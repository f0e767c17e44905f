package web

import (
	"cmp"
	"net/http"
	"slices"
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

// groupView is the failed jobs of one task with one kind of error.
type groupView struct {
	Task   string
	Error  string // of the newest
	Group  string
	Count  int
	First  time.Time
	Last   time.Time
	Newest *errand.Job
	Panic  bool
	Bars   []bar
}

// bar is a column of a small chart, in a box of 100 by 24.
type bar struct {
	X, Y, W, H float64
}

const (
	maxGroups    = 200
	failuresTime = 80 * time.Millisecond
	sparkBars    = 24
)

func (h *Handler) failures(w http.ResponseWriter, req *request) error {
	now, queues, err := h.lookAtQueues(req)
	if err != nil {
		return err
	}
	view := failuresView{}
	for _, q := range queues {
		view.Total += q.Counts[errand.StateFailed]
	}
	groups := map[[2]string]*groupView{}
	times := map[*groupView][]time.Time{}
	filter := errand.JobFilter{State: errand.StateFailed, Newest: true, Limit: scanPage}
	start := time.Now()
	for {
		page, err := h.st.Jobs(req.Context(), filter)
		if err != nil {
			return err
		}
		for _, job := range page.Jobs {
			g := groupOf(groups, job)
			if g != nil {
				times[g] = append(times[g], job.EndedAt)
			}
		}
		view.Scanned += len(page.Jobs)
		filter.Cursor = page.Next
		if page.Next == "" || view.Scanned >= scanJobs || time.Since(start) > failuresTime {
			view.More = page.Next != ""
			break
		}
	}
	for _, g := range groups {
		g.Bars = sparkline(times[g], now)
		view.Groups = append(view.Groups, *g)
	}
	slices.SortFunc(view.Groups, func(a, b groupView) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.Last.Compare(a.Last), cmp.Compare(a.Group, b.Group))
	})
	return h.render(w, req, http.StatusOK, "failures",
		page{Title: req.lang.T("Failures"), Nav: "failures", Live: true, Now: now, View: view})
}

// groupOf adds a job to its group; nil where there are too many groups.
func groupOf(groups map[[2]string]*groupView, job *errand.Job) *groupView {
	last, _ := job.LastError()
	key := [2]string{job.Task, fingerprint(last.Error)}
	g, ok := groups[key]
	if !ok {
		if len(groups) >= maxGroups {
			return nil
		}
		g = &groupView{Task: job.Task, Group: key[1], First: job.EndedAt, Last: job.EndedAt, Newest: job, Error: last.Error, Panic: last.Panic}
		groups[key] = g
	}
	g.Count++
	if job.EndedAt.Before(g.First) {
		g.First = job.EndedAt
	}
	if job.EndedAt.After(g.Last) {
		g.Last, g.Newest, g.Error = job.EndedAt, job, last.Error
	}
	return g
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
