package errand

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// RetryPolicy says how often a failed attempt is followed by another, and after what delay. The zero value is no retry,
// as in RQ. Make one with [Retry].
type RetryPolicy struct {
	Max     int     `json:"max,omitempty"` // retries, so attempts less one
	Backoff Backoff `json:"backoff,omitzero"`
}

// Backoff says how long to wait before a retry. Make one with [Fixed], [Exponential] or [Delays].
type Backoff struct {
	Kind   BackoffKind     `json:"kind,omitempty"`
	Base   time.Duration   `json:"base,omitempty"`
	Max    time.Duration   `json:"max,omitempty"`
	Delays []time.Duration `json:"delays,omitempty"`
}

// BackoffKind is the shape of a [Backoff].
type BackoffKind uint8

// The shapes of a backoff.
const (
	BackoffFixed       BackoffKind = iota // always Base
	BackoffExponential                    // Base, doubled at each retry up to Max, with jitter
	BackoffDelays                         // Delays in turn, the last again and again
)

// Fixed waits d before each retry.
func Fixed(d time.Duration) Backoff { return Backoff{Kind: BackoffFixed, Base: d} }

// Exponential waits base before the first retry and twice as long before each further one, at most limit. Each delay is
// shortened by a random part of up to a quarter, so that jobs that failed together are not retried together.
func Exponential(base, limit time.Duration) Backoff {
	return Backoff{Kind: BackoffExponential, Base: base, Max: limit}
}

// Delays waits as long as the list says, in turn; past its end, as long as its last entry.
func Delays(delays ...time.Duration) Backoff {
	return Backoff{Kind: BackoffDelays, Delays: delays}
}

// maxDelay bounds every delay: what is further off than this is a mistake.
const maxDelay = 10 * 365 * 24 * time.Hour

// delay returns how long to wait before retry number n, from 1. random is in [0, 1).
func (b Backoff) delay(n int, random float64) time.Duration {
	switch b.Kind {
	case BackoffExponential:
		d := float64(b.Base) * math.Pow(2, float64(n-1))
		d = min(d, float64(b.Max))
		return time.Duration(d * (1 - random/4))
	case BackoffDelays:
		return b.Delays[min(n, len(b.Delays))-1]
	default:
		return b.Base
	}
}

// next returns the delay before the attempt after the given one, and false when there is to be none.
func (p RetryPolicy) next(attempt int) (time.Duration, bool) {
	if attempt > p.Max {
		return 0, false
	}
	return p.Backoff.delay(attempt, rand.Float64()), true
}

func (p RetryPolicy) validate() error {
	if p.Max < 0 || p.Max > 1000 {
		return fmt.Errorf("%w: Retry(%d): use 0 to 1000 retries", ErrInvalid, p.Max)
	}
	b := p.Backoff
	for _, d := range append([]time.Duration{b.Base, b.Max}, b.Delays...) {
		if d < 0 || d > maxDelay {
			return fmt.Errorf("%w: Retry: delay %v: use 0 to %v", ErrInvalid, d, maxDelay)
		}
	}
	switch b.Kind {
	case BackoffFixed:
	case BackoffExponential:
		if b.Max < b.Base {
			return fmt.Errorf("%w: Exponential(%v, %v): the limit is below the base", ErrInvalid, b.Base, b.Max)
		}
	case BackoffDelays:
		if len(b.Delays) == 0 || len(b.Delays) > 100 {
			return fmt.Errorf("%w: Delays: use 1 to 100 delays, not %d", ErrInvalid, len(b.Delays))
		}
	default:
		return fmt.Errorf("%w: backoff kind %d: use Fixed, Exponential or Delays", ErrInvalid, b.Kind)
	}
	return nil
}
