package testserver

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the process killed when this one ends, however that happens.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
