package footprint_test

import (
	"runtime"
	"testing"

	"github.com/errandhq/errand/internal/footprint"
)

// What a process allocates, and uses, is seen.
func TestBytes(t *testing.T) {
	before := footprint.Bytes()
	const more = 64 << 20
	block := make([]byte, more)
	for i := range block {
		block[i] = 1
	}
	if after := footprint.Bytes(); before <= 0 || after < before+more/2 {
		t.Errorf("%d bytes, and %d after an allocation of %d", before, after, more)
	}
	runtime.KeepAlive(block)
}
