package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/errandhq/errand/internal/lang"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// everyCommand calls fn with each command of a session's tree, but the root.
func everyCommand(s *session, fn func(cmd *cobra.Command)) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.HasParent() {
			fn(cmd)
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(s.root())
}

// TestHelpIsWhole proves that each command has an example, and that all of its help is in Chinese where it should be.
func TestHelpIsWhole(t *testing.T) {
	han := func(what, text string) {
		if !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s is not translated: %q", what, text)
		}
	}
	everyCommand(speaker(lang.Chinese), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		han(path+" in short", cmd.Short)
		han(path, cmd.Long)
		flags := func(f *pflag.Flag) { han(path+" --"+f.Name, f.Usage) }
		cmd.LocalFlags().VisitAll(flags)
		cmd.InheritedFlags().VisitAll(flags)
		if !cmd.HasExample() {
			t.Errorf("%s has no example", path)
		}
	})
}

// TestEveryCommandHasScript proves that there is a shell session with each command, and one with its --json where it has
// something to report.
func TestEveryCommandHasScript(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	scripts := all.String()
	everyCommand(speaker(lang.English), func(cmd *cobra.Command) {
		words := strings.ReplaceAll(strings.TrimPrefix(cmd.CommandPath(), "errand "), " ", " +")
		line := regexp.MustCompile(`(?m)^(exec|status \d|until \S+) +(errand|office)( --\S+( \S+)?)* ` + words + `\b`)
		if !line.MatchString(scripts) {
			t.Errorf("no script runs %q", cmd.CommandPath())
		}
	})
}
