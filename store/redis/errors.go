package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

var errTimeout = errors.New("no answer in time")

// fail makes an error of the client or the server one of Errand's, with the operation.
func (s *Store) fail(c *call, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", c.op, s.translate(c.ctx, err))
}

// translate names what went wrong, by the code with which the server's errors begin.
func (s *Store) translate(ctx context.Context, err error) error {
	for _, known := range []error{
		errand.ErrInvalid, errand.ErrUnavailable, errand.ErrCorrupt, errand.ErrClosed, errand.ErrJobNotFound,
		errand.ErrWorkerNotFound,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); !errors.Is(cause, errTimeout) {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %s: %w", errand.ErrUnavailable, s.where, errTimeout)
	}
	if errors.Is(err, rueidis.ErrClosing) {
		return errand.ErrClosed
	}
	if e, ok := rueidis.IsRedisErr(err); ok {
		code, _, _ := strings.Cut(e.Error(), " ")
		return fmt.Errorf("%w: %s%s: %w", errand.ErrUnavailable, s.where, hints[code], err)
	}
	return fmt.Errorf("%w: %s: %w", errand.ErrUnavailable, s.where, err)
}

// hints say what a person can do.
var hints = map[string]string{
	"NOAUTH":      ": it wants a password: give one in the URL, as in redis://:PASSWORD@HOST:PORT",
	"WRONGPASS":   ": it refuses the user name or the password",
	"NOPERM":      ": the user may not do this: see the ACL line in the documentation of store/redis",
	"READONLY":    ": it is a replica: give the address of the primary, or of the Sentinels",
	"LOADING":     ": it is still loading its data",
	"OOM":         ": its memory is full: raise maxmemory, or have fewer jobs wait",
	"MISCONF":     ": it cannot save its data to disk: look at its log",
	"CLUSTERDOWN": ": the cluster does not serve every slot",
	"MASTERDOWN":  ": its primary is down",
	"TRYAGAIN":    ": the cluster is moving slots",
	"BUSY":        ": it is busy with a script",
}

// firstError returns the first error of a pipeline.
func firstError(results []rueidis.RedisResult) error {
	for _, r := range results {
		if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
			return err
		}
	}
	return nil
}

func leaseLost(op string, id, queue string) error {
	return fmt.Errorf("%s job %s of queue %q: %w", op, id, queue, errand.ErrLeaseLost)
}
