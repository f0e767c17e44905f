package sqlstore

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/errandhq/errand"
)

// chooser finds the jobs of a claim and starts them.
type chooser struct {
	s          *Session
	req        *errand.ClaimRequest
	views      []*view
	lastChance bool  // it may still take a job on its last recovery
	repeated   bool  // the request is known to have been answered before
	known      bool  // the worker has claimed before
	last       int64 // its number then

	jobs   []*errand.Job
	seqs   []int64     // of jobs
	rows   []chosenRow // of jobs
	broken [][]byte    // ids of jobs that cannot be read
}

// chosenRow is what a claim remembers of a row.
type chosenRow struct {
	seq   int64
	key   []byte
	flags int64
}

const (
	skipPage = 200 // how many jobs are read at least after those on their last recovery have been skipped
	maxPage  = 4000
)

// look learns what the claim must know before it chooses. Where answers may come later, the first jobs of the first queue
// come with them, in the same round trip.
func (c *chooser) look() error {
	for i, name := range c.req.Queues {
		if slices.Contains(c.req.Queues[:i], name) {
			continue
		}
		if err := c.lookAt(name); err != nil {
			return fmt.Errorf("queue %q: %w", name, err)
		}
	}
	asker, able := c.s.tx.(Asker)
	if !able || len(c.views) == 0 || c.repeated {
		var err error
		c.last, c.known, err = c.s.lastClaim(lastClaim, c.req.Claimant())
		return err
	}
	last := func(row Row) error {
		c.last, c.known = row.Int(0), true
		return nil
	}
	if err := asker.Ask(lastClaim, last, c.req.Claimant()); err != nil {
		return err
	}
	return c.readAhead(c.views[0])
}

func (c *chooser) lookAt(name string) error {
	q, err := c.s.queue(name)
	if err != nil {
		return err
	}
	v := &view{q: q, rank: math.MinInt64}
	c.views = append(c.views, v)
	if c.s.dialect.Shared {
		err = c.s.soon(queuePaused, func(row Row) error {
			q.paused = row.Int(0) != 0
			return nil
		}, name)
	}
	if err != nil || !q.has(errand.StateScheduled) {
		return err
	}
	return c.s.soon(firstScheduled, func(row Row) error {
		v.first, v.scheduled = row.Int(0), true
		return nil
	}, name)
}

// readAhead takes the first jobs of a queue, unless the answers before them say that none, or others, are to be taken.
func (c *chooser) readAhead(v *view) error {
	page := int64(min(c.req.Limit, maxPage))
	wanted := func() bool { return !v.q.paused && !v.isDue(c.s.now) && !c.answered() }
	read, err := c.readFirst(v, wanted, page)
	v.ended = wanted() && read < page
	return err
}

// answered reports whether the request was answered before.
func (c *chooser) answered() bool { return c.req.Number > 0 && (c.repeated || c.req.Number <= c.last) }

// choose takes jobs from a queue, as many as it has and the limit allows.
func (c *chooser) choose(v *view) error {
	if v.q.paused {
		return nil
	}
	left := v.q.most(errand.StateQueued)
	for len(c.jobs) < c.req.Limit && left > 0 && !v.ended {
		read, err := c.page(v)
		if err != nil {
			return err
		}
		left -= read
	}
	if v.taken > 0 {
		v.q.add(errand.StateQueued, -v.taken)
		v.q.add(errand.StateStarted, v.taken)
	}
	return nil
}

// page reads the next jobs of a queue, and says how many there were.
func (c *chooser) page(v *view) (read int64, err error) {
	page := int64(min(c.req.Limit-len(c.jobs), maxPage))
	first := v.seq == 0
	if first && page >= alikeLeast && c.s.alike.run >= alikeLeast && c.req.MaxRecoveries > 0 {
		return c.readAlike(v, page)
	}
	if first {
		read, err = c.readFirst(v, nil, page)
	} else {
		page = max(page, skipPage)
		read, err = c.readMore(v, page)
	}
	v.ended = read < page
	return read, err
}

// readFirst takes the first jobs of a queue.
func (c *chooser) readFirst(v *view, wanted func() bool, page int64) (read int64, err error) {
	if !c.s.dialect.Begins {
		return c.read(v, wanted, queuedBeyond, v.q.name, v.rank, page)
	}
	if err := c.s.later(queueBegins, v.q.name); err != nil {
		return 0, err
	}
	return c.read(v, wanted, queuedFrom, v.q.name, page)
}

// readMore takes the jobs after those that were read.
func (c *chooser) readMore(v *view, page int64) (read int64, err error) {
	read, err = c.read(v, nil, queuedBeside, v.q.name, v.rank, v.seq, page)
	if err != nil || read == page || c.s.dialect.Places {
		return read, err
	}
	more, err := c.read(v, nil, queuedBeyond, v.q.name, v.rank, page-read)
	return read + more, err
}

// read takes jobs that a query finds, while they are wanted; nil: always. It says how many it has looked at.
func (c *chooser) read(v *view, wanted func() bool, query string, args ...any) (read int64, err error) {
	err = c.s.tx.Query(query, func(row Row) error {
		if wanted != nil && !wanted() {
			return nil
		}
		read++
		v.seq, v.rank = row.Int(0), row.Int(2)
		if !c.s.dialect.Shared {
			c.s.alike.note(row)
		}
		took, err := c.consider(v.q, row)
		if took {
			v.taken++
		}
		return err
	}, args...)
	return read, err
}

// consider takes a job unless the claim is full, the job is on its last recovery or cannot be read.
func (c *chooser) consider(q *queue, row Row) (bool, error) {
	if len(c.jobs) >= c.req.Limit {
		return false, nil
	}
	recoveries := int(row.Int(8))
	if recoveries >= c.req.MaxRecoveries {
		if !c.lastChance {
			return false, nil
		}
		c.lastChance = false
	}
	r := chosenRow{seq: row.Int(0), key: row.Blob(1), flags: row.Int(9)}
	j := c.newJob(q, r.key, row.Int(2))
	j.Task, j.Payload = row.Text(3), some(row.Blob(10))
	j.CreatedAt, j.UnknownSince = timeOf(row.Int(4)), timeOf(row.Int(5))
	j.Token, j.Attempt, j.Recoveries = row.Int(6)+1, int(row.Int(7))+1, recoveries
	broken := c.decode(row.Blob(11), j)
	if broken == nil {
		broken = decode("history", row.Blob(12), func(raw []byte) (err error) {
			j.Attempts, err = decodeHistory(raw)
			return err
		})
	}
	return c.take(j, r, broken), nil
}

// newJob is a job that is started for the first time, as far as its id and rank tell.
func (c *chooser) newJob(q *queue, key []byte, rank int64) *errand.Job {
	priority, ready := ofQueuedRank(rank)
	return &errand.Job{
		JobSpec: errand.JobSpec{ID: idOf(key), Queue: q.name, Priority: priority},
		State:   errand.StateStarted, CreatedAt: ready, ReadyAt: ready, StartedAt: c.s.now,
		LeaseUntil: micro(c.s.now.Add(c.req.Lease)), Worker: c.req.Worker, Token: 1, Attempt: 1,
	}
}

func (c *chooser) decode(options []byte, j *errand.Job) error {
	return decode("options", options, func(raw []byte) error { return c.s.decoded.decode(raw, &j.JobSpec) })
}

// take takes a job unless it is broken, and says which.
func (c *chooser) take(j *errand.Job, r chosenRow, broken error) bool {
	if broken != nil {
		c.broken = append(c.broken, r.key)
		return false
	}
	c.jobs = append(c.jobs, j)
	c.seqs, c.rows = append(c.seqs, r.seq), append(c.rows, r)
	return true
}

// readAlike takes the first jobs of a queue for as long as they are like the one that was claimed last.
func (c *chooser) readAlike(v *view, page int64) (read int64, err error) {
	like := &c.s.alike
	err = c.s.tx.Query(queuedAlike, func(row Row) error {
		if row.Int(4) != 0 {
			like.run = 0
			return errStop
		}
		read++
		v.seq, v.rank = row.Int(0), row.Int(2)
		r := chosenRow{seq: v.seq, key: row.Blob(1)}
		j := c.newJob(v.q, r.key, v.rank)
		j.Task, j.Payload = like.task, some(row.Blob(3))
		if c.take(j, r, c.decode(like.options, j)) {
			v.taken++
		}
		return nil
	}, like.task, orNull(like.options), v.q.name, v.rank, page)
	if errors.Is(err, errStop) {
		return read, nil
	}
	v.ended = read < page
	return read, err
}

// alike is what new jobs that were claimed after each other have had in common.
type alike struct {
	task    string
	options []byte
	run     int // how many there were after the first
}

// alikeLeast is how many alike jobs have more to come of their kind, and how many are worth a query of their own.
const alikeLeast = 16

// note notes a row of claimColumns.
func (a *alike) note(row Row) {
	task, options := row.Text(3), row.Blob(11)
	if claimed := row.Int(6) > 0; claimed || a.task != task || !bytes.Equal(a.options, options) {
		*a = alike{task: task, options: options}
		return
	}
	a.run++
}

// start gives the chosen jobs to the worker, and fails those that cannot be read.
func (c *chooser) start(number int64) error {
	for _, key := range c.broken {
		if err := c.s.failBroken(key); err != nil {
			return err
		}
	}
	if len(c.jobs) == 0 {
		return nil // and the claim leaves no trace, so that idle workers write nothing
	}
	if err := c.startJobs(); err != nil || c.req.Number <= 0 {
		return err
	}
	c.s.remember(claims, c.req.Claimant(), number)
	set := setClaim
	if !c.known {
		set = insertClaim // which fails where the same claim, sent before, is still under way
	}
	return c.s.later(set, c.req.Claimant(), number, micros(c.s.now))
}

// startJobs writes that the chosen jobs have started.
func (c *chooser) startJobs() error {
	lease, now := micros(c.jobs[0].LeaseUntil), micros(c.s.now)
	if c.s.dialect.Shared {
		taken := c.s.rows()
		for _, r := range c.rows {
			taken.add(r.seq, r.key)
		}
		if c.s.places != nil {
			c.s.places.note(c.rows)
		}
		return c.s.later(startJobs, lease, now, c.s.dialect.holder(c.req.Worker), c.req.Number, taken.list())
	}
	c.note()
	_, err := c.s.inRanges(c.seqs, func(r span) (int64, error) {
		return c.s.tx.Exec(startRange, lease, now, c.req.Worker, c.req.Number, r.first, r.last)
	}, func() (int64, error) {
		return c.s.tx.Exec(startJobs, lease, now, c.req.Worker, c.req.Number, c.seqs)
	})
	return err
}

// note remembers the rows of those of the chosen jobs that nothing else refers to. Only a claim with a number tells its
// jobs from those of all others.
func (c *chooser) note() {
	if c.req.Number <= 0 {
		return
	}
	var claim *claimOf
	for i, job := range c.jobs {
		r := c.rows[i]
		if r.flags != 0 {
			continue
		}
		if claim == nil || claim.queue != job.Queue {
			claim = &claimOf{c.req.Worker, c.req.Number, job.Queue}
		}
		c.s.claimed.put(r.key, claimedRow{r.seq, job.Token, claim})
	}
}
