package web

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/cause"
)

// failures are failed jobs by what went wrong.
type failures struct {
	Groups  []failureGroup // the largest first
	Scanned int            // failed jobs that were looked into, the newest
	More    bool           // there are others

	CountedAt time.Time // when a census found all this; zero: it was not one
	Counting  bool      // a census is under way
	Seen      int       // by that one
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
	Hours  map[int64]int // how many failed in each hour since 1970
}

// The bounds of a look at failures.
const (
	maxGroups     = 200
	maxHours      = 31 * 24 // of a group's history
	failuresTime  = 30 * time.Millisecond
	failuresPage  = 200
	failuresRest  = 100 // how many times as long as a look took it is good enough for those who look next
	newestFailed  = 15  // of each of so many queues
	failingQueues = 6
	censusJobs    = 1_000_000
	censusTime    = 10 * time.Minute
	censusEvery   = time.Minute // between the end of one census and the beginning of the next
	censusRest    = 4           // how many times as long as it looks it lets the store be
)

// grouping sorts failed jobs into groups, page by page.
type grouping struct {
	groups  map[[2]string]*failureGroup
	scanned int
}

// list returns the groups as they are.
func (g *grouping) list(more bool) failures {
	found := failures{Scanned: g.scanned, More: more}
	for _, group := range g.groups {
		own := *group
		own.Hours = maps.Clone(group.Hours)
		found.Groups = append(found.Groups, own)
	}
	slices.SortFunc(found.Groups, func(a, b failureGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.Last.Compare(a.Last), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Group, b.Group))
	})
	return found
}

// add puts jobs into their groups; into none, where there are too many groups.
func (g *grouping) add(jobs []*errand.Job) {
	g.scanned += len(jobs)
	for _, job := range jobs {
		last, _ := job.LastError()
		key := [2]string{job.Task, cause.Of(last.Error)}
		group, ok := g.groups[key]
		if !ok {
			if len(g.groups) >= maxGroups {
				continue
			}
			group = &failureGroup{Task: job.Task, Group: key[1], First: job.EndedAt, Last: job.EndedAt, Newest: job,
				Error: last.Error, Panic: last.Panic, Hours: map[int64]int{}}
			g.groups[key] = group
		}
		group.Count++
		if hour := job.EndedAt.Unix() / 3600; len(group.Hours) < maxHours || group.Hours[hour] > 0 {
			group.Hours[hour]++
		}
		if job.EndedAt.Before(group.First) {
			group.First = job.EndedAt
		}
		if job.EndedAt.After(group.Last) {
			group.Last, group.Newest, group.Error = job.EndedAt, job, last.Error
		}
	}
}

func newGrouping() *grouping { return &grouping{groups: map[[2]string]*failureGroup{}} }

// glances keeps the last look at failures for a moment, so that a page that is open costs the store next to nothing.
type glances struct {
	mu   sync.Mutex
	till time.Time
	last failures
}

// forgetFailures makes the next page look anew, since somebody has changed something.
func (h *Handler) forgetFailures() {
	h.glances.mu.Lock()
	h.glances.till = time.Time{}
	h.glances.mu.Unlock()
	h.census.mu.Lock()
	h.census.at, h.census.ended = time.Time{}, time.Time{}
	h.census.mu.Unlock()
}

// glance groups the newest failed jobs of all queues, or returns what was found a moment ago.
func (h *Handler) glance(ctx context.Context) (failures, error) {
	h.glances.mu.Lock()
	defer h.glances.mu.Unlock()
	start := time.Now()
	if start.Before(h.glances.till) {
		return h.glances.last, nil
	}
	found, err := h.findFailures(ctx, errand.JobFilter{})
	if err == nil {
		h.glances.last, h.glances.till = found, time.Now().Add(failuresRest*time.Since(start))
	}
	return found, err
}

// findFailures groups the newest failed jobs that the filter's queue and task leave, as far as it gets in its time.
func (h *Handler) findFailures(ctx context.Context, filter errand.JobFilter) (failures, error) {
	filter.State, filter.Newest, filter.Limit = errand.StateFailed, true, failuresPage
	found := newGrouping()
	start := time.Now()
	for {
		begun := time.Now()
		page, err := h.st.Jobs(ctx, filter)
		if err != nil {
			return failures{}, err
		}
		found.add(page.Jobs)
		filter.Cursor = page.Next
		if page.Next == "" || found.scanned >= scanJobs || over(start, begun, failuresTime) {
			return found.list(page.Next != ""), nil
		}
	}
}

// allFailures groups all failed jobs: where they are more than can be looked into now, as the last census found them.
func (h *Handler) allFailures(ctx context.Context, now time.Time) (failures, error) {
	found, err := h.glance(ctx)
	if err != nil || !found.More {
		return found, err
	}
	all, at, seen, running := h.census.look(h, now)
	if !at.IsZero() && all.Scanned >= found.Scanned {
		found, found.CountedAt = all, at
	}
	found.Counting, found.Seen = running, seen
	return found, nil
}

// newestFailures groups the newest failed jobs of the queues that fail most.
func (h *Handler) newestFailures(ctx context.Context, queues []errand.QueueInfo) ([]failureGroup, error) {
	failing := slices.DeleteFunc(slices.Clone(queues), func(q errand.QueueInfo) bool { return q.Counts[errand.StateFailed] == 0 })
	slices.SortStableFunc(failing, func(a, b errand.QueueInfo) int {
		return cmp.Or(cmp.Compare(b.Failed.PerMinute, a.Failed.PerMinute), cmp.Compare(b.Counts[errand.StateFailed], a.Counts[errand.StateFailed]))
	})
	found := newGrouping()
	more := false
	for _, q := range failing[:min(len(failing), failingQueues)] {
		page, err := h.st.Jobs(ctx, errand.JobFilter{Queue: q.Name, State: errand.StateFailed, Newest: true, Limit: newestFailed})
		if err != nil {
			return nil, err
		}
		found.add(page.Jobs)
		more = more || page.Next != ""
	}
	groups := found.list(more).Groups
	slices.SortStableFunc(groups, func(a, b failureGroup) int { return b.Last.Compare(a.Last) })
	return groups[:min(len(groups), 5)], nil
}

// census groups all failed jobs, where they are more than a page can look into: in the background, and slowly, so that the
// store does not feel it. It begins when somebody looks at a page that would show it, and starts again when they still do.
type census struct {
	mu      sync.Mutex
	running bool
	ended   time.Time
	found   failures // of the last that ended; More: it did not get through
	at      time.Time
	seen    int // of the one that runs
}

// look returns what the last census found, when that was (the zero time: there was none yet) and, of one that runs, how many
// jobs it has seen. It begins one when the last is old.
func (c *census) look(h *Handler, now time.Time) (found failures, at time.Time, seen int, running bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.running && time.Since(c.ended) > censusEvery {
		h.operations.mu.Lock() // so that Close waits for it
		if h.stopped.Err() == nil {
			c.running, c.seen = true, 0
			h.operations.group.Go(func() { c.run(h, now) })
		}
		h.operations.mu.Unlock()
	}
	return c.found, c.at, c.seen, c.running
}

func (c *census) run(h *Handler, now time.Time) {
	ctx, cancel := context.WithTimeout(h.stopped, censusTime)
	defer cancel()
	found, err := c.count(ctx, h)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running, c.ended = false, time.Now()
	if err != nil {
		if h.stopped.Err() == nil {
			h.config.Logger.Warn("errand dashboard: not all failures could be grouped", "error", err)
		}
		return
	}
	c.found, c.at = found, now
}

func (c *census) count(ctx context.Context, h *Handler) (failures, error) {
	filter := errand.JobFilter{State: errand.StateFailed, Newest: true, Limit: scanPage}
	found := newGrouping()
	for {
		start := time.Now()
		page, err := h.st.Jobs(ctx, filter)
		if err != nil {
			return failures{}, err
		}
		found.add(page.Jobs)
		c.mu.Lock()
		c.seen = found.scanned
		c.mu.Unlock()
		filter.Cursor = page.Next
		if page.Next == "" || found.scanned >= censusJobs {
			return found.list(page.Next != ""), nil
		}
		rest := time.NewTimer(censusRest * time.Since(start))
		select {
		case <-ctx.Done():
			rest.Stop()
			return failures{}, ctx.Err()
		case <-rest.C:
		}
	}
}
