package web

import (
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// bound is an end of a time range: a moment, or how long ago it is. The zero value is no end.
type bound struct {
	text string // as it stands in the URL
	at   time.Time
	ago  time.Duration
}

// String is the end as it stands in the URL.
func (m bound) String() string { return m.text }

// maxAgo bounds how far back a time range may reach.
const maxAgo = 10 * 365 * 24 * time.Hour

// momentForms are the ways to write a moment; those without a zone are in UTC. A browser's date field writes the last two.
var momentForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"}

// boundOf reads an end of a time range: a duration before now such as 90m, or a moment.
func boundOf(text string) (bound, error) {
	m := bound{text: text}
	if text == "" {
		return m, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 && ago <= maxAgo {
		m.ago = ago
		return m, nil
	}
	for _, form := range momentForms {
		if at, err := time.Parse(form, text); err == nil && at.Year() > 0 && at.Year() < 10_000 {
			m.at = at.UTC()
			return m, nil
		}
	}
	return m, misuse(lang.Mark("%q is not a time: write it as 2006-01-02T15:04 (UTC), or as a duration before now such as 90m."), clip(40, text))
}

// from is the moment that is meant, as of a time; zero: there is none.
func (m bound) from(now time.Time) time.Time {
	if m.ago > 0 {
		return now.Add(-m.ago)
	}
	return m.at
}

// timeOf is the time by which a job is listed: when it became final, when it was started, else since when it is ready.
func timeOf(job *errand.Job) time.Time {
	switch {
	case job.State.Final():
		return job.EndedAt
	case job.State == errand.StateStarted:
		return job.StartedAt
	}
	return job.ReadyAt
}

// inTime reports whether a job's time is in the range of the search.
func (s search) inTime(job *errand.Job) bool {
	at := timeOf(job)
	since, until := s.Since.from(s.now), s.Until.from(s.now)
	return (since.IsZero() || !at.Before(since)) && (until.IsZero() || at.Before(until))
}

// past reports whether a page of jobs ends before the time range begins, in an order in which all that follows does too.
func (s search) past(jobs []*errand.Job) bool {
	since := s.Since.from(s.now)
	return !since.IsZero() && s.Queue != "" && s.State.Final() && !s.Oldest &&
		len(jobs) > 0 && timeOf(jobs[len(jobs)-1]).Before(since)
}
