package sqlserver

import (
	"context"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlroles"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Claim implements [errand.Engine].
func (s *Store) Claim(ctx context.Context, req errand.ClaimRequest) (errand.ClaimReply, error) {
	repeated, busy := s.claimedBefore(&req)
	if !repeated && !busy {
		changes, _ := s.calm()
		if answer, ok := s.restingClaim(&req); ok && !s.isClosed() {
			s.noteClaim(&req, 0)
			return answer, ctx.Err()
		}
		answer, idle, err := s.idle(ctx, req)
		if err != nil {
			return errand.ClaimReply{}, err
		}
		if idle {
			s.restClaim(&req, answer, changes)
			s.noteClaim(&req, 0)
			return answer, nil
		}
	}
	in := laneClaim
	if req.Lane > 0 {
		in = laneBeside
	}
	var taken errand.ClaimReply
	err := s.write(ctx, in, Label{Op: "claim from", Queues: req.Queues}, req.Limit, func(session *sqlstore.Session) error {
		if busy {
			if err := session.InTurn(&req); err != nil {
				return err
			}
		}
		answer, err := session.Claim(req, repeated)
		taken = answer
		return err
	})
	if err == nil {
		s.noteClaim(&req, len(taken.Jobs))
	}
	return sqlroles.Reply(taken, err)
}

// idle looks whether there is nothing to claim, so that those who find nothing wait for nobody who writes.
func (s *Store) idle(ctx context.Context, req errand.ClaimRequest) (answer errand.ClaimReply, idle bool, err error) {
	err = s.read(ctx, Label{Op: "claim from", Queues: req.Queues}, func(session *sqlstore.Session) (err error) {
		answer, idle, err = session.Idle(req)
		return err
	})
	return answer, idle, err
}

// claims is what a store remembers of a worker's claims, of which the database knows nothing.
type claims struct {
	empty int64 // the number of the last that took nothing
	busy  bool  // the last took as many as it wanted, and so the next will find some
}

// noteClaim remembers how many jobs a claim took. A repeated one comes through the same store.
func (s *Store) noteClaim(req *errand.ClaimRequest, took int) {
	s.claimsMu.Lock()
	defer s.claimsMu.Unlock()
	c := s.claims[req.Claimant()]
	if took == 0 {
		c.empty = max(c.empty, req.Number)
	}
	c.busy = took > 0 && took >= req.Limit
	s.claims[req.Claimant()] = c
}

// claimedBefore says whether a claim is a repetition of one that took nothing, and whether it is likely to take some.
func (s *Store) claimedBefore(req *errand.ClaimRequest) (repeated, busy bool) {
	s.claimsMu.Lock()
	defer s.claimsMu.Unlock()
	c := s.claims[req.Claimant()]
	return req.Number > 0 && req.Number <= c.empty, c.busy
}

// Maintain implements [errand.Engine].
func (s *Store) Maintain(ctx context.Context, req errand.MaintainRequest) (done errand.MaintainReply, err error) {
	changes, _ := s.calm()
	if s.restingMaintain(req.Now) && !s.isClosed() {
		return done, ctx.Err()
	}
	resting := false
	err = s.write(ctx, laneSettle, Label{Op: "maintain"}, req.Limit, func(session *sqlstore.Session) error {
		answer, err := session.Maintain(req)
		done, resting = answer, session.Resting()
		return err
	})
	s.restMaintain(rest{known: err == nil && resting, changes: changes, at: req.Now})
	return sqlroles.Reply(done, err)
}
