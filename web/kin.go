package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// kin are the jobs that a job depends on, and those that depend on it.
type kin struct {
	Parents  []*errand.Job
	Missing  []string // parents that are no longer in the store
	More     int      // parents that were not looked up
	Children []*errand.Job
	Partly   bool // not every job was looked into: there may be more children
}

// The bounds of a look at a job's kin.
const (
	maxParents   = 20
	maxChildren  = 50
	childrenTime = 15 * time.Millisecond
)

// kinOf looks up the parents of a job and looks for its children. A child is found while it waits for the job, or when it
// failed because the job did: a store does not keep who depended on what once that is over.
func (h *Handler) kinOf(ctx context.Context, job *errand.Job) (kin, error) {
	var found kin
	shown := job.DependsOn[:min(len(job.DependsOn), maxParents)]
	found.More = len(job.DependsOn) - len(shown)
	for _, id := range shown {
		parent, err := h.st.Job(ctx, "", id)
		switch {
		case errors.Is(err, errand.ErrJobNotFound):
			found.Missing = append(found.Missing, id)
		case err != nil:
			return found, err
		default:
			found.Parents = append(found.Parents, parent)
		}
	}
	state := errand.StateDeferred
	switch job.State {
	case errand.StateFailed, errand.StateCanceled:
		state = errand.StateFailed
	case errand.StateFinished:
		return found, nil // nobody waits any more
	default:
	}
	filter := errand.JobFilter{State: state, Newest: true, Limit: 100}
	start := time.Now()
	for {
		begun := time.Now()
		page, err := h.st.Jobs(ctx, filter)
		if err != nil {
			return found, err
		}
		for _, child := range page.Jobs {
			if slices.Contains(child.DependsOn, job.ID) && len(found.Children) < maxChildren {
				found.Children = append(found.Children, child)
			}
		}
		if page.Next == "" {
			return found, nil
		}
		if over(start, begun, childrenTime) || len(found.Children) >= maxChildren {
			found.Partly = true
			return found, nil
		}
		filter.Cursor = page.Next
	}
}
