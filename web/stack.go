package web

import (
	"runtime"
	"strings"
)

// frame is a call in a stack trace.
type frame struct {
	Call string
	File string // with the line
	Own  bool   // of the user's program: not of Go, of Errand or of a library
}

// Name is the function that is called, without its arguments, which are mere addresses.
func (f frame) Name() string {
	depth := 0
	for i := len(f.Call) - 1; i > 0 && f.Call[len(f.Call)-1] == ')'; i-- {
		switch f.Call[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return f.Call[:i]
			}
		}
	}
	return f.Call
}

// Base is the last part of the file's path, with the line.
func (f frame) Base() string { return f.File[strings.LastIndexByte(f.File, '/')+1:] }

// framesOf reads a stack trace as Go writes it. What is no such trace is one frame that has it whole.
func framesOf(stack string) []frame {
	stack = strings.TrimRight(stack, "\n")
	if stack == "" {
		return nil
	}
	var frames []frame
	lines := strings.Split(stack, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "goroutine ") {
			continue
		}
		f := frame{Call: line}
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\t") {
			i++
			f.File, _, _ = strings.Cut(strings.TrimSpace(lines[i]), " +0x")
		}
		f.Own = f.File != "" && !foreign(f)
		frames = append(frames, f)
	}
	return frames
}

// goRoot is where this program's Go lies, as far as the binary knows.
var goRoot = runtime.GOROOT() //nolint:staticcheck // of traces made by a binary that was built here, it is right

// foreign reports whether a frame is of a library: by its file's place, or by the package of its call.
func foreign(f frame) bool {
	switch {
	case strings.Contains(f.File, "/pkg/mod/"), strings.Contains(f.File, "/vendor/"), strings.Contains(f.File, "@v"):
		return true
	case goRoot != "" && strings.HasPrefix(f.File, goRoot+"/"), strings.Contains(f.File, "/go/src/"):
		return true
	}
	call := strings.TrimPrefix(f.Call, "created by ")
	for _, p := range []string{"runtime.", "runtime/", "panic(", "github.com/errandhq/errand."} {
		if strings.HasPrefix(call, p) {
			return true
		}
	}
	return false
}
