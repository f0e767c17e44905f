package errand

import (
	"math/rand/v2"
	"time"
)

// maintainLimit bounds one piece of housekeeping, so that it delays nobody.
const maintainLimit = 1000

// maintenance does the store's housekeeping, at once and then six times in a lease: so the jobs of a worker that died
// are run again after a lease and a sixth at most. Every worker does it; what is done already costs a look.
func (e *engine) maintenance(over <-chan struct{}) {
	failed := false
	for {
		d := e.config.Lease / 6
		d -= rand.N(d/8 + 1)
		switch {
		case failed && e.answers():
			// After an outage leases have run out whose holders are well: they come first.
			failed, d = false, settlePauseMax
		case failed:
		default:
			more, err := e.maintain()
			if failed = err != nil; more {
				d = time.Millisecond
			}
		}
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-over:
			t.Stop()
			return
		}
	}
}

// answers reports whether the store can be reached.
func (e *engine) answers() bool {
	ctx, cancel := e.callContext()
	defer cancel()
	_, err := e.store.Now(ctx)
	return err == nil
}

func (e *engine) maintain() (more bool, err error) {
	ctx, cancel := e.callContext()
	defer cancel()
	reply, err := e.store.Maintain(ctx, MaintainRequest{
		Now: e.now(), Limit: maintainLimit, MaxRecoveries: e.config.MaxRecoveries,
		KeepFailed: e.config.KeepFailed, MaxFailed: e.config.MaxFailed,
	})
	if err != nil {
		e.trouble("maintain", err)
	}
	return reply.More, err
}
