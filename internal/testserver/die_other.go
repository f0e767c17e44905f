//go:build !linux

package testserver

import "os/exec"

// dieWithParent cannot be had here: a test that is killed leaves its servers behind.
func dieWithParent(*exec.Cmd) {}
