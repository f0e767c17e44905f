package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/store"
	"github.com/spf13/cobra"
)

// session is one run of the command line.
type session struct {
	app   App
	name  string // the program's
	open  opener
	abort <-chan struct{} // closed by the second signal; nil: there are no signals

	process bool // the process is the command line's own

	in  io.Reader
	out *screen
	err *screen

	lang *lang.Lang

	storeFlag string
	langFlag  string
	json      bool
	parsed    bool // the command line was understood: an error from here on is no misuse by itself
}

func newSession(app App, stdin io.Reader, stdout, stderr io.Writer) *session {
	name := app.Name
	if name == "" && len(os.Args) > 0 {
		name = strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	}
	if name == "" {
		name = "errand"
	}
	return &session{app: app, name: name, open: store.Open, lang: lang.English, in: stdin, out: newScreen(stdout), err: newScreen(stderr)}
}

// run runs the command line and returns its exit status.
func (s *session) run(ctx context.Context, args []string) int {
	s.lang = chooseLang(args)
	root := s.root()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	s.err.printf("%s: %s\n", s.name, clip(cleanBlock(s.explain(err)), maxError))
	if s.misused(err) {
		s.err.printf("%s\n", s.t("Run '%s --help' for how to use it.", cmd.CommandPath()))
		return exitMisused
	}
	return exitFailed
}

// maxError bounds the text of an error, which may quote what it is about.
const maxError = 8 << 10

func (s *session) misused(err error) bool {
	var f *fault
	return !s.parsed || errors.As(err, &f) && f.misuse || errors.Is(err, errand.ErrInvalid)
}

// does makes a function a command's.
func (s *session) does(fn func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if _, ok := langNamed(s.langFlag); s.langFlag != "" && !ok {
			return misuse("--lang %q: use en or zh", s.langFlag)
		}
		s.parsed = true
		return fn(cmd.Context(), args)
	}
}

// storeURL returns the URL of the store that the command line means.
func (s *session) storeURL() string {
	for _, url := range []string{s.storeFlag, os.Getenv("ERRAND_STORE"), s.app.Store} {
		if url != "" {
			return url
		}
	}
	return "sqlite:errand.db"
}

// withStore opens the store, calls fn with it and the store's time, and closes it.
func (s *session) withStore(ctx context.Context, fn func(st errand.Store, now time.Time) error) (err error) {
	return s.withStoreAt(ctx, s.storeURL(), fn)
}

// lookInto is withStore for commands to which a store that is not there yet is a mistake: they make no database file.
func (s *session) lookInto(ctx context.Context, fn func(st errand.Store, now time.Time) error) error {
	url := s.storeURL()
	if file := databaseFile(url); file != "" {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return failure("there is no database %s: name another with --store URL or $ERRAND_STORE, "+
				"or make it with '%s enqueue' or '%s worker'", file, s.name, s.name)
		}
	}
	return s.withStoreAt(ctx, url, fn)
}

func (s *session) withStoreAt(ctx context.Context, url string, fn func(st errand.Store, now time.Time) error) (err error) {
	st, err := s.open(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	now, err := st.Now(ctx)
	if err != nil {
		return fmt.Errorf("ask the store for its time: %w", err)
	}
	return fn(st, now)
}

// note prints what a person should know beside the result: not part of what a pipe reads.
func (s *session) note(text string, args ...any) {
	s.err.printf("%s\n", cleanBlock(s.t(text, args...)))
}

// heading prints a heading with an empty line above it.
func (s *session) heading(text string) { s.out.printf("\n%s\n", bold.Render(cleanLine(text))) }
