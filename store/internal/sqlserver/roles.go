package sqlserver

import (
	"context"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// These are roles that need not ask while nothing happens: see Calmer. The others are those of sqlroles.

// Queues implements [errand.Inspector].
func (s *Store) Queues(ctx context.Context, now time.Time) (infos []errand.QueueInfo, err error) {
	changes, _ := s.calm()
	if listing, ok := s.restingListing(); ok && !s.isClosed() {
		return listing.Infos(now), ctx.Err()
	}
	var listing sqlstore.Listing
	err = s.read(ctx, Label{Op: "list queues"}, func(session *sqlstore.Session) (err error) {
		listing, err = session.List()
		return err
	})
	if err != nil {
		return nil, err
	}
	s.restListing(listing, changes)
	return listing.Infos(now), nil
}

// Orders implements [errand.Telemetry].
func (s *Store) Orders(ctx context.Context, worker string) (orders errand.Orders, err error) {
	changes, _ := s.calm()
	if s.restingOrders(worker) && !s.isClosed() {
		return orders, ctx.Err()
	}
	err = s.read(ctx, Label{Op: "orders"}, func(session *sqlstore.Session) (err error) {
		orders, err = session.Orders(worker)
		return err
	})
	if err == nil && !orders.Quiet && !orders.Stop && len(orders.Cancel) == 0 {
		s.restOrders(worker, changes)
	}
	return orders, err
}
