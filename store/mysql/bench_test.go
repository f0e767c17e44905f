package mysql_test

import (
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/storetest"
)

// Benchmark measures the store through the public API.
func Benchmark(b *testing.B) {
	storetest.Benchmark(b, func(b testing.TB) errand.Store {
		where, _ := newDatabase(b, testserver.MariaDB(b).URL)
		return openAt(b, where)
	})
}
