package sqlite

import (
	"context"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Identity implements [errand.Carrier].
func (s *Store) Identity(ctx context.Context) (name string, err error) {
	fresh := errand.NewID()
	err = s.write(ctx, label{op: "identity"}, 1, func(session *sqlstore.Session) error {
		own, err := session.Identity(fresh)
		name = own
		return err
	})
	return reply(name, err)
}

// Pack implements [errand.Carrier].
func (s *Store) Pack(ctx context.Context, req errand.PackRequest) (errand.Parcel, error) {
	return s.pack(ctx, label{"pack jobs of", []string{req.Queue}}, req, (*sqlstore.Session).Pack)
}

// PackMessages implements [errand.Carrier].
func (s *Store) PackMessages(ctx context.Context, req errand.PackRequest) (errand.Parcel, error) {
	return s.pack(ctx, label{"pack messages of", []string{req.Queue}}, req, (*sqlstore.Session).PackMessages)
}

func (s *Store) pack(
	ctx context.Context, label label, req errand.PackRequest, do func(*sqlstore.Session, errand.PackRequest) (errand.Parcel, error),
) (parcel errand.Parcel, err error) {
	err = s.write(ctx, label, req.Limit, func(session *sqlstore.Session) error {
		packed, err := do(session, req)
		parcel = packed
		return err
	})
	return reply(parcel, err)
}

// Unpack implements [errand.Carrier].
func (s *Store) Unpack(ctx context.Context, now time.Time, parcel *errand.Parcel) (done errand.UnpackReply, err error) {
	err = s.write(ctx, label{"unpack jobs of", []string{parcel.Queue}}, len(parcel.Jobs), func(session *sqlstore.Session) error {
		answer, err := session.Unpack(now, parcel)
		done = answer
		return err
	})
	return reply(done, err)
}

// Delivered implements [errand.Carrier].
func (s *Store) Delivered(ctx context.Context, parcel *errand.Parcel) error {
	return s.write(ctx, label{"parcel of", []string{parcel.Queue}}, 1, func(session *sqlstore.Session) error {
		return session.Delivered(parcel)
	})
}

// Move implements [errand.Inspector].
func (s *Store) Move(ctx context.Context, cmd errand.Command, queue string) (errand.CommandReply, error) {
	return s.command(ctx, "move", cmd, func(session *sqlstore.Session, cmd errand.Command) (errand.CommandReply, error) {
		return session.Move(cmd, queue)
	})
}
