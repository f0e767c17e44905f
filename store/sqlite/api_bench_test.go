package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/sqlite"
	"github.com/errandhq/errand/store/storetest"
)

// Benchmark measures the store through the public API with both settings of synchronous. BenchmarkRawLimit beside it says
// what plain statements reach on the same rows.
func Benchmark(b *testing.B) {
	for _, sync := range []sqlite.Sync{sqlite.Full, sqlite.Normal} {
		b.Run(string(sync), func(b *testing.B) {
			storetest.Benchmark(b, func(b testing.TB) errand.Store {
				st, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), sqlite.Synchronous(sync))
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() {
					if err := st.Close(); err != nil {
						b.Error(err)
					}
				})
				return st
			})
		})
	}
}
