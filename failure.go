package errand

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode/utf8"
)

// PanicError is the error of an attempt that panicked, or that ended its goroutine with runtime.Goexit.
type PanicError struct {
	Value  any // what was given to panic; nil for Goexit
	Goexit bool
	Trace  string // of the goroutine, from the panicking function down
}

// Error says what the function panicked with.
func (e *PanicError) Error() string {
	if e.Goexit {
		return "the task called runtime.Goexit (as testing's FailNow and Skip do) instead of returning"
	}
	return fmt.Sprintf("panic: %v", e.Value)
}

// Unwrap returns the panic's value where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Protect calls fn and returns its error. A panic, or a runtime.Goexit, comes back as a [*PanicError]. It runs fn in a
// goroutine of its own and returns when fn has.
func Protect(fn func() error) error {
	result := make(chan error, 1)
	go func() {
		var err error
		returned := false
		defer func() {
			if !returned && err == nil {
				err = goexitError()
			}
			result <- err
		}()
		err = recovered(fn)
		returned = true
	}()
	return <-result
}

// recovered calls fn and turns a panic into an error. A Goexit passes through.
func recovered(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Trace: panicTrace(string(debug.Stack()))}
		}
	}()
	return fn()
}

func goexitError() error {
	return &PanicError{Goexit: true, Trace: panicTrace(string(debug.Stack()))}
}

// panicTrace drops the frames above the one that panicked: those of the recovery.
func panicTrace(stack string) string {
	header, frames, ok := strings.Cut(stack, "\n")
	if !ok {
		return stack
	}
	for _, marker := range []string{"panic(", "runtime.Goexit("} {
		i := strings.Index(frames, "\n"+marker)
		if i < 0 {
			continue
		}
		rest := frames[i+1:]
		for range 2 { // the marker's own two lines: the call and its place
			if _, after, ok := strings.Cut(rest, "\n"); ok {
				rest = after
			}
		}
		return header + "\n" + rest
	}
	return stack
}

// maxChain bounds how many wrapped errors are recorded.
const maxChain = 20

// Describe fills in what an attempt's record keeps of the error that ended it: its text, the errors that it wraps, and
// the stack trace of a panic or of an error that carries one. All are bounded, and valid UTF-8.
func (r *AttemptRecord) Describe(err error) {
	if err == nil {
		return
	}
	r.Error = clipMiddle(text(err), MaxErrorBytes)
	if r.Error == "" {
		r.Error = fmt.Sprintf("%T without a text", err)
	}
	walkErrors(err, func(e error) {
		if isMark(e) || len(r.Chain) == maxChain {
			return
		}
		r.Chain = append(r.Chain, clipMiddle(fmt.Sprintf("%T: %s", e, text(e)), MaxErrorBytes/8))
		if trace := stackOf(e); trace != "" {
			r.Stack = clipEnd(trace, MaxStackBytes) // the innermost wins: it is nearest to the cause
		}
	})
	var p *PanicError
	r.Panic = errors.As(err, &p)
}

// isMark reports whether e is one of this package's envelopes, which say what to do and not what happened.
func isMark(e error) bool {
	switch e.(type) { //nolint:errorlint // it looks at one link of the chain, not through it
	case *discardError, *retryAfterError:
		return true
	}
	return false
}

// text returns err's text, also when its Error method panics: it is the user's code.
func text(err error) (s string) {
	defer func() {
		if v := recover(); v != nil {
			s = fmt.Sprintf("%T, whose Error method panicked: %v", err, v)
		}
	}()
	return err.Error()
}

// walkErrors visits err and all that it wraps, outermost first.
func walkErrors(err error, visit func(error)) {
	for depth := 0; err != nil && depth < 100; depth++ {
		visit(err)
		switch e := err.(type) { //nolint:errorlint // it looks at one link of the chain, not through it
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, branch := range e.Unwrap() {
				walkErrors(branch, visit)
			}
			return
		default:
			return
		}
	}
}

// stackOf returns the stack trace that an error carries, by the shape of its methods, so that no error package need be
// imported: Callers() []uintptr (go-errors), StackTrace() of a slice of program counters (pkg/errors,
// cockroachdb/errors), Stack() []byte.
func stackOf(err error) (trace string) {
	defer func() {
		if recover() != nil {
			trace = "" // the user's method panicked: no trace is better than no record
		}
	}()
	switch e := err.(type) { //nolint:errorlint // it looks at one link of the chain, not through it
	case *PanicError:
		return e.Trace
	case interface{ Callers() []uintptr }:
		return formatFrames(e.Callers())
	case interface{ Stack() []byte }:
		return string(e.Stack())
	}
	method := reflect.ValueOf(err).MethodByName("StackTrace")
	if !method.IsValid() || method.Type().NumIn() != 0 || method.Type().NumOut() != 1 {
		return ""
	}
	if out := method.Type().Out(0); out.Kind() != reflect.Slice || out.Elem().Kind() != reflect.Uintptr {
		return ""
	}
	frames := method.Call(nil)[0]
	pcs := make([]uintptr, frames.Len())
	for i := range pcs {
		pcs[i] = uintptr(frames.Index(i).Uint())
	}
	return formatFrames(pcs)
}

// formatFrames prints frames as a panic does.
func formatFrames(pcs []uintptr) string {
	if len(pcs) == 0 {
		return ""
	}
	var b strings.Builder
	frames := runtime.CallersFrames(pcs)
	for {
		frame, more := frames.Next()
		fmt.Fprintf(&b, "%s(...)\n\t%s:%d\n", frame.Function, frame.File, frame.Line)
		if !more {
			return b.String()
		}
	}
}

// clipEnd cuts s to at most limit bytes of valid UTF-8, and says so.
func clipEnd(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	const note = "\n... cut\n"
	return s[:runeStart(s, limit-len(note))] + note
}

// clipMiddle does so too, and keeps both ends: the end of a long error often says what happened.
func clipMiddle(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	const note = " ... cut ... "
	half := (limit - len(note)) / 2
	tail := len(s) - half
	for tail < len(s) && !utf8.RuneStart(s[tail]) {
		tail++
	}
	return s[:runeStart(s, half)] + note + s[tail:]
}

// runeStart returns the largest index up to i at which a rune of s starts.
func runeStart(s string, i int) int {
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	return i
}
