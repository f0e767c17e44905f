//go:build !unix

package storetest

import (
	"testing"
	"time"
)

// cpuTime is known on Unix only.
func cpuTime(b *testing.B) time.Duration {
	b.Skip("the time that a process has used is measured on Unix only")
	return 0
}
