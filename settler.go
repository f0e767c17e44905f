package errand

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/errandhq/errand/internal/wait"
)

// settlement is an outcome on its way to the store.
type settlement struct {
	held    *held
	outcome Outcome
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
	waiting []settlement
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
	s.waiting = append(s.waiting, settlement{h, o})
	poke(s.signal)
}

// backlog returns how many outcomes have not been answered yet.
func (s *settler) backlog() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) + s.sending
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
		if len(batch) > 0 {
			s.send(batch)
			continue
		}
		if closed {
			return
		}
		<-s.signal
	}
}

func (s *settler) take() (batch []settlement, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.waiting), settleBatch)
	batch = s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	if len(s.waiting) == 0 {
		s.waiting = nil
	}
	s.sending = n
	return batch, s.closed
}

// send reports one batch and returns when the store has answered, or when it is too late to.
func (s *settler) send(batch []settlement) {
	e := s.engine
	outcomes := make([]Outcome, len(batch))
	jobs := make([]*held, len(batch))
	for i, b := range batch {
		outcomes[i], jobs[i] = b.outcome, b.held
	}
	unsure := false // whether an earlier sending may have been carried out
	refused := 0    // errors other than the store's being away
	for try := 0; ; try++ {
		refusals, err := s.request(outcomes)
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
		case refused >= settleOneByOne && len(batch) > 1:
			for i := range batch {
				s.send(batch[i : i+1])
			}
			return
		case refused >= settleGiveUpOne:
			e.log.Error("errand: an outcome cannot be stored: its lease will run out and the job run again",
				slog.String("job", batch[0].outcome.ID), slog.Any("error", err))
			e.ledger.drop(jobs...)
			return
		case e.stopping.Load() && e.now().After(e.ledger.lastLease(jobs)):
			e.log.Error("errand: outcomes lost at shutdown: the store is unavailable and the leases have run out",
				slog.Int("jobs", len(batch)), slog.Any("error", err))
			e.ledger.drop(jobs...)
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
func (s *settler) answered(batch []settlement, refusals []error, unsure bool) {
	e := s.engine
	jobs := make([]*held, len(batch))
	lastChance := false
	for i, b := range batch {
		jobs[i] = b.held
		lastChance = lastChance || b.held.lastChance
		if refusals[i] != nil && !unsure && !b.held.mayBeSettled {
			e.log.Warn("errand: outcome refused: the lease was lost and another worker may have run the job",
				slog.String("job", b.outcome.ID), slog.String("outcome", b.outcome.Event.String()))
		}
	}
	e.ledger.drop(jobs...)
	s.mu.Lock()
	s.sending = 0
	s.mu.Unlock()
	poke(e.freed)
	if lastChance || e.config.Burst && e.ledger.len() == 0 {
		poke(e.wake) // others on their last chance wait for this one; a burst ends when there is nothing left
	}
}

// poke leaves a signal for whoever waits; one that is there already is enough.
func poke(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}
