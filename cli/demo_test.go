package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
)

// tree makes a directory with files of every kind, and returns what is true of the regular ones.
func tree(t *testing.T) (dir string, want []fileResult) {
	dir = t.TempDir()
	names := []string{
		"empty", "one line\n", "no newline at the end", "sub/deep/er.txt", "名前.txt", "line\nbreak", "quote'\"", "bad\xff\xfename",
	}
	for i := range 200 {
		names = append(names, filepath.Join("many", strings.Repeat("x", i%20), hex.EncodeToString([]byte{byte(i)})+".dat"))
	}
	for i, name := range names {
		content := bytes.Repeat([]byte{byte(i), '\n', 0, 'a'}, i*i)
		switch i {
		case 1:
			content = []byte("hello\n")
		case 2:
			content = []byte("hello\nworld")
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Logf("left out, since this file system does not take the name: %v", err)
			continue
		}
		sum := sha256.Sum256(content)
		want = append(want, fileResult{
			Path: strings.ToValidUTF8(path, "\uFFFD"), Size: int64(len(content)), Lines: int64(strings.Count(string(content), "\n")),
			SHA256: hex.EncodeToString(sum[:]),
		})
	}
	if err := os.Symlink("empty", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(want, func(a, b fileResult) int { return cmp.Compare(a.Path, b.Path) })
	return dir, want
}

func demoJSONOf(t *testing.T, st errand.Store, dir string) demoJSON {
	t.Helper()
	var out, stderr bytes.Buffer
	s := newSession(App{Name: "errand"}, strings.NewReader(""), &out, &stderr)
	s.open = func(context.Context, string) (errand.Store, error) { return kept{st}, nil }
	if status := s.run(t.Context(), []string{"demo", dir, "--json", "--store", "memory:"}); status != exitDone {
		t.Fatalf("exit status %d: %s", status, stderr.String())
	}
	var got demoJSON
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return got
}

// TestDemoCounts proves that the demo's results are true of every file, and that it runs again over what it left.
func TestDemoCounts(t *testing.T) {
	dir, want := tree(t)
	st := memory.New()
	defer st.Close()
	for run := range 2 {
		got := demoJSONOf(t, st, dir)
		if got.Files != len(want) || !slices.Equal(got.Results, want) {
			t.Errorf("run %d: the results of %d files differ from what is true of %d", run, got.Files, len(want))
		}
		if got.Skipped.Links != 1 {
			t.Errorf("run %d: %d links skipped, want 1", run, got.Skipped.Links)
		}
		if cleared := int64(run * (len(want) + 4)); got.Cleared != cleared {
			t.Errorf("run %d: cleared %d jobs, want %d", run, got.Cleared, cleared)
		}
		if got.Enqueued.Jobs != int64(len(want)+4) || got.Ran.Jobs != int64(len(want)) || got.Requeued != 3 {
			t.Errorf("run %d: enqueued %d, ran %d, requeued %d", run, got.Enqueued.Jobs, got.Ran.Jobs, got.Requeued)
		}
		states := map[string]string{}
		for _, job := range got.Again {
			states[job.Task] = job.State
		}
		if len(got.Failed) != 3 || states["demo.import"] != "finished" || states["demo.panic"] != "failed" || states["demo.slow"] != "failed" {
			t.Errorf("run %d: %d failed, then %v", run, len(got.Failed), states)
		}
	}
}

// TestDemoAgreesWithTools proves the same by the tools that a person would use, where the machine has them.
func TestDemoAgreesWithTools(t *testing.T) {
	dir, _ := tree(t)
	st := memory.New()
	defer st.Close()
	for _, r := range demoJSONOf(t, st, dir).Results {
		if strings.ContainsAny(r.Path, "\uFFFD\n\"'") {
			continue // tools quote such names
		}
		for tool, want := range map[string]string{"sha256sum": r.SHA256, "wc -l": number(r.Lines)} {
			args := append(strings.Fields(tool), r.Path)
			out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).Output()
			if err != nil {
				t.Logf("not compared with %s: %v", tool, err)
				return
			}
			if got := strings.Fields(string(out))[0]; got != strings.ReplaceAll(want, ",", "") {
				t.Fatalf("%s says %s of %s, the demo %s", tool, got, r.Path, want)
			}
		}
	}
}
