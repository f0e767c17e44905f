package measure

import (
	"context"
	"slices"

	"github.com/errandhq/errand/bench/peer"
)

// memories measures what a waiting job costs Redis.
func (b *bench) memories(ctx context.Context, store peer.Store, entries []peer.Entry) error {
	if store != peer.Redis {
		return nil
	}
	jobs := 20_000
	if b.Full {
		jobs = 100_000
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e peer.Entry) bool { return e.Role == peer.Style }) // they keep the same
	return b.alternate(ctx, 1, entries, func(round int, e peer.Entry) error {
		return b.opened(ctx, e, func(s peer.System, url string) error {
			n := jobs
			if e.Slow {
				n /= 10
			}
			if err := bulk(ctx, s, work(0, 500, text(small))); err != nil { // scripts and buffers are there
				return err
			}
			before, err := peer.RedisNumber(ctx, url, "used_memory_dataset")
			if err == nil {
				err = bulk(ctx, s, work(500, n, text(small)))
			}
			var after int64
			if err == nil {
				after, err = peer.RedisNumber(ctx, url, "used_memory_dataset")
			}
			b.record(e, Memory, round, float64(after-before)/float64(n), n, err)
			return nil
		})
	})
}
