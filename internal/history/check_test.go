package history

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

const lease = time.Second

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	bounds = Bounds{Recoveries: 2, Skew: 10 * time.Millisecond}
)

// TestPlantedBugsAreFound proves that the checker sees each kind of fault: a right store breaks no invariant, and each
// wrong one the invariant that it should.
func TestPlantedBugsAreFound(t *testing.T) {
	for _, bug := range []struct {
		name   string
		breaks string // the invariant; empty: none
		plant  func(errand.Store) errand.Store
	}{
		{"none", "", func(st errand.Store) errand.Store { return st }},
		{"an acknowledged enqueue is dropped", "I1", func(st errand.Store) errand.Store { return &forgetful{Store: st} }},
		{"a claim makes jobs up", "I2", func(st errand.Store) errand.Store { return &inventive{st} }},
		{"a refused enqueue is kept", "I3", func(st errand.Store) errand.Store { return &grudging{st} }},
		{"the token is not checked at the end", "I4", func(st errand.Store) errand.Store { return &tokenless{st} }},
		{"a settle is acknowledged before it is kept", "I5", func(st errand.Store) errand.Store { return &hasty{Store: st} }},
		{"a claim is not atomic", "I6", func(st errand.Store) errand.Store { return &generous{Store: st} }},
		{"a lease ends by the worker's clock", "I7", func(st errand.Store) errand.Store { return &ownClock{st} }},
		{"recoveries are not bounded", "I8", func(st errand.Store) errand.Store { return &endless{st} }},
	} {
		t.Run(bug.name, func(t *testing.T) {
			broken := play(t, bug.plant)
			named := slices.ContainsFunc(broken, func(line string) bool { return strings.HasPrefix(line, bug.breaks+":") })
			if (bug.breaks == "") != (len(broken) == 0) || bug.breaks != "" && !named {
				t.Errorf("want %q broken, got:\n%s", bug.breaks, strings.Join(broken, "\n"))
			}
		})
	}
}

// TestStartsThatAreSeenLate: a start that is seen when the job has been settled under another token is a fault, unless the
// worker was frozen just as it began the job, within its lease.
func TestStartsThatAreSeenLate(t *testing.T) {
	const id = "0190b5c4-0000-7000-8000-000000000001"
	later := start.Add(2 * lease)
	before := []Event{
		{Op: Enqueue, ID: id, Result: OK, Called: 1, Returned: 2},
		{Op: Claim, ID: id, Worker: "frozen", Number: 1, Token: 1, Result: OK, Now: start, Lease: lease, Called: 3, Returned: 4},
		{Op: Claim, ID: id, Worker: "other", Number: 1, Token: 2, Result: OK, Now: later, Lease: lease, Called: 5, Returned: 6},
		{Op: Start, ID: id, Token: 2, Result: OK, Now: later, Called: 7, Returned: 7},
		{Op: Settle, ID: id, Token: 2, Result: OK, Outcome: errand.EventSucceeded, Now: later, Called: 8, Returned: 9},
	}
	for _, late := range []struct {
		token int64
		began time.Time
		bad   bool
	}{{1, start.Add(lease / 2), false}, {1, later, true}, {2, later, true}} {
		events := append(slices.Clone(before), Event{Op: Start, ID: id, Token: late.token, Result: OK, Now: late.began, Called: 10, Returned: 10})
		broken := Check(events, nil, bounds)
		found := slices.ContainsFunc(broken, func(line string) bool { return strings.HasPrefix(line, "I5:") })
		if found != late.bad || len(broken) > 1 || !found && len(broken) > 0 {
			t.Errorf("token %d, begun %v after its claim: broken are %q", late.token, late.began.Sub(start), broken)
		}
	}
}

// play lets two workers and a housekeeper work, one worker too slowly for its lease, and checks what came of it.
func play(t *testing.T, plant func(errand.Store) errand.Store) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	journal, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	right := memory.New()
	defer right.Close()
	p := &player{T: t, st: Record(plant(right), journal), journal: journal, now: start, number: map[string]int64{}}
	for range 10 {
		p.enqueue()
	}
	slow := p.claim("slow", 5)
	quick := p.claim("quick", 3)
	p.now = p.now.Add(lease / 2)
	p.maintain() // too early for what was just claimed
	p.settle("quick", append(quick, p.claim("quick", 10)...))
	for range 4 { // the first makes the slow one lose its jobs, and the third would be the last
		p.now = p.now.Add(2 * lease)
		p.maintain()
		held := p.claim("quick", 10)
		p.settle("quick", held[:min(1, len(held))])
		p.settle("slow", slow[:1])
	}

	events, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	page, err := right.Jobs(t.Context(), errand.JobFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return Check(events, page.Jobs, bounds)
}

// player drives a store, step by step.
type player struct {
	*testing.T
	st      *Recorder
	journal *Journal
	now     time.Time
	number  map[string]int64
}

func (p *player) enqueue() {
	p.Helper()
	spec := errand.JobSpec{ID: uuid.Must(uuid.NewV7()).String(), Queue: "q", Task: "t", Payload: []byte("1")}
	// A refusal is part of the play.
	if _, err := p.st.Enqueue(p.Context(), errand.EnqueueRequest{Now: p.now, Groups: [][]errand.JobSpec{{spec}}}); err != nil {
		p.Fatal(err)
	}
}

func (p *player) claim(worker string, limit int) []*errand.Job {
	p.Helper()
	p.number[worker]++
	reply, err := p.st.Claim(p.Context(), errand.ClaimRequest{
		Now: p.now, Worker: worker, Number: p.number[worker], Queues: []string{"q"}, Limit: limit, Lease: lease,
		MaxRecoveries: bounds.Recoveries + 100, // the last chance is none of this test's business
	})
	if err != nil {
		p.Fatal(err)
	}
	for _, job := range reply.Jobs {
		if err := p.journal.Started(job.ID, job.Token, p.now); err != nil {
			p.Fatal(err)
		}
	}
	return reply.Jobs
}

func (p *player) settle(worker string, jobs []*errand.Job) {
	p.Helper()
	req := errand.SettleRequest{Now: p.now, Worker: worker}
	for _, job := range jobs {
		req.Outcomes = append(req.Outcomes, errand.Outcome{ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded})
	}
	if _, err := p.st.Settle(p.Context(), req); err != nil {
		p.Fatal(err)
	}
}

func (p *player) maintain() {
	p.Helper()
	req := errand.MaintainRequest{Now: p.now, Limit: 100, MaxRecoveries: bounds.Recoveries}
	if _, err := p.st.Maintain(p.Context(), req); err != nil {
		p.Fatal(err)
	}
}

// The faulty stores.

type forgetful struct {
	errand.Store
	enqueued int
}

func (s *forgetful) Enqueue(ctx context.Context, req errand.EnqueueRequest) ([]error, error) {
	if s.enqueued++; s.enqueued == 7 {
		return make([]error, len(req.Groups)), nil
	}
	return s.Store.Enqueue(ctx, req)
}

type inventive struct{ errand.Store }

func (s *inventive) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	reply, err := s.Store.Claim(ctx, req)
	if req.Number == 1 {
		invented := errand.Job{JobSpec: errand.JobSpec{ID: uuid.NewString(), Queue: "q"}, Token: 1}
		reply.Jobs = append(reply.Jobs, &invented)
	}
	return reply, err
}

type grudging struct{ errand.Store }

func (s *grudging) Enqueue(ctx context.Context, req errand.EnqueueRequest) ([]error, error) {
	errs, err := s.Store.Enqueue(ctx, req)
	for i := range errs {
		errs[i] = fmt.Errorf("%w: on second thought", errand.ErrInvalid)
	}
	return errs, err
}

// tokenless settles whatever the job's token is by now, and says so even where the job is gone.
type tokenless struct{ errand.Store }

func (s *tokenless) Settle(ctx context.Context, req errand.SettleRequest) ([]error, error) {
	for i := range req.Outcomes {
		if job, err := s.Job(ctx, "q", req.Outcomes[i].ID); err == nil {
			req.Outcomes[i].Token = job.Token
		}
	}
	errs, err := s.Store.Settle(ctx, req)
	return make([]error, len(errs)), err
}

// hasty acknowledges the first settle with outcomes and does not do it.
type hasty struct {
	errand.Store
	done bool
}

func (s *hasty) Settle(ctx context.Context, req errand.SettleRequest) ([]error, error) {
	if !s.done && len(req.Outcomes) > 0 {
		s.done = true
		return make([]error, len(req.Outcomes)), nil
	}
	return s.Store.Settle(ctx, req)
}

// generous gives one worker's jobs to the other too.
type generous struct {
	errand.Store
	given []*errand.Job
}

func (s *generous) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	reply, err := s.Store.Claim(ctx, req)
	own := reply.Jobs
	if req.Number == 1 {
		reply.Jobs = append(slices.Clone(own), s.given...)
	}
	s.given = own
	return reply, err
}

type ownClock struct{ errand.Store }

func (s *ownClock) Maintain(ctx context.Context, req errand.MaintainRequest) (errand.MaintainReply, error) {
	req.Now = req.Now.Add(time.Hour)
	return s.Store.Maintain(ctx, req)
}

type endless struct{ errand.Store }

func (s *endless) Maintain(ctx context.Context, req errand.MaintainRequest) (errand.MaintainReply, error) {
	req.MaxRecoveries = 1000
	return s.Store.Maintain(ctx, req)
}
