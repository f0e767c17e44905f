//go:build !linux

package sqlite_test

import "testing"

func unprivileged(_ *testing.T, do func()) { do() }

func smallDisk(*testing.T) string { return "" }
