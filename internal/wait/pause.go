package wait

import (
	"context"
	"math/rand/v2"
	"time"
)

// For waits for d and returns nil, or the cause of ctx's end when that comes first.
func For(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Backoff returns how long to wait after the given try, from 0, has failed: twice as long each time, from least to most,
// less a random part of up to a half, so that those who failed together do not return together.
func Backoff(try int, least, most time.Duration) time.Duration {
	d := min(least<<min(try, 16), most)
	return d/2 + rand.N(d/2+1)
}
