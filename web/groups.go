package web

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/cause"
)

// failures are failed jobs by what went wrong.
type failures struct {
	Groups  []failureGroup // the largest first
	Scanned int            // failed jobs that were looked into, the newest
	More    bool           // there are others
}

// failureGroup is the failed jobs of one task with one kind of error.
type failureGroup struct {
	Task   string
	Error  string // of the newest
	Group  string // the fingerprint that they share
	Count  int
	First  time.Time
	Last   time.Time
	Newest *errand.Job
	Panic  bool
	Times  []time.Time // when each failed
}

// The bounds of a look at failures.
const (
	maxGroups    = 200
	failuresTime = 80 * time.Millisecond
)

// findFailures groups the newest failed jobs that the filter's queue and task leave, as far as it gets in its time.
func (h *Handler) findFailures(ctx context.Context, filter errand.JobFilter) (failures, error) {
	filter.State, filter.Newest, filter.Limit = errand.StateFailed, true, scanPage
	var found failures
	groups := map[[2]string]*failureGroup{}
	start := time.Now()
	for {
		page, err := h.st.Jobs(ctx, filter)
		if err != nil {
			return found, err
		}
		for _, job := range page.Jobs {
			addToGroup(groups, job)
		}
		found.Scanned += len(page.Jobs)
		filter.Cursor = page.Next
		if page.Next == "" || found.Scanned >= scanJobs || time.Since(start) > failuresTime {
			found.More = page.Next != ""
			break
		}
	}
	for _, g := range groups {
		found.Groups = append(found.Groups, *g)
	}
	slices.SortFunc(found.Groups, func(a, b failureGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.Last.Compare(a.Last), cmp.Compare(a.Group, b.Group))
	})
	return found, nil
}

// addToGroup adds a job to its group; to none, where there are too many groups.
func addToGroup(groups map[[2]string]*failureGroup, job *errand.Job) {
	last, _ := job.LastError()
	key := [2]string{job.Task, cause.Of(last.Error)}
	g, ok := groups[key]
	if !ok {
		if len(groups) >= maxGroups {
			return
		}
		g = &failureGroup{Task: job.Task, Group: key[1], First: job.EndedAt, Last: job.EndedAt, Newest: job, Error: last.Error, Panic: last.Panic}
		groups[key] = g
	}
	g.Count++
	g.Times = append(g.Times, job.EndedAt)
	if job.EndedAt.Before(g.First) {
		g.First = job.EndedAt
	}
	if job.EndedAt.After(g.Last) {
		g.Last, g.Newest, g.Error = job.EndedAt, job, last.Error
	}
}
