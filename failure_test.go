package errand_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/errandhq/errand"
)

// The shapes in which error packages offer a stack trace. Frame and stackTrace are named as pkg/errors names them.
type (
	frame      uintptr
	stackTrace []frame
)

func callers() []uintptr {
	pcs := make([]uintptr, 10)
	return pcs[:runtime.Callers(2, pcs)]
}

type pkgError struct{ stack stackTrace } // pkg/errors, cockroachdb/errors

func (pkgError) Error() string            { return "pkg" }
func (e pkgError) StackTrace() stackTrace { return e.stack }

type goError struct{ pcs []uintptr } // go-errors

func (goError) Error() string        { return "go" }
func (e goError) Callers() []uintptr { return e.pcs }

type byteError struct{}

func (byteError) Error() string { return "bytes" }
func (byteError) Stack() []byte { return []byte("main.cause(...)\n\tmain.go:7\n") }

type nastyError struct{}

func (nastyError) Error() string           { panic("in Error") }
func (nastyError) StackTrace() []uintptr   { panic("in StackTrace") }
func (nastyError) StackTraces(int) []frame { return nil }

func newPkgError() error {
	var st stackTrace
	for _, pc := range callers() {
		st = append(st, frame(pc))
	}
	return pkgError{st}
}

func newGoError() error { return goError{callers()} }

func describe(err error) errand.AttemptRecord {
	var rec errand.AttemptRecord
	rec.Describe(err)
	return rec
}

func TestStackOfAnErrorIsFoundByItsShape(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"pkg/errors": {newPkgError(), "errand_test.newPkgError"},
		"go-errors":  {newGoError(), "errand_test.newGoError"},
		"bytes":      {byteError{}, "main.cause"},
		"wrapped":    {fmt.Errorf("outer: %w", errors.Join(errors.New("x"), newPkgError())), "errand_test.newPkgError"},
		"none":       {errors.New("plain"), ""},
	} {
		rec := describe(c.err)
		if c.want == "" && rec.Stack != "" || !strings.Contains(rec.Stack, c.want) {
			t.Errorf("%s: stack %q, want one with %q", name, rec.Stack, c.want)
		}
	}
}

func TestRecordsAreBoundedAndSurviveNastyErrors(t *testing.T) {
	if rec := describe(nastyError{}); !strings.Contains(rec.Error, "panicked: in Error") || rec.Stack != "" {
		t.Errorf("nasty: %+v", rec)
	}
	if rec := describe(errors.New("")); rec.Error == "" {
		t.Error("an empty text leaves no error")
	}
	long := describe(errors.New("a" + strings.Repeat("漢", 10_000) + "\xff"))
	if len(long.Error) > errand.MaxErrorBytes || !utf8.ValidString(long.Error) || !strings.HasPrefix(long.Error, "a漢") ||
		!strings.HasSuffix(long.Error, "漢\uFFFD") {
		t.Errorf("%d bytes, valid %v", len(long.Error), utf8.ValidString(long.Error))
	}
	deep := errors.New("root")
	for range 1000 {
		deep = fmt.Errorf("w: %w", deep)
	}
	if rec := describe(deep); len(rec.Chain) > 20 {
		t.Errorf("a chain of %d", len(rec.Chain))
	}
	if rec := describe(errand.Discard(errors.New("x"))); rec.Error != "x" || len(rec.Chain) != 1 {
		t.Errorf("Discard's envelope shows: %+v", rec)
	}
}

func TestHistoryKeepsTheFirstAndTheNewest(t *testing.T) {
	var history []errand.AttemptRecord
	for n := 1; n <= 200; n++ {
		history = errand.AppendAttempt(history, errand.AttemptRecord{Attempt: n})
	}
	if len(history) != errand.MaxAttemptRecords || history[0].Attempt != 1 || history[1].Attempt != 152 || history[49].Attempt != 200 {
		t.Errorf("%d records: %d, %d ... %d", len(history), history[0].Attempt, history[1].Attempt, history[len(history)-1].Attempt)
	}
}

func TestProtect(t *testing.T) {
	boom := errors.New("boom")
	if err := errand.Protect(func() error { return boom }); !errors.Is(err, boom) {
		t.Errorf("returned: %v", err)
	}
	err := errand.Protect(func() error { panic(boom) })
	if p, ok := errors.AsType[*errand.PanicError](err); !ok || !errors.Is(err, boom) || !strings.Contains(p.Trace, "TestProtect") {
		t.Errorf("panicked: %v", err)
	}
	err = errand.Protect(func() error { runtime.Goexit(); return nil })
	if p, ok := errors.AsType[*errand.PanicError](err); !ok || !p.Goexit {
		t.Errorf("exited: %v", err)
	}
}
