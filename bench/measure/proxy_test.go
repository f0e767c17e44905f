package measure

import (
	"testing"
	"time"
)

// TestProxyDelays proves that a round trip through a proxy takes as long as it says: never less, and where the machine lets
// it not much more.
func TestProxyDelays(t *testing.T) {
	const delay = 500 * time.Microsecond
	shortest := time.Hour
	for range 20 {
		median, err := roundTrip(delay)
		if err != nil {
			t.Fatal(err)
		}
		if shortest = min(shortest, median); shortest < 3*delay {
			break
		}
	}
	if shortest < 2*delay || shortest > 3*delay {
		t.Errorf("a round trip took %v, want %v", shortest, 2*delay)
	}
}
