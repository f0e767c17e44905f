package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// Bounds are what a run allowed.
type Bounds struct {
	Recoveries int           // the workers' MaxRecoveries
	Skew       time.Duration // how far processes' notions of the store's time may be apart
}

// Check returns what the events and the jobs that are left, all of them, break of the invariants, a line each. Nobody may
// have requeued or deleted a job by command.
func Check(events []Event, left []*errand.Job, bounds Bounds) []string {
	jobs := map[string]*life{}
	get := func(id string) *life {
		if jobs[id] == nil {
			jobs[id] = &life{id: id, bounds: bounds}
		}
		return jobs[id]
	}
	for _, e := range events {
		l := get(e.ID)
		switch e.Op {
		case Enqueue:
			l.enqueues = append(l.enqueues, e)
		case Claim:
			l.claims = append(l.claims, e)
		case Start:
			l.starts = append(l.starts, e)
		case Settle:
			l.settles = append(l.settles, e)
		case Renew:
			l.renewals = append(l.renewals, e)
		}
	}
	for _, job := range left {
		get(job.ID).left = job
	}
	var broken []string
	for _, l := range jobs {
		l.check()
		broken = append(broken, l.broken...)
	}
	slices.Sort(broken)
	return broken
}

// life is what is known of one job.
type life struct {
	id     string
	bounds Bounds

	enqueues, claims, starts, settles, renewals []Event
	left                                        *errand.Job

	broken []string
}

func (l *life) fail(invariant, format string, args ...any) {
	l.broken = append(l.broken, fmt.Sprintf("%s: job %s: ", invariant, l.id)+fmt.Sprintf(format, args...))
}

func (l *life) check() {
	slices.SortStableFunc(l.claims, func(a, b Event) int { return cmp.Compare(a.Token, b.Token) })
	l.checkEnqueues()
	l.checkEnd()
	l.checkTokens()
	l.checkLeases()
	l.checkAttempts()
}

func some(events []Event, fits func(*Event) bool) bool {
	return slices.ContainsFunc(events, func(e Event) bool { return fits(&e) })
}

// perhaps reports whether an operation may have been applied.
func perhaps(e *Event) bool { return e.Result != Refused }

// final reports whether a settle ends a job's life.
func final(e *Event) bool {
	return e.Outcome == errand.EventSucceeded || e.Outcome == errand.EventFailed || e.Outcome == errand.EventCanceled
}

// checkEnqueues: what was acknowledged is there or was settled (I1); what nobody enqueued (I2) or was refused (I3) is not
// seen.
func (l *life) checkEnqueues() {
	acknowledged := some(l.enqueues, func(e *Event) bool { return e.Result == OK })
	succeeded := some(l.settles, func(e *Event) bool { return e.Outcome == errand.EventSucceeded && perhaps(e) })
	if acknowledged && l.left == nil && !succeeded {
		l.fail("I1", "it was acknowledged, is gone, and nobody settled it as finished")
	}
	seen := len(l.claims) > 0 || len(l.starts) > 0 || l.left != nil
	switch {
	case seen && len(l.enqueues) == 0:
		l.fail("I2", "nobody enqueued it")
	case seen && !some(l.enqueues, perhaps):
		l.fail("I3", "its enqueue was refused, and it is there")
	}
}

// checkEnd: one final state a job (I4), which nothing follows (I5).
func (l *life) checkEnd() {
	ends := map[int64]errand.Event{} // by token
	for i := range l.settles {
		e := &l.settles[i]
		if !final(e) || e.Result != OK {
			continue
		}
		ends[e.Token] = e.Outcome
		if l.left != nil && !l.left.State.Final() {
			l.fail("I4", "it was settled and is %v", l.left.State)
		}
		if some(l.starts, func(s *Event) bool { return s.Called > e.Returned && !l.beganInTime(s, e.Token) }) ||
			some(l.claims, func(c *Event) bool { return c.Called > e.Returned }) {
			l.fail("I5", "it started after it had been settled")
		}
	}
	if len(ends) > 1 {
		l.fail("I4", "it was settled %d times: %v", len(ends), ends)
	}
	if l.left != nil && l.left.State == errand.StateFailed && slices.ContainsFunc(l.settles, func(e Event) bool {
		return e.Outcome == errand.EventSucceeded && e.Result == OK
	}) {
		l.fail("I4", "it was settled as finished and has failed")
	}
}

// beganInTime reports whether a start that is seen after the job was settled under another token is one of a worker that
// was frozen just as its handler began, while its lease was valid: that no worker can know.
func (l *life) beganInTime(start *Event, settled int64) bool {
	return start.Token < settled && some(l.claims, func(c *Event) bool {
		return c.Token == start.Token && start.Now.Before(l.leaseEnd(c, start.Called).Add(l.bounds.Skew))
	})
}

// leaseEnd returns when the lease of a claim ends, with the renewals that were answered before the given moment.
func (l *life) leaseEnd(claim *Event, before int64) time.Time {
	until := claim.Now.Add(claim.Lease)
	for _, r := range l.renewals {
		if end := r.Now.Add(r.Lease); r.Token == claim.Token && r.Result == OK && r.Returned < before && end.After(until) {
			until = end
		}
	}
	return until
}

// checkTokens: every claim has a token of its own, higher than before, and an older one changes nothing (I6).
func (l *life) checkTokens() {
	for i := 1; i < len(l.claims); i++ {
		a, b := &l.claims[i-1], &l.claims[i]
		switch {
		case a.Token == b.Token && (a.Worker != b.Worker || a.Number != b.Number):
			l.fail("I6", "token %d was given to claim %d of %s and to claim %d of %s", a.Token, a.Number, a.Worker, b.Number, b.Worker)
		case a.Token < b.Token && b.Returned < a.Called:
			l.fail("I6", "token %d was given after token %d", a.Token, b.Token)
		}
	}
	for _, s := range l.starts {
		if !some(l.claims, func(c *Event) bool { return c.Token == s.Token }) {
			l.fail("I6", "it was run with token %d, which no claim gave", s.Token)
		}
	}
	for _, writes := range [][]Event{l.settles, l.renewals} {
		for _, w := range writes {
			if w.Result == OK && some(l.claims, func(c *Event) bool { return c.Token > w.Token && c.Returned < w.Called }) {
				l.fail("I6", "a %s with the old token %d was not refused", w.Op, w.Token)
			}
		}
	}
}

// checkLeases: at most one valid lease at any time of the store (I7).
func (l *life) checkLeases() {
	for i := 1; i < len(l.claims); i++ {
		a, b := &l.claims[i-1], &l.claims[i]
		givenUp := some(l.settles, func(s *Event) bool { return s.Token == a.Token && perhaps(s) && !final(s) && s.Called < b.Returned })
		if a.Token == b.Token || givenUp {
			continue
		}
		// The store carried the claim out at some moment between the call and its reply, as of the time before the call.
		latest := b.Now.Add(time.Duration(b.Returned - b.Called))
		if early := l.leaseEnd(a, b.Called).Sub(latest); early > l.bounds.Skew {
			l.fail("I7", "token %d was given %v before the lease of token %d ended", b.Token, early, a.Token)
		}
	}
}

// checkAttempts: no more starts than attempts and recoveries allow, and one outcome for each attempt that is recorded (I8).
func (l *life) checkAttempts() {
	allowed := 1 + l.bounds.Recoveries
	for _, e := range l.enqueues {
		allowed = max(allowed, 1+l.bounds.Recoveries+e.Retries)
	}
	tokens := map[int64]bool{}
	for _, c := range l.claims {
		tokens[c.Token] = true
	}
	uncharged := map[int64]bool{}
	for i := range l.settles {
		if e := &l.settles[i]; perhaps(e) && (e.Outcome == errand.EventReleased || e.Outcome == errand.EventSnoozed) {
			uncharged[e.Token] = true
		}
	}
	if n := len(tokens) - len(uncharged); n > allowed {
		l.fail("I8", "it was claimed %d times, and %d are allowed", n, allowed)
	}
	if l.left == nil {
		return
	}
	records := map[int64]bool{} // by token
	for _, rec := range l.left.Attempts {
		if records[rec.Token] {
			l.fail("I8", "its claim with token %d has two records", rec.Token)
		}
		records[rec.Token] = true
	}
}
