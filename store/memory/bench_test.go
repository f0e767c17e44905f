package memory_test

import (
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
	"github.com/errandhq/errand/store/storetest"
)

func Benchmark(b *testing.B) {
	storetest.Benchmark(b, func(testing.TB) errand.Store { return memory.New() })
}
