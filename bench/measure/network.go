package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	near, err := newProxy(b.started[store].Addrs[0], 0)
	if err != nil {
		return err
	}
	defer near.close()
	for suffix, delay := range delays {
		trip, err := roundTrip(delay / 2)
		if err != nil {
			return err
		}
		b.note("%s: a round trip over the network of %v took %v (median of %d).", store.Title(), delay, trip.Round(10*time.Microsecond), trips)
		far, err := newProxy(b.started[store].Addrs[0], delay/2)
		if err != nil {
			return err
		}
		err = b.alternate(ctx, b.Rounds, some, func(round int, e peer.Entry) error { return b.pair(ctx, e, round, suffix, near, far) })
		if err = errors.Join(err, far.close()); err != nil {
			return err
		}
	}
	return nil
}

// pair drains through a proxy that delays nothing and through one that does, so that what passing the bytes on costs the
// machine, which has no other for it, is in both. Which of them finds the place empty changes from round to round.
func (b *bench) pair(ctx context.Context, e peer.Entry, round int, suffix string, near, far *proxy) error {
	where, err := b.fresh(ctx, e.Store)
	if err != nil {
		return err
	}
	type route struct {
		by   *proxy
		name string
	}
	routes := []route{{near, Drain100 + "-0ms" + suffix}, {far, Drain100 + suffix}}
	if round%2 == 0 {
		slices.Reverse(routes)
	}
	for _, way := range routes {
		s, openErr := e.Open(ctx, strings.Replace(where.url, way.by.to, way.by.addr(), 1))
		if openErr != nil {
			err = errors.Join(err, fmt.Errorf("open %s: %w", e.Name, openErr))
			break
		}
		b.cycle(ctx, e, s, cycle{drain: way.name, concurrency: 100, bytes: small}, round)
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, where.drop(context.WithoutCancel(ctx)))
}
