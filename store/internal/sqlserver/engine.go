package sqlserver

import (
	"context"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Enqueue implements [errand.Engine].
func (s *Store) Enqueue(ctx context.Context, req errand.EnqueueRequest) (errs []error, err error) {
	to, weight := labelOf(&req)
	err = s.write(ctx, laneEnqueue, to, weight, func(session *sqlstore.Session) error {
		refusals, err := session.Enqueue(req)
		errs = refusals
		return err
	})
	return reply(errs, err)
}

// Claim implements [errand.Engine].
func (s *Store) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	repeated := s.wasEmpty(&req)
	if !repeated {
		answer, idle, err := s.idle(ctx, req)
		if err != nil {
			return errand.ClaimReply{}, err
		}
		if idle {
			s.noteEmpty(&req)
			return answer, nil
		}
	}
	var taken errand.ClaimReply
	err := s.write(ctx, laneClaim, Label{"claim from", req.Queues}, req.Limit, func(session *sqlstore.Session) error {
		answer, err := session.Claim(req, repeated)
		taken = answer
		return err
	})
	if err == nil && len(taken.Jobs) == 0 {
		s.noteEmpty(&req)
	}
	return reply(taken, err)
}

// idle looks whether there is nothing to claim, so that those who find nothing wait for nobody who writes.
func (s *Store) idle(ctx context.Context, req errand.ClaimRequest) (answer errand.ClaimReply, idle bool, err error) {
	err = s.read(ctx, Label{"claim from", req.Queues}, func(session *sqlstore.Session) (err error) {
		answer, idle, err = session.Idle(req)
		return err
	})
	return answer, idle, err
}

// noteEmpty keeps the number of a claim that took nothing. A repeated one comes through the same store.
func (s *Store) noteEmpty(req *errand.ClaimRequest) {
	s.emptyMu.Lock()
	defer s.emptyMu.Unlock()
	s.empty[req.Worker] = max(s.empty[req.Worker], req.Number)
}

func (s *Store) wasEmpty(req *errand.ClaimRequest) bool {
	s.emptyMu.Lock()
	defer s.emptyMu.Unlock()
	return req.Number > 0 && req.Number <= s.empty[req.Worker]
}

// Settle implements [errand.Engine].
func (s *Store) Settle(ctx context.Context, req errand.SettleRequest) (errs []error, err error) {
	err = s.write(ctx, laneSettle, Label{Op: "settle"}, len(req.Outcomes), func(session *sqlstore.Session) error {
		refusals, err := session.Settle(req)
		errs = refusals
		return err
	})
	return reply(errs, err)
}

// Renew implements [errand.Engine].
func (s *Store) Renew(ctx context.Context, req errand.RenewRequest) (errs []error, err error) {
	err = s.write(ctx, laneClaim, Label{Op: "renew"}, len(req.Leases), func(session *sqlstore.Session) error {
		refusals, err := session.Renew(req)
		errs = refusals
		return err
	})
	return reply(errs, err)
}

// Maintain implements [errand.Engine].
func (s *Store) Maintain(ctx context.Context, req errand.MaintainRequest) (done errand.MaintainReply, err error) {
	err = s.write(ctx, laneSettle, Label{Op: "maintain"}, req.Limit, func(session *sqlstore.Session) error {
		answer, err := session.Maintain(req)
		done = answer
		return err
	})
	return reply(done, err)
}
