package testproc_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/errandhq/errand/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(map[string]func([]string) error{
		"echo": func(args []string) error {
			for _, arg := range args {
				fmt.Println(arg)
			}
			return nil
		},
		"hang": func([]string) error {
			fmt.Println("ready")
			select {}
		},
		"fail": func([]string) error { return errors.New("as asked") },
	})
	os.Exit(m.Run())
}

func start(t *testing.T, mode string, args ...string) *testproc.Proc {
	t.Helper()
	p, err := testproc.Start(mode, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// TestLines proves that what the other process prints arrives.
func TestLines(t *testing.T) {
	p := start(t, "echo", "a", "b")
	for _, want := range []string{"a", "b"} {
		if got := <-p.Lines; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// TestKill proves that a process that never ends is ended.
func TestKill(t *testing.T) {
	p := start(t, "hang")
	<-p.Lines
	p.Kill()
	if p.Wait() == nil {
		t.Error("it exited with status 0")
	}
}

// TestFail proves that an error of the mode is seen.
func TestFail(t *testing.T) {
	if start(t, "fail").Wait() == nil {
		t.Error("it exited with status 0")
	}
}
