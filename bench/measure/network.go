package measure

import (
	"context"
	"strings"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// Near and Far are the suffixes of measures over a network of so long a round trip.
const (
	Near = "-1ms"
	Far  = "-5ms"
)

// networks measures draining at concurrency 100 through a proxy that makes round trips longer. In a quick run Errand
// alone.
func (b *bench) networks(ctx context.Context, store peer.Store, entries []peer.Entry) error {
	if store == peer.SQLite {
		return nil
	}
	delays := map[string]time.Duration{Near: time.Millisecond}
	if b.Full {
		delays[Far] = 5 * time.Millisecond
	}
	var some []peer.Entry
	for _, e := range entries {
		if e.Role == peer.Ours || b.Full && e.Role == peer.Other && !e.Slow {
			some = append(some, e)
		}
	}
	server := b.started[store]
	for suffix, delay := range delays {
		p, err := newProxy(server.Addrs[0], delay/2)
		if err != nil {
			return err
		}
		through := func(url string) string { return strings.Replace(url, server.Addrs[0], p.addr(), 1) }
		err = b.alternate(ctx, b.Rounds, some, func(round int, e peer.Entry) error { return b.pair(ctx, e, round, suffix, through) })
		if closed := p.close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pair drains directly and then through the proxy.
func (b *bench) pair(ctx context.Context, e peer.Entry, round int, suffix string, through func(string) string) error {
	return b.opened(ctx, e, func(s peer.System, url string) error {
		b.cycle(ctx, e, s, cycle{drain: Drain100 + "-0ms" + suffix, concurrency: 100, bytes: small}, round)
		far, err := e.Open(ctx, through(url))
		if err != nil {
			return err
		}
		b.cycle(ctx, e, far, cycle{drain: Drain100 + suffix, concurrency: 100, bytes: small}, round)
		return far.Close()
	})
}
