package web

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/cause"
	"github.com/errandhq/errand/internal/lang"
)

// search says which jobs somebody looks for; it lives in the URL.
type search struct {
	Queue   string
	State   errand.State
	Task    string
	ID      string
	Text    string // a literal part of the payload or of an error
	Group   string // a fingerprint of errors, see [cause.Of]
	Attempt int    // at least so many attempts
	Since   bound
	Until   bound
	Oldest  bool
	Limit   int
	Cursor  string

	visible func(*errand.Job) []byte // what the one who looks may see of a job's payload
	now     time.Time                // from which Since and Until count back
}

// search reads what somebody looks for, and sees no more of payloads than they do.
func (h *Handler) search(req *request, v url.Values) (search, error) {
	s, err := searchOf(v)
	if err == nil && (s.Since.ago != 0 || s.Until.ago != 0) {
		s.now, err = h.st.Now(req.Context())
	}
	s.visible = func(job *errand.Job) []byte {
		if !req.may(Operator) {
			return nil
		}
		return h.redacted(job.Task, job.Payload)
	}
	return s, err
}

// The bounds of a search that looks into jobs.
const (
	maxParameter = 512 // bytes
	scanJobs     = 10_000
	scanTime     = 50 * time.Millisecond
	scanPage     = 500
)

var limits = []string{"50", "20", "100", "200"}

// searchParameters are the names of what a search can say.
var searchParameters = []string{"queue", "task", "id", "text", "group", "cursor", "state", "attempt", "since", "until", "order", "limit"}

// searchOf reads a search from a URL's or a form's values.
func searchOf(v url.Values) (search, error) {
	s := search{
		Queue: v.Get("queue"), Task: v.Get("task"), ID: strings.TrimSpace(v.Get("id")), Text: v.Get("text"), Group: v.Get("group"),
		Oldest: v.Get("order") == "oldest", Cursor: v.Get("cursor"),
	}
	for _, name := range searchParameters {
		if len(v.Get(name)) > maxParameter {
			return s, about(name, misuse(lang.Mark("The value of %s is too long."), name))
		}
	}
	for kind, name := range map[string]string{"queue": s.Queue, "task": s.Task} {
		if name != "" {
			if err := errand.CheckName(kind, name); err != nil {
				return s, about(kind, err)
			}
		}
	}
	var err error
	if text := v.Get("state"); text != "" {
		if s.State, err = errand.ParseState(text); err != nil {
			return s, about("state", err)
		}
	}
	if text := v.Get("attempt"); text != "" {
		if s.Attempt, err = strconv.Atoi(text); err != nil || s.Attempt < 0 || s.Attempt > 1_000_000 {
			return s, about("attempt", misuse(lang.Mark("The attempt %q is not a number."), text))
		}
	}
	if s.Since, err = boundOf(v.Get("since")); err != nil {
		return s, about("since", err)
	}
	if s.Until, err = boundOf(v.Get("until")); err != nil {
		return s, about("until", err)
	}
	s.Limit, _ = strconv.Atoi(oneOf(v.Get("limit"), limits))
	return s, nil
}

// values is the inverse of searchOf, without the cursor.
func (s search) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("queue", s.Queue)
	set("task", s.Task)
	set("id", s.ID)
	set("text", s.Text)
	set("group", s.Group)
	if s.State != 0 {
		v.Set("state", s.State.String())
	}
	if s.Attempt > 0 {
		v.Set("attempt", strconv.Itoa(s.Attempt))
	}
	set("since", s.Since.text)
	set("until", s.Until.text)
	if s.Oldest {
		v.Set("order", "oldest")
	}
	if text := strconv.Itoa(s.Limit); s.Limit != 0 && text != limits[0] {
		v.Set("limit", text)
	}
	return v
}

// scans reports whether the search must look into the jobs.
func (s search) scans() bool {
	return s.Text != "" || s.Group != "" || s.Attempt > 0 || s.Since.text != "" || s.Until.text != ""
}

func (s search) filter() errand.JobFilter {
	return errand.JobFilter{Queue: s.Queue, State: s.State, Task: s.Task, Limit: s.Limit, Newest: !s.Oldest, Cursor: s.Cursor}
}

// fits reports whether a job is one of those that are looked for, beyond what the filter says.
func (s search) fits(job *errand.Job) bool {
	if s.Task != "" && job.Task != s.Task || job.Attempt < s.Attempt || !s.inTime(job) {
		return false
	}
	last, failed := job.LastError()
	if s.Group != "" && (!failed || cause.Of(last.Error) != s.Group) {
		return false
	}
	return s.Text == "" || bytes.Contains(s.visible(job), []byte(s.Text)) || strings.Contains(last.Error, s.Text)
}

// found is a page of what was looked for.
type found struct {
	Jobs    []*errand.Job
	Next    string    // cursor; empty: there are no more
	Scanned int       // jobs that were looked into; 0 for a search that needs not
	Reached time.Time // the time of the last that was
}

// find looks for a page of jobs. A search that looks into jobs stops after scanJobs or scanTime and goes on by cursor.
func (h *Handler) find(ctx context.Context, s search) (found, error) {
	if s.ID != "" {
		job, err := h.st.Job(ctx, s.Queue, s.ID)
		if errors.Is(err, errand.ErrJobNotFound) {
			return found{}, nil
		}
		if err != nil {
			return found{}, err
		}
		return found{Jobs: []*errand.Job{job}}, nil
	}
	filter := s.filter()
	scans, err := h.mustScan(ctx, s)
	if err != nil {
		return found{}, err
	}
	if !scans {
		page, err := h.st.Jobs(ctx, filter)
		return found{Jobs: page.Jobs, Next: page.Next}, err
	}
	return h.scan(ctx, s)
}

// mustScan reports whether a search must look into jobs. A store finds those of a task by itself, but for as long as it takes,
// and that is long where the task is rare among many.
func (h *Handler) mustScan(ctx context.Context, s search) (bool, error) {
	if s.Task == "" || s.scans() {
		return s.scans(), nil
	}
	n, _, err := h.count(ctx, search{Queue: s.Queue, State: s.State})
	return n > scanJobs, err
}

// scan looks into jobs until it has a page, or has looked for long enough. Where nothing fits, it takes larger steps.
func (h *Handler) scan(ctx context.Context, s search) (found, error) {
	filter := s.filter()
	filter.Task = ""
	result := found{}
	least := min(scanPage, max(s.Limit, 1))
	filter.Limit = least
	start := time.Now()
	for {
		begun := time.Now()
		page, err := h.st.Jobs(ctx, filter)
		if err != nil {
			return result, err
		}
		result.Scanned += len(page.Jobs)
		before := len(result.Jobs)
		for _, job := range page.Jobs {
			if s.fits(job) {
				result.Jobs = append(result.Jobs, job)
			}
		}
		if len(result.Jobs) > before {
			filter.Limit = least
		} else {
			filter.Limit = min(scanPage, 2*filter.Limit)
		}
		result.Next = page.Next
		if n := len(page.Jobs); n > 0 {
			result.Reached = timeOf(page.Jobs[n-1])
		}
		if s.past(page.Jobs) {
			result.Next = ""
			return result, nil
		}
		if page.Next == "" || len(result.Jobs) >= s.Limit || result.Scanned >= scanJobs || over(start, begun, scanTime) {
			return result, nil
		}
		filter.Cursor = page.Next
	}
}

// over reports whether a step like that which began then would not end within its time from the start.
func over(start, begun time.Time, limit time.Duration) bool {
	return time.Since(start)+time.Since(begun) > limit
}

// count says how many jobs a search finds: of queues and states from the store's counters; exact is false where there
// may be more.
func (h *Handler) count(ctx context.Context, s search) (n int64, exact bool, err error) {
	if s.Task == "" && s.ID == "" && !s.scans() {
		now, err := h.st.Now(ctx)
		if err != nil {
			return 0, false, err
		}
		queues, err := h.st.Queues(ctx, now)
		if err != nil {
			return 0, false, err
		}
		for _, q := range queues {
			if s.Queue != "" && q.Name != s.Queue {
				continue
			}
			for state, jobs := range q.Counts {
				if s.State == 0 || s.State == state {
					n += jobs
				}
			}
		}
		return n, true, nil
	}
	s.Limit, s.Cursor = 1000, ""
	result, err := h.find(ctx, s)
	return int64(len(result.Jobs)), result.Next == "", err
}
