package errand

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/errandhq/errand/internal/wait"
)

// settlements are outcomes on their way to the store, and beside them the jobs that they end.
type settlements struct {
	outcomes []Outcome
	jobs     []*held
}

func (b settlements) len() int { return len(b.jobs) }

func (b settlements) slice(from, to int) settlements {
	return settlements{b.outcomes[from:to:to], b.jobs[from:to:to]}
}

// emptied returns the same memory for further outcomes. What it held is let go.
func (b settlements) emptied() settlements {
	clear(b.outcomes)
	clear(b.jobs)
	return settlements{b.outcomes[:0], b.jobs[:0]}
}

// The settler's pace: what goes in one request, how long one may take, and the pauses after errors.
const (
	settleBatch     = 1000
	settlePauseMin  = 50 * time.Millisecond
	settlePauseMax  = 5 * time.Second
	settleOneByOne  = 3 // errors that are not the store's being unavailable, until each outcome is sent alone
	settleGiveUpOne = 6 // such errors until a single outcome is given up: its lease runs out, and the job is run again
)

// settler reports outcomes to the store, whatever has gathered while the last report was under way. An outcome is
// repeated until the store has taken or refused it; the heartbeat renews its lease meanwhile.
type settler struct {
	engine *engine

	mu      sync.Mutex
	waiting settlements
	spare   settlements // memory for the next ones
	closed  bool
	sending int
	signal  chan struct{}
}

func newSettler(e *engine) *settler {
	return &settler{engine: e, signal: make(chan struct{}, 1)}
}

// add hands over an outcome. After close, when only stuck handlers can still return, it is dropped: the lease runs out.
func (s *settler) add(h *held, o Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.waiting.outcomes = append(s.waiting.outcomes, o)
	s.waiting.jobs = append(s.waiting.jobs, h)
	poke(s.signal)
}

// backlog returns how many outcomes have not been answered yet.
func (s *settler) backlog() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting.len() + s.sending
}

// close lets run return once everything is settled.
func (s *settler) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	poke(s.signal)
}

// run reports until close.
func (s *settler) run() {
	for {
		batch, closed := s.take()
		if batch.len() > 0 {
			for from := 0; from < batch.len(); from += settleBatch {
				s.send(batch.slice(from, min(from+settleBatch, batch.len())))
			}
			s.mu.Lock()
			s.spare = batch.emptied()
			s.mu.Unlock()
			continue
		}
		if closed {
			return
		}
		<-s.signal
	}
}

// take returns all that waits.
func (s *settler) take() (batch settlements, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch = s.waiting
	s.waiting, s.spare = s.spare, settlements{}
	s.sending = batch.len()
	return batch, s.closed
}

// send reports one batch and returns when the store has answered, or when it is too late to.
func (s *settler) send(batch settlements) {
	e := s.engine
	unsure := false // whether an earlier sending may have been carried out
	refused := 0    // errors other than the store's being away
	for try := 0; ; try++ {
		refusals, err := s.request(batch.outcomes)
		if err == nil {
			s.answered(batch, refusals, unsure)
			return
		}
		unsure = true
		e.trouble("settle", err)
		if !errors.Is(err, ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
			refused++
		}
		switch {
		case refused >= settleOneByOne && batch.len() > 1:
			for i := range batch.len() {
				s.send(batch.slice(i, i+1))
			}
			return
		case refused >= settleGiveUpOne:
			e.log.Error("errand: an outcome cannot be stored: its lease will run out and the job run again",
				slog.String("job", batch.outcomes[0].ID), slog.Any("error", err))
			s.forget(batch)
			return
		case e.stopping.Load() && e.now().After(e.ledger.lastLease(batch.jobs)):
			e.log.Error("errand: outcomes lost at shutdown: the store is unavailable and the leases have run out",
				slog.Int("jobs", batch.len()), slog.Any("error", err))
			s.forget(batch)
			return
		}
		_ = wait.For(context.Background(), wait.Backoff(try, settlePauseMin, settlePauseMax))
	}
}

func (s *settler) request(outcomes []Outcome) ([]error, error) {
	ctx, cancel := s.engine.callContext()
	defer cancel()
	return s.engine.store.Settle(ctx, SettleRequest{Now: s.engine.now(), Worker: s.engine.id, Outcomes: outcomes})
}

// answered forgets jobs that are settled, and says which were refused. A refusal after an error is no news: the outcome
// may have been taken then.
func (s *settler) answered(batch settlements, refusals []error, unsure bool) {
	e := s.engine
	lastChance := false
	for i, h := range batch.jobs {
		lastChance = lastChance || h.lastChance
		if refusals[i] != nil && !unsure && !h.mayBeSettled {
			o := &batch.outcomes[i]
			e.log.Warn("errand: outcome refused: the lease was lost and another worker may have run the job",
				slog.String("job", o.ID), slog.String("outcome", o.Event.String()))
		}
		if h.mayBeSettled {
			s.countSettled(h, batch.outcomes[i], refusals[i] != nil)
		}
	}
	s.forget(batch)
	poke(e.freed)
	if lastChance || e.config.Burst && e.ledger.len() == 0 {
		poke(e.wake) // others on their last chance wait for this one; a burst ends when there is nothing left
	}
}

// countSettled counts an attempt whose task settled it inside a transaction: an outcome that is refused is one that came
// after that transaction's commit.
func (s *settler) countSettled(h *held, o Outcome, refused bool) {
	ended := s.engine.now()
	if o.Record != nil {
		ended = o.Record.EndedAt
	}
	if refused {
		o.Event = EventSucceeded
	}
	s.engine.count(h, o, h.err, ended)
}

// forget ends what this worker has to do with jobs.
func (s *settler) forget(batch settlements) {
	s.engine.ledger.drop(batch.jobs...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending -= batch.len()
}

// poke leaves a signal for whoever waits; one that is there already is enough.
func poke(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}
