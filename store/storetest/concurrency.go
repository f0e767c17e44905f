package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/errandhq/errand"
)

var concurrencyCases = []testCase{
	{name: "with many who enqueue, claim and settle at once, each job succeeds exactly once", run: manyWorkers},
	{name: "commands, dependencies, maintenance and workers at once leave the store whole", run: everythingAtOnce},
	{name: "two who maintain at once recover each job once", run: func(k *kit) {
		const n = 200
		k.enqueueMany(n)
		for claimed := 0; claimed < n; {
			claimed += len(k.claim(100))
		}
		k.pass(time.Hour)
		var recovered atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for more := true; more; {
					reply, err := k.st.Maintain(k.ctx, errand.MaintainRequest{Now: k.now, Limit: 30, MaxRecoveries: maxRecoveries})
					if err != nil {
						k.Errorf("maintain: %v", err)
						return
					}
					recovered.Add(int64(reply.Recovered))
					more = reply.More
				}
			})
		}
		wg.Wait()
		if recovered.Load() != n {
			k.Errorf("%d recoveries of %d jobs", recovered.Load(), n)
		}
		for _, job := range k.list(errand.JobFilter{Limit: 1000}) {
			if job.Recoveries != 1 {
				k.Fatalf("job %s was recovered %d times", job.ID, job.Recoveries)
			}
		}
	}},
	{name: "one worker's claims at once take different jobs", run: func(k *kit) {
		k.enqueueMany(100)
		var mu sync.Mutex
		taken := make(map[string]bool)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				req := errand.ClaimRequest{
					Now: k.now, Worker: fmt.Sprint("w", i), Queues: []string{"q"}, Limit: 20, Lease: leaseLength,
					MaxRecoveries: maxRecoveries, Number: 1,
				}
				reply, err := k.st.Claim(k.ctx, req)
				if err != nil {
					k.Errorf("claim: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, job := range reply.Jobs {
					if taken[job.ID] {
						k.Errorf("job %s was claimed twice", job.ID)
					}
					taken[job.ID] = true
				}
			})
		}
		wg.Wait()
		if len(taken) != 100 {
			k.Errorf("%d of 100 jobs were claimed", len(taken))
		}
	}},
}

// crowd is many who enqueue, claim and settle at once: half of the jobs are retried once, some are given back once.
type crowd struct {
	*kit
	left atomic.Int64

	mu        sync.Mutex
	succeeded map[string]int
	starts    map[string]bool // by id and token
}

func manyWorkers(k *kit) {
	const producers, each, workers = 6, 50, 6
	c := &crowd{kit: k, succeeded: make(map[string]int), starts: make(map[string]bool)}
	c.left.Store(producers * each)
	var wg sync.WaitGroup
	for range producers {
		wg.Go(func() { c.produce(each / 5) })
	}
	for i := range workers {
		wg.Go(func() { c.work(fmt.Sprint("w", i)) })
	}
	wg.Wait()
	if len(c.succeeded) != producers*each {
		k.Errorf("%d jobs succeeded, want %d", len(c.succeeded), producers*each)
	}
	for id, n := range c.succeeded {
		if n != 1 {
			k.Errorf("job %s succeeded %d times", id, n)
		}
	}
	if jobs := k.list(errand.JobFilter{}); len(jobs) > 0 {
		k.Errorf("%d jobs are left", len(jobs))
	}
}

// produce enqueues five jobs at a time, to two queues.
func (c *crowd) produce(times int) {
	for range times {
		group := []errand.JobSpec{spec(), spec(), spec(), spec(inQueue("other")), spec(inQueue("other"))}
		errs, err := c.st.Enqueue(c.ctx, errand.EnqueueRequest{
			Now: c.now, Groups: [][]errand.JobSpec{group[:3], group[3:]},
		})
		if err = errors.Join(append(errs, err)...); err != nil {
			c.Errorf("enqueue: %v", err)
		}
	}
}

// work claims and settles until every job has succeeded.
func (c *crowd) work(worker string) {
	for number := int64(1); c.left.Load() > 0 && !c.Failed(); number++ {
		reply, err := c.st.Claim(c.ctx, errand.ClaimRequest{
			Now: c.now, Worker: worker, Number: number, Queues: []string{"q", "other"}, Limit: 7, Lease: leaseLength,
			MaxRecoveries: maxRecoveries, LastChance: true,
		})
		if err != nil {
			c.Errorf("claim: %v", err)
		}
		for _, job := range reply.Jobs {
			c.end(worker, job)
		}
	}
}

// end settles a job.
func (c *crowd) end(worker string, job *errand.Job) {
	c.begun(job)
	event := errand.EventSucceeded
	switch {
	case job.Token == 1 && job.ID[len(job.ID)-1]%2 == 0:
		event = errand.EventRetried
	case job.Token == 2 && job.ID[len(job.ID)-1]%4 == 0:
		event = errand.EventReleased
	}
	errs, err := c.st.Settle(c.ctx, errand.SettleRequest{
		Now: c.now, Worker: worker, Outcomes: []errand.Outcome{outcome(job, event)},
	})
	if err = errors.Join(append(errs, err)...); err != nil {
		c.Errorf("settle: %v", err)
	}
	if event == errand.EventSucceeded {
		c.mu.Lock()
		c.succeeded[job.ID]++
		c.mu.Unlock()
		c.left.Add(-1)
	}
}

// begun notes that a job was given to a worker.
func (c *crowd) begun(job *errand.Job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	start := fmt.Sprint(job.ID, job.Token)
	if c.starts[start] {
		c.Errorf("job %s was given twice with token %d", job.ID, job.Token)
	}
	c.starts[start] = true
}

// everythingAtOnce has goroutines do what they like to jobs that depend on each other across queues, in both
// directions. No call may fail, none may wait for ever, and the invariants hold afterwards.
func everythingAtOnce(k *kit) {
	const actors, rounds = 8, 25
	var clock atomic.Int64
	var mu sync.Mutex
	var known []string
	some := func(rng *rand.Rand) []string {
		mu.Lock()
		defer mu.Unlock()
		var picked []string
		for range min(3, len(known)) {
			picked = append(picked, known[rng.IntN(len(known))])
		}
		return picked
	}
	act := func(rng *rand.Rand, worker string, number int64) error {
		now := start.Add(time.Duration(clock.Add(1)) * 100 * time.Millisecond)
		queues := []string{"a", "b"}
		if rng.IntN(2) == 0 {
			queues = []string{"b", "a"}
		}
		cmd := errand.Command{Now: now, IDs: some(rng)}
		if len(cmd.IDs) == 0 {
			cmd.Filter = errand.JobFilter{Queue: "a", Limit: 2}
		}
		switch rng.IntN(8) {
		case 0, 1, 2:
			first := spec(inQueue(queues[0]), after(cmd.IDs...))
			second := spec(inQueue(queues[1]), after(first.ID), unique(fmt.Sprint(rng.IntN(50)), 0))
			_, err := k.st.Enqueue(k.ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{first}, {second}}})
			mu.Lock()
			known = append(known, first.ID, second.ID)
			mu.Unlock()
			return err
		case 3, 4:
			return k.workOnce(rng, now, worker, number, queues)
		case 5:
			_, err := k.st.Maintain(k.ctx, errand.MaintainRequest{
				Now: now, Limit: 10, MaxRecoveries: 1, KeepFailed: time.Minute, MaxFailed: 20,
			})
			return err
		case 6:
			_, err := k.st.Requeue(k.ctx, cmd)
			return err
		default:
			do := k.st.Cancel
			if rng.IntN(2) == 0 {
				do = k.st.Delete
			}
			_, err := do(k.ctx, cmd)
			return err
		}
	}
	var wg sync.WaitGroup
	for i := range actors {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i))) //nolint:gosec // repeatable, not secret
			for round := range rounds {
				if err := act(rng, fmt.Sprint("w", i), int64(round+1)); err != nil {
					k.Errorf("actor %d, round %d: %v", i, round, err)
					return
				}
			}
		})
	}
	wg.Wait()
	k.now = start.Add(time.Hour)
	k.maintain()
}

// workOnce claims jobs and settles them in some way.
func (k *kit) workOnce(rng *rand.Rand, now time.Time, worker string, number int64, queues []string) error {
	reply, err := k.st.Claim(k.ctx, errand.ClaimRequest{
		Now: now, Worker: worker, Number: number, Queues: queues, Limit: 3, Lease: time.Second, MaxRecoveries: 1, LastChance: true,
	})
	if err != nil {
		return err
	}
	events := []errand.Event{
		errand.EventSucceeded, errand.EventSucceeded, errand.EventFailed, errand.EventRetried, errand.EventReleased,
	}
	req := errand.SettleRequest{Now: now, Worker: worker}
	for _, job := range reply.Jobs {
		if rng.IntN(4) > 0 { // else it is lost
			req.Outcomes = append(req.Outcomes, outcome(job, events[rng.IntN(len(events))], keep(time.Second)))
		}
	}
	_, err = k.st.Settle(k.ctx, req)
	return err
}
