// Package doctest holds the documents to their word: every Go example in them stands in a program or test that runs, and
// every file that they point to is there.
package doctest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const top = "../.."

// files returns the paths, below the project's root, of the files with an ending.
func files(t *testing.T, ending string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != top, d.IsDir() && d.Name() == "testdata":
			return filepath.SkipDir
		case strings.HasSuffix(path, ending):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// squeezed is text with each line's margins and every empty line removed, so that examples may be indented as they like.
func squeezed(text string) string {
	var b strings.Builder
	b.WriteByte('\n')
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//nolint:")
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

func TestGoExamplesRun(t *testing.T) {
	var programs []string
	for _, path := range files(t, ".go") {
		if strings.Contains(path, "/examples/") {
			programs = append(programs, squeezed(read(t, path)))
		}
	}
	examples := 0
	for _, doc := range files(t, ".md") {
	blocks:
		for _, block := range goBlock.FindAllStringSubmatch(read(t, doc), -1) {
			examples++
			for _, p := range programs {
				if strings.Contains(p, squeezed(block[1])) {
					continue blocks
				}
			}
			t.Errorf("%s: this example stands in no program or test below examples/:\n%s", doc, block[1])
		}
	}
	if examples == 0 {
		t.Error("no document has an example")
	}
}

var anyBlock = regexp.MustCompile("(?s)```.*?```")

var link = regexp.MustCompile(`\]\(([^)#\s]+)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, doc := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(anyBlock.ReplaceAllString(read(t, doc), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s points to %s: %v", doc, m[1], err)
			}
		}
	}
}

// TestBothReadmesHaveTheSameExamples keeps the two languages together.
func TestBothReadmesHaveTheSameExamples(t *testing.T) {
	en := goBlock.FindAllString(read(t, top+"/README.md"), -1)
	zh := goBlock.FindAllString(read(t, top+"/README.zh-CN.md"), -1)
	if strings.Join(en, "") != strings.Join(zh, "") {
		t.Errorf("README.md has %d examples and README.zh-CN.md %d, and they are not the same", len(en), len(zh))
	}
}
