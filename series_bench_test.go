package errand_test

import (
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// BenchmarkRecorderCount measures what the time series cost an attempt, with as many runners at once as there are cores.
func BenchmarkRecorderCount(b *testing.B) {
	r := errand.NewRecorder(memory.New(), "w")
	now := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Count("queue", "task", now, errand.EventSucceeded, 3*time.Millisecond, 40*time.Microsecond)
		}
	})
}
