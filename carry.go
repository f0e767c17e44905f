package errand

import (
	"context"
	"time"
)

// Carrier is an optional role: a store whose jobs and messages can be carried to another store, of any kind, and which
// takes in what another one has packed. While that goes on both stores may be used as always; nothing is paused.
//
// What is carried goes in parcels. Pack takes jobs out of their queue and puts them aside, in the same moment, as a parcel
// that stays as it is until Delivered; Unpack takes a parcel in, once. So each job is at every moment in exactly one of
// three places: the first store's queue, its parcel, or the other store; and it counts as being in the other store from
// the moment in which that took the parcel in. A mover that dies anywhere between the three steps leaves a parcel; the
// next one delivers it first.
//
// A parcel is known by its Token and Number, which Unpack and Put remember for a year at least. A mover has a Token of its
// own, and parcels of one queue have rising Numbers.
type Carrier interface {
	// Identity returns a name that the store gave itself when it was asked first, and keeps. Two stores with one identity
	// are the same, or one is a copy of the other.
	Identity(ctx context.Context) (string, error)

	// Pack takes up to Limit jobs of one queue and state, in the order of [Inspector.Jobs], out of the store and into a
	// parcel. Jobs that wait for, or failed because of, one that is still in the store are passed over, so that parents go
	// first. A started job cannot be packed. Nothing happens to those that depend on a packed job: they are packed later.
	//
	// Where the queue has a parcel that was not Delivered, that one is returned, whatever was asked for; [ErrMoveUnderWay]
	// where it is for another store. With a Limit of 0 nothing new is packed.
	Pack(ctx context.Context, req PackRequest) (Parcel, error)
	// PackMessages is Pack for a queue of messages: its first ones.
	PackMessages(ctx context.Context, req PackRequest) (Parcel, error)

	// Unpack takes in the jobs of a parcel, all of them, as they are, but for their order of arrival, which is now. One
	// whose id is in the store counts as in. A parcel that was unpacked before is not unpacked again, whatever has become of
	// its jobs. A parcel of messages is taken in by [Messages] Put, with its Token, Number and Remember.
	//
	// A deferred job waits for those of WaitsFor that are here and live; one that has failed fails it, and one that is not
	// here counts as finished. A job whose unique key a living job holds here is failed, with that as the reason.
	Unpack(ctx context.Context, now time.Time, parcel *Parcel) (UnpackReply, error)

	// Delivered says that a parcel is in the other store; it is forgotten here. One that is not known has been.
	Delivered(ctx context.Context, parcel *Parcel) error
}

// RememberParcels is how long those who take in parcels remember them.
const RememberParcels = 365 * 24 * time.Hour

// PackRequest asks for a parcel.
type PackRequest struct {
	Now    time.Time
	To     string // the identity of the store that it is for
	Token  string // of the mover
	Number int64  // of its parcels of this queue, rising from 1
	Queue  string
	State  State  // of the jobs; not of messages
	Limit  int    // up to 1000
	Cursor string // Parcel.Next of the one before, so that what was passed over is not met again; empty: from the first
}

// Parcel is what is on its way from one store to another. One without a Token is empty, and leaves no trace.
type Parcel struct {
	To       string
	Token    string
	Number   int64
	Queue    string
	Jobs     []PackedJob
	Messages [][]byte // where it was packed by PackMessages
	Passed   int      // jobs that were passed over
	Next     string   // where the next Pack goes on; empty: there are no more
}

// PackedJob is a job and what only its store knows of it.
type PackedJob struct {
	Job       Job
	HoldsKey  bool      // it holds its unique key
	KeyUntil  time.Time // until then at most; zero: until the job is final
	WaitsFor  []string  // deferred only: the jobs that it waits for
	FailedBy  string    // failed only: the job because of which it failed; empty: it failed by itself
	Parent    bool      // others may depend on it
	ExpiresAt time.Time // finished only: when it is deleted
}

// UnpackReply says what was taken in.
type UnpackReply struct {
	Conflicts int // jobs that were failed because a living job holds their unique key
}

// ConflictError is the text that a job fails with when it comes to a store in which another one has its unique key.
func ConflictError(holder string) string {
	return "it was moved here while job " + holder + " with the same unique key was alive: requeue it when that one has ended"
}
