package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/cause"
)

// The bounds of what top looks at.
const (
	topJobs     = 200                    // jobs in the list
	topFailures = 2000                   // failed jobs that are grouped, the newest
	failureTime = 300 * time.Millisecond // for grouping
	failurePage = 200
)

// sight is what a look saw.
type sight struct {
	report
	took     time.Duration
	failures *failures // nil: not looked at
	jobs     []*errand.Job
	more     bool      // there are more jobs than were listed
	opened   *jobSight // nil: none is open
}

// jobSight is a job that is open. One that is gone has no job.
type jobSight struct {
	id      string
	job     *errand.Job
	parents []parent
}

// failures are failed jobs by their cause, the largest group first.
type failures struct {
	groups  []*failureGroup
	scanned int
	more    bool
}

// failureGroup is the failed jobs of a task that have one cause.
type failureGroup struct {
	task, cause string
	text        string // of the newest
	count       int
	last        time.Time
	newest      string // its id
	queues      []string
}

// wanted is what a look is for.
type wanted struct {
	failures bool
	jobs     bool
	filter   errand.JobFilter // of jobs
	open     string           // the id of a job
}

// lookAt takes a look.
func (s *session) lookAt(ctx context.Context, st errand.Store, want wanted) (*sight, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	start := time.Now()
	at, err := st.Now(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.reportAt(ctx, st, at, infoParts)
	if err != nil {
		return nil, err
	}
	seen := &sight{report: *r, took: time.Since(start)}
	if want.failures {
		if seen.failures, err = findFailures(ctx, st, r.queues); err != nil {
			return nil, err
		}
	}
	if want.jobs {
		page, err := st.Jobs(ctx, want.filter)
		if err != nil {
			return nil, err
		}
		seen.jobs, seen.more = slices.Concat([]*errand.Job{}, page.Jobs), page.Next != "" // never nil
	}
	if want.open != "" {
		if seen.opened, err = s.openJob(ctx, st, want.open); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

func (s *session) openJob(ctx context.Context, st errand.Store, id string) (*jobSight, error) {
	seen := &jobSight{id: id}
	job, err := st.Job(ctx, "", id)
	if err != nil {
		if errors.Is(err, errand.ErrJobNotFound) {
			err = nil
		}
		return seen, err
	}
	seen.job = job
	seen.parents, err = s.parentsOf(ctx, st, job)
	return seen, err
}

// findFailures groups the newest failed jobs of each queue, as far as it gets in its time.
func findFailures(ctx context.Context, st errand.Store, queues []errand.QueueInfo) (*failures, error) {
	found := &failures{}
	groups := map[[2]string]*failureGroup{}
	queues = slices.DeleteFunc(slices.Clone(queues), func(q errand.QueueInfo) bool { return q.Counts[errand.StateFailed] == 0 })
	start := time.Now()
	for _, q := range queues {
		filter := errand.JobFilter{Queue: q.Name, State: errand.StateFailed, Newest: true, Limit: failurePage}
		for left := max(failurePage, topFailures/len(queues)); left > 0; left -= failurePage {
			page, err := st.Jobs(ctx, filter)
			if err != nil {
				return nil, err
			}
			for _, job := range page.Jobs {
				found.add(groups, job)
			}
			if filter.Cursor = page.Next; page.Next == "" || time.Since(start) > failureTime {
				break
			}
		}
		found.more = found.more || filter.Cursor != ""
	}
	slices.SortFunc(found.groups, func(a, b *failureGroup) int {
		return cmp.Or(cmp.Compare(b.count, a.count), b.last.Compare(a.last), cmp.Compare(a.cause, b.cause))
	})
	return found, nil
}

func (f *failures) add(groups map[[2]string]*failureGroup, job *errand.Job) {
	key := [2]string{job.Task, causeOf(job)}
	g := groups[key]
	if g == nil {
		g = &failureGroup{task: key[0], cause: key[1]}
		groups[key] = g
		f.groups = append(f.groups, g)
	}
	f.scanned++
	g.count++
	if !slices.Contains(g.queues, job.Queue) {
		g.queues = append(g.queues, job.Queue)
	}
	if g.newest == "" || job.EndedAt.After(g.last) {
		last, _ := job.LastError()
		g.last, g.newest, g.text = job.EndedAt, job.ID, last.Error
	}
}

func causeOf(job *errand.Job) string {
	last, _ := job.LastError()
	return cause.Of(last.Error)
}

// members returns the ids of all failed jobs of a group, also of those that no look has reached.
func (g *failureGroup) members(ctx context.Context, st errand.Store) ([]string, error) {
	var ids []string
	filter := errand.JobFilter{State: errand.StateFailed, Task: g.task, Limit: maxPage}
	for {
		page, err := st.Jobs(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, job := range page.Jobs {
			if causeOf(job) == g.cause {
				ids = append(ids, job.ID)
			}
		}
		if filter.Cursor = page.Next; page.Next == "" {
			return ids, nil
		}
	}
}
