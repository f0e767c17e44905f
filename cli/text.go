package cli

import (
	"errors"
	"os"
	"strings"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
)

// Every sentence for people goes through t or n, or is a fault, which goes through t when it is shown. A test of
// internal/lang finds those that a language has no words for.

// t says a sentence in the session's language. It is a format where there are arguments.
func (s *session) t(text string, args ...any) string { return s.lang.T(text, args...) }

// n says a sentence about a number of things: see [lang.Lang.N].
func (s *session) n(n int64, one, many string) string { return s.lang.N(n, one, many) }

// state names a state of jobs.
func (s *session) state(state errand.State) string { return s.t(state.String()) }

// fault is an error in words for a person, who gets them in the session's language.
type fault struct {
	text   string
	args   []any
	misuse bool // the command line makes no sense
}

func (f *fault) Error() string { return lang.English.T(f.text, f.args...) }

// misuse is the error of a command line that makes no sense.
func misuse(text string, args ...any) error { return &fault{text: text, args: args, misuse: true} }

// failure is the error of something that could not be done.
func failure(text string, args ...any) error { return &fault{text: text, args: args} }

// causes are what errors of the store and the root package mean, for those who do not read English.
var causes = []struct {
	err  error
	text string
}{
	{errand.ErrJobNotFound, lang.Mark("job not found")},
	{errand.ErrDuplicate, lang.Mark("the same job is alive already")},
	{errand.ErrPayloadTooLarge, lang.Mark("payload too large")},
	{errand.ErrDecode, lang.Mark("the value does not fit the task")},
	{errand.ErrCorrupt, lang.Mark("the store is corrupt")},
	{errand.ErrUnknownOutcome, lang.Mark("it is not known whether it was done")},
	{errand.ErrUnavailable, lang.Mark("the store cannot be used now")},
	{errand.ErrInvalid, lang.Mark("invalid")},
	{errInterrupted, lang.Mark("interrupted")},
}

// explain puts an error in words. What this package says itself is translated; what others say stands as it is, behind a
// translation of what it means.
func (s *session) explain(err error) string {
	if f, ok := errors.AsType[*fault](err); ok {
		own := f.Error()
		return strings.Replace(err.Error(), own, s.t(f.text, f.args...), 1)
	}
	text := err.Error()
	if s.lang == lang.English {
		return text
	}
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return s.t("%s (%s)", s.t(c.text), text)
		}
	}
	if !s.parsed {
		return s.t("%s (%s)", s.t("the command line is wrong"), text)
	}
	return text
}

// chooseLang returns the language of a command line: what --lang says, else the locale's. It is wanted before the
// command line is parsed, since the help that parsing may print is in it.
func chooseLang(args []string) *lang.Lang {
	for i, arg := range args {
		value, ok := strings.CutPrefix(arg, "--lang=")
		switch {
		case arg == "--":
			return localeLang()
		case arg == "--lang" && i+1 < len(args):
			value, ok = args[i+1], true
		}
		if l, known := langNamed(value); ok && known {
			return l
		}
	}
	return localeLang()
}

// localeLang reads the locale as POSIX orders it: the first variable that is set counts.
func localeLang() *lang.Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			if l, ok := langNamed(value); ok {
				return l
			}
			return lang.English
		}
	}
	return lang.English
}

// langNamed finds a language by a tag or locale: zh, zh-CN, zh_CN.UTF-8.
func langNamed(name string) (*lang.Lang, bool) {
	name, _, _ = strings.Cut(strings.ReplaceAll(name, "_", "-"), ".")
	primary, _, _ := strings.Cut(name, "-")
	for _, l := range lang.All() {
		if own, _, _ := strings.Cut(l.Tag, "-"); strings.EqualFold(primary, own) {
			return l, true
		}
	}
	return nil, false
}
