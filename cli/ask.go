package cli

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// confirm asks a person whether to do what cannot be undone. Where nobody can be asked, --yes must say so.
func (s *session) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	in, ok := s.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return misuse("%s Nobody can be asked here: say --yes to do it", question)
	}
	s.err.printf("%s [y/N] ", cleanLine(question))
	answer, err := untilDone(ctx, func() (string, error) { return bufio.NewReader(in).ReadString('\n') })
	if err != nil && err != io.EOF { //nolint:errorlint // ReadString returns it as it is
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return failure("nothing done")
}

// untilDone reads, but no longer than ctx lasts. A read cannot be called off: when ctx ends first, it is left behind, and
// the process ends soon.
func untilDone[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type reply struct {
		value T
		err   error
	}
	replies := make(chan reply, 1)
	go func() {
		value, err := read()
		replies <- reply{value, err}
	}()
	select {
	case r := <-replies:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
