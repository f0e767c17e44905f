package measure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// Processes is the measure of draining by so many worker processes.
func Processes(n int) string { return fmt.Sprintf("drain-100-processes-%d", n) }

// The measures of pickup by a worker in another process.
const (
	ApartP50  = "apart-p50"
	ApartP99  = "apart-p99"
	ApartP999 = "apart-p99.9"
)

// several are the numbers of worker processes that are tried.
var several = []int{1, 2, 4}

// apart leaves those whose workers can be processes of their own.
func apart(entries []peer.Entry) []peer.Entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e peer.Entry) bool { return !e.Apart || e.Role == peer.Style })
}

// processes measures draining by several worker processes, each with concurrency 100. Several have as many jobs each as one has
// alone, as far as there may be so many: each begins with connections to make, which costs as much as thousands of jobs.
func (b *bench) processes(ctx context.Context, _ peer.Store, entries []peer.Entry) error {
	entries = slices.DeleteFunc(apart(entries), func(e peer.Entry) bool { return e.Slow || e.Role == peer.Raw })
	return b.alternate(ctx, b.Rounds, entries, func(round int, e peer.Entry) error {
		return b.opened(ctx, e, func(s peer.System, url string) error {
			c := cycle{drain: Processes(1), concurrency: 100, bytes: small}
			for _, n := range several {
				size, err := b.size(ctx, e, away(s, e, url, 1), c)
				var got rates
				if err == nil {
					got, err = b.once(ctx, e, away(s, e, url, n), c, sizes{drain: min(n*size.drain, maxJobs)})
				}
				b.record(e, Processes(n), round, got.drain, got.drained, err)
			}
			return nil
		})
	})
}

// pickupsApart measures pickup by a worker in another process than the one that enqueues.
func (b *bench) pickupsApart(ctx context.Context, _ peer.Store, entries []peer.Entry) error {
	const jobs, gap = 300, 10 * time.Millisecond
	rounds := 1
	if b.Full {
		rounds = b.Rounds
	}
	return b.alternate(ctx, rounds, apart(entries), func(round int, e peer.Entry) error {
		return b.opened(ctx, e, func(s peer.System, url string) error {
			waits, err := openLoop(ctx, away(s, e, url, 1), 10, jobs, gap)
			b.recordWaits(e, round, waits, err, [3]string{ApartP50, ApartP99, ApartP999})
			return nil
		})
	})
}
