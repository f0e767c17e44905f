package lang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
)

// sources are the folders whose code and templates speak to people through this package.
var sources = []string{"../../web", "../../cli"}

// spoken are sentences that no literal says: names that the root package and the dashboard have for themselves.
var spoken = []string{
	"queued", "started", "scheduled", "deferred", "failed", "finished", "canceled",
	"due", "fulfilled", "orphaned", "claimed", "succeeded", "retried", "snoozed", "released", "lost", "poisoned", "requeued", "redeferred",
	"viewer", "operator", "admin",
	"alive", "stopping",
	"requeue", "cancel", "delete", "move", "empty", "enqueue", "replace", "pause", "resume", "clear", "quiet", "stop", "migrate",
	"running", "done",
}

// said finds every sentence that code and templates say.
func said(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, text := range spoken {
		found[text] = "spoken"
	}
	for _, dir := range sources {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			switch {
			case err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go"):
				return err
			case strings.HasSuffix(path, ".html"):
				return saidByTemplate(path, found)
			case strings.HasSuffix(path, ".go"):
				return saidByCode(path, found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

var (
	templateT = regexp.MustCompile(`[{( ]t ("(?:[^"\\]|\\.)*")`)
	templateN = regexp.MustCompile(`[{( ]n (?:\([^)]*\)|\S+) "(?:[^"\\]|\\.)*" ("(?:[^"\\]|\\.)*")`)
)

func saidByTemplate(path string, found map[string]string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, form := range []*regexp.Regexp{templateT, templateN} {
		for _, m := range form.FindAllSubmatch(text, -1) {
			sentence, err := strconv.Unquote(string(m[1]))
			if err != nil {
				return err
			}
			found[sentence] = path
		}
	}
	return nil
}

func saidByCode(path string, found map[string]string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name, arg := "", 0
		switch fn := call.Fun.(type) {
		case *ast.SelectorExpr:
			name = fn.Sel.Name
		case *ast.Ident:
			name = fn.Name
		}
		switch name {
		case "T", "t", "Mark", "misuse", "failure", "note":
		case "N", "n":
			arg = 2
		default:
			return true
		}
		if arg < len(call.Args) {
			if sentence, ok := literal(call.Args[arg]); ok {
				found[sentence] = path
			}
		}
		return true
	})
	return nil
}

// literal returns the value of a string literal, or of several put together.
func literal(expr ast.Expr) (string, bool) {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(expr.Value)
		return text, err == nil && expr.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := literal(expr.X)
		right, also := literal(expr.Y)
		return left + right, ok && also && expr.Op == token.ADD
	}
	return "", false
}

// TestCatalogue finds sentences without a translation, translations of what nobody says, and such as have no Chinese in
// them or other placeholders than the English.
func TestCatalogue(t *testing.T) {
	found := said(t)
	if len(found) < 100 {
		t.Fatalf("only %d sentences found: the search is broken", len(found))
	}
	for text, where := range found {
		if _, ok := Chinese.own(text); !ok {
			t.Errorf("no Chinese for %q, said in %s", text, where)
		}
	}
	verb := regexp.MustCompile(`%(\[\d\])?[a-z]`)
	all := map[string]string{}
	for _, part := range Chinese.texts {
		for text, own := range part {
			if _, ok := all[text]; ok {
				t.Errorf("%q is translated twice", text)
			}
			all[text] = own
		}
	}
	for text, own := range all {
		if _, ok := found[text]; !ok {
			t.Errorf("nobody says %q", text)
		}
		if !strings.ContainsFunc(own, func(r rune) bool { return unicode.Is(unicode.Han, r) || unicode.IsPunct(r) && r >= 0x3000 }) {
			t.Errorf("%q is not translated: %q", text, own)
		}
		want, got := verb.FindAllString(text, -1), verb.FindAllString(own, -1)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%q has the placeholders %q, its translation %q", text, want, got)
		}
	}
}

// TestMatch chooses a language as browsers ask for it.
func TestMatch(t *testing.T) {
	for header, want := range map[string]*Lang{
		"": English, "zh-CN,zh;q=0.9,en;q=0.8": Chinese, "en-GB,en;q=0.9,zh;q=0.1": English, "fr,zh;q=0.5": Chinese,
		"de": English, "zh-TW": Chinese, "en;q=0,zh": Chinese, ";;;,,q=": English, "en;q=x,zh;q=0.2": Chinese,
		strings.Repeat("zh,", 10_000): Chinese,
	} {
		if got := Match(header); got != want {
			t.Errorf("Match(%.40q) = %s, want %s", header, got.Tag, want.Tag)
		}
	}
}

// TestQuantities writes numbers and durations in both languages.
func TestQuantities(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{English.Number(-1234567), "-1,234,567"}, {English.Short(999), "999"}, {English.Short(1234), "1.2k"},
		{English.Short(34_500_000), "34M"}, {Chinese.Short(12_345), "1.2万"}, {Chinese.Short(9_999), "9999"}, {Chinese.Short(3e8), "3亿"},
		{English.Short(0.26), "0.3"}, {English.Bytes(1_234_567), "1.2 MB"}, {English.Bytes(12), "12 B"},
		{English.Duration(0), "0s"}, {English.Duration(340 * time.Millisecond), "340 ms"}, {English.Duration(72 * time.Microsecond), "72 µs"},
		{English.Duration(312 * time.Second), "5m 12s"}, {English.Duration(5 * time.Minute), "5m"}, {English.Duration(76 * time.Hour), "3d 4h"},
		{Chinese.Duration(312 * time.Second), "5 分 12 秒"}, {English.Duration(-time.Second), "-1s"},
		{English.Relative(now, now.Add(-200*time.Second)), "3m ago"}, {English.Relative(now, now.Add(50*time.Hour)), "in 2d"},
		{Chinese.Relative(now, now.Add(-200*time.Second)), "3 分前"}, {English.Relative(now, now), "now"},
		{English.N(1, "One job", "%s jobs"), "One job"}, {English.N(2000, "One job", "%s jobs"), "2,000 jobs"},
		{English.Percent(0.9999), ">99.9%"}, {English.Percent(0.25), "25%"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
