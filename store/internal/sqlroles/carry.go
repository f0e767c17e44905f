package sqlroles

import (
	"context"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Identity implements [errand.Carrier].
func (r *Roles) Identity(ctx context.Context) (name string, err error) {
	fresh := errand.NewID()
	err = r.on.Write(ctx, Jobs, Label{Op: "identity"}, 1, func(session *sqlstore.Session) error {
		own, err := session.Identity(fresh)
		name = own
		return err
	})
	return Reply(name, err)
}

// Pack implements [errand.Carrier].
func (r *Roles) Pack(ctx context.Context, req errand.PackRequest) (errand.Parcel, error) {
	return r.pack(ctx, Label{"pack jobs of", []string{req.Queue}}, req, (*sqlstore.Session).Pack)
}

// PackMessages implements [errand.Carrier].
func (r *Roles) PackMessages(ctx context.Context, req errand.PackRequest) (errand.Parcel, error) {
	return r.pack(ctx, Label{"pack messages of", []string{req.Queue}}, req, (*sqlstore.Session).PackMessages)
}

func (r *Roles) pack(
	ctx context.Context, label Label, req errand.PackRequest, do func(*sqlstore.Session, errand.PackRequest) (errand.Parcel, error),
) (parcel errand.Parcel, err error) {
	err = r.on.Write(ctx, Jobs, label, req.Limit, func(session *sqlstore.Session) error {
		packed, err := do(session, req)
		parcel = packed
		return err
	})
	return Reply(parcel, err)
}

// Unpack implements [errand.Carrier].
func (r *Roles) Unpack(ctx context.Context, now time.Time, parcel *errand.Parcel) (done errand.UnpackReply, err error) {
	err = r.on.Write(ctx, Jobs, Label{"unpack jobs of", []string{parcel.Queue}}, len(parcel.Jobs), func(session *sqlstore.Session) error {
		answer, err := session.Unpack(now, parcel)
		done = answer
		return err
	})
	return Reply(done, err)
}

// Delivered implements [errand.Carrier].
func (r *Roles) Delivered(ctx context.Context, parcel *errand.Parcel) error {
	return r.on.Write(ctx, Jobs, Label{"parcel of", []string{parcel.Queue}}, 1, func(session *sqlstore.Session) error {
		return session.Delivered(parcel)
	})
}

// Move implements [errand.Inspector].
func (r *Roles) Move(ctx context.Context, cmd errand.Command, queue string) (errand.CommandReply, error) {
	return r.command(ctx, "move", cmd, func(session *sqlstore.Session, cmd errand.Command) (errand.CommandReply, error) {
		return session.Move(cmd, queue)
	})
}
