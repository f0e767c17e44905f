// Package importrules holds the import rules of this module, as a test: which
// package may use which, so that the arrows keep pointing one way.
package importrules

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/errandhq/errand"

// A rule says what the packages it names may import outside their tests.
//
// Packages are named by their folder, and the root is ".". A name that ends in
// "/..." stands for the folder and all below it. The standard library is open
// to all, but see testingAllowed.
type rule struct {
	pkg     string
	may     []string // packages of this module
	outside []string // modules of others, or anything
}

// anything, as the only entry of rule.outside, allows every module.
const anything = "*"

// rules lists every package of the module; the first that fits counts.
var rules = []rule{
	// The vocabulary: no driver, no web, no command line. What it uses of
	// internal knows nothing of jobs.
	{pkg: ".", may: []string{"internal/batch", "internal/footprint", "internal/schema", "internal/storeclock", "internal/wait"}, outside: []string{"github.com/google/uuid"}},
	{pkg: "internal/batch"},
	{pkg: "internal/footprint"},
	{pkg: "internal/schema"},
	{pkg: "internal/wait"},
	{pkg: "internal/cause"},
	{pkg: "internal/storeclock"},
	{pkg: "hotqueue", may: []string{".", "internal/batch", "internal/footprint", "internal/schema", "internal/storeclock", "internal/wait"}},

	// The stores know the root and what they share, never each other.
	{pkg: "internal/notify", may: []string{"."}},
	{
		pkg:     "store/memory",
		may:     []string{".", "internal/batch", "internal/notify", "internal/wait", "store/internal/..."},
		outside: []string{"github.com/google/btree"},
	},
	{
		pkg:     "store/sqlite",
		may:     []string{".", "internal/batch", "internal/notify", "internal/wait", "store/internal/..."},
		outside: []string{anything},
	},
	{
		pkg:     "store/postgres",
		may:     []string{".", "internal/notify", "store/internal/..."},
		outside: []string{"github.com/jackc/pgx/v5"},
	},
	{
		pkg:     "store/mysql",
		may:     []string{".", "store/internal/..."},
		outside: []string{"github.com/go-sql-driver/mysql"},
	},
	{pkg: "store/internal/sqltext"},
	{pkg: "store/internal/sqlserver", may: []string{".", "internal/batch", "internal/notify", "store/internal/migrate", "store/internal/sqlroles", "store/internal/sqlstore"}},
	{pkg: "store/internal/sqlroles", may: []string{".", "store/internal/sqlstore"}},
	{pkg: "store/internal/migrate", may: []string{"."}},
	{pkg: "internal/carry", may: []string{"."}},
	{
		pkg:     "store/internal/sqlstore",
		may:     []string{".", "internal/batch", "internal/notify", "internal/wait", "store/internal/..."},
		outside: []string{"github.com/google/uuid"},
	},
	{
		pkg:     "store/redis",
		may:     []string{".", "internal/notify", "internal/wait"},
		outside: []string{"github.com/google/uuid", "github.com/redis/rueidis"},
	},
	// The opener knows every kind.
	{pkg: "store", may: []string{".", "store/memory", "store/mysql", "store/postgres", "store/redis", "store/sqlite"}},
	// The suite runs hotqueue too, and takes the memory store as its model.
	{
		pkg:     "store/storetest",
		may:     []string{".", "hotqueue", "store/memory"},
		outside: []string{"github.com/google/uuid", "pgregory.net/rapid"},
	},

	// What a fault run writes down and checks.
	{pkg: "internal/history", may: []string{"."}},
	// The dashboard speaks to any store, and its command for pictures fills one.
	{pkg: "internal/lang"},
	// How things look as JSON, for the command line and the API alike.
	{pkg: "internal/wire", may: []string{"."}},
	{pkg: "web", may: []string{".", "internal/cause", "internal/lang", "internal/wire"}},
	// Prometheus is kept apart: who mounts the dashboard does not build it.
	{pkg: "metrics", may: []string{"."}, outside: []string{"github.com/prometheus/client_golang"}},
	{pkg: "web/internal/sample", may: []string{"."}},
	{pkg: "web/internal/browser", outside: []string{"github.com/chromedp/cdproto", "github.com/chromedp/chromedp"}},
	{
		pkg:     "web/internal/speed",
		may:     []string{".", "internal/testserver", "store", "web"},
		outside: []string{"github.com/jackc/pgx/v5"},
	},
	{
		pkg:     "web/internal/screenshots",
		may:     []string{".", "internal/lang", "store/memory", "web", "web/internal/..."},
		outside: []string{"github.com/chromedp/chromedp"},
	},

	// Above the stores: these open one by its URL and name no kind.
	{pkg: "cli", may: []string{".", "hotqueue", "internal/carry", "internal/cause", "internal/lang", "internal/wait", "internal/wire", "metrics", "store", "web"}, outside: []string{anything}},
	{pkg: "cmd/errand", may: []string{".", "cli", "store"}},

	// Examples are users; nobody imports them.
	{
		pkg:     "examples/...",
		may:     []string{".", "hotqueue", "store", "store/memory", "store/sqlite", "cli", "web"},
		outside: []string{anything},
	},

	// What only tests use.
	{pkg: "internal/importrules"},
	{pkg: "internal/doctest"},
	{pkg: "internal/testproc"},
	{pkg: "internal/crashtest", may: []string{".", "internal/testproc", "internal/wait", "store/sqlite"}, outside: []string{"modernc.org/sqlite"}},
	{pkg: "internal/testserver"},
}

// testingAllowed names the packages that may import testing outside their own
// tests, as patterns of path.Match.
var testingAllowed = []string{"store/storetest", "internal/*test", "internal/testserver"}

// pkg is one package and the import paths of its files.
type pkg struct {
	dir         string // "." or a path relative to the module's root
	imports     []string
	testImports []string
}

// TestImports holds every package of this module to the rules.
func TestImports(t *testing.T) {
	pkgs, err := load("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < 2 {
		t.Fatalf("found %d packages; is this the module's root?", len(pkgs))
	}
	for _, complaint := range check(pkgs) {
		t.Error(complaint)
	}
}

// check returns what in pkgs breaks the rules.
func check(pkgs []pkg) []string {
	var complaints []string
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	for _, p := range pkgs {
		i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.pkg, p.dir) })
		if i < 0 {
			complain("package %s has no rule: add it to the table in internal/importrules, with what it may import", p.dir)
			continue
		}
		r := rules[i]
		for _, imp := range p.imports {
			switch dir, inside := dirOf(imp); {
			case inside:
				if !slices.ContainsFunc(r.may, func(name string) bool { return matches(name, dir) }) {
					complain("package %s imports package %s, which its rule in internal/importrules does not allow", p.dir, dir)
				}
			case isTesting(imp):
				if !slices.ContainsFunc(testingAllowed, func(name string) bool { ok, _ := path.Match(name, p.dir); return ok }) {
					complain("package %s imports %s outside its tests", p.dir, imp)
				}
			case isStandard(imp):
			case !slices.ContainsFunc(r.outside, func(m string) bool { return m == anything || imp == m || strings.HasPrefix(imp, m+"/") }):
				complain("package %s imports %s, which its rule in internal/importrules does not allow", p.dir, imp)
			}
		}
		for _, imp := range slices.Concat(p.imports, p.testImports) {
			if dir, inside := dirOf(imp); inside && matches("examples/...", dir) {
				complain("package %s imports the example %s; examples are for readers", p.dir, dir)
			}
		}
	}
	return complaints
}

// matches reports whether the package in dir is named by name.
func matches(name, dir string) bool {
	if parent, ok := strings.CutSuffix(name, "/..."); ok {
		return dir == parent || strings.HasPrefix(dir, parent+"/")
	}
	return dir == name
}

// dirOf returns the folder of a package of this module.
func dirOf(imp string) (dir string, inside bool) {
	if imp == module {
		return ".", true
	}
	return strings.CutPrefix(imp, module+"/")
}

func isStandard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

func isTesting(imp string) bool { return imp == "testing" || strings.HasPrefix(imp, "testing/") }

// load reads the imports of every package below root, whatever system its
// files are for. Modules of their own are left out.
func load(root string) ([]pkg, error) {
	var pkgs []pkg
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if dir != root {
			if name := d.Name(); name == "testdata" || name == "vendor" || name[0] == '.' || name[0] == '_' {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				return fs.SkipDir
			}
		}
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return err
		}
		p, err := loadDir(dir)
		if err != nil || p == nil {
			return err
		}
		p.dir = filepath.ToSlash(rel)
		pkgs = append(pkgs, *p)
		return nil
	})
	return pkgs, err
}

// loadDir reads one folder; nil where it holds no Go files.
func loadDir(dir string) (*pkg, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	p := &pkg{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return nil, err
		}
		dst := &p.imports
		if strings.HasSuffix(file, "_test.go") {
			dst = &p.testImports
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if !slices.Contains(*dst, imp) {
				*dst = append(*dst, imp)
			}
		}
	}
	return p, nil
}

// TestCheck proves that the rules let good imports pass and catch bad ones.
func TestCheck(t *testing.T) {
	in := func(dir string) string { return module + "/" + dir }
	tests := []struct {
		name string
		pkg  pkg
		want string // part of the only complaint; empty for none
	}{
		{"root with an id library", pkg{dir: ".", imports: []string{"context", "github.com/google/uuid"}}, ""},
		{"root with a driver", pkg{dir: ".", imports: []string{"modernc.org/sqlite"}}, "package . imports modernc.org/sqlite"},
		{"root with a store", pkg{dir: ".", imports: []string{in("store/memory")}}, "package . imports package store/memory"},
		{"root with a package of the standard library only", pkg{dir: ".", imports: []string{in("internal/wait")}}, ""},
		{"root with a package that knows the root", pkg{dir: ".", imports: []string{in("internal/notify")}}, "package . imports package internal/notify"},
		{"a store in the root's tests", pkg{dir: ".", testImports: []string{in("store/memory"), "testing"}}, ""},
		{"a module whose name only begins alike", pkg{dir: ".", imports: []string{module + "x"}}, "imports " + module + "x"},
		{"store with another store", pkg{dir: "store/sqlite", imports: []string{in("store/memory")}}, "package store/sqlite imports package store/memory"},
		{"store with shared parts", pkg{dir: "store/sqlite", imports: []string{module, in("store/internal/sqlstore"), "modernc.org/sqlite"}}, ""},
		{"store with hotqueue", pkg{dir: "store/memory", imports: []string{in("hotqueue")}}, "package store/memory imports package hotqueue"},
		{"opener with the kinds", pkg{dir: "store", imports: []string{in("store/memory"), in("store/sqlite")}}, ""},
		{"cli with a kind", pkg{dir: "cli", imports: []string{in("store/sqlite")}}, "package cli imports package store/sqlite"},
		{"cli with the opener", pkg{dir: "cli", imports: []string{in("store"), "github.com/spf13/cobra"}}, ""},
		{"hotqueue with a store", pkg{dir: "hotqueue", imports: []string{in("store/memory")}}, "package hotqueue imports package store/memory"},
		{"testing in the suite", pkg{dir: "store/storetest", imports: []string{"testing"}}, ""},
		{"testing elsewhere", pkg{dir: "hotqueue", imports: []string{"testing/synctest"}}, "imports testing/synctest outside its tests"},
		{"an example in a test", pkg{dir: "cli", testImports: []string{in("examples/backoffice")}}, "imports the example"},
		{"an unlisted package", pkg{dir: "web/charts"}, "has no rule: add it to the table"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := check([]pkg{tt.pkg})
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("check complains: %q", got)
			case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)):
				t.Errorf("check says %q, want one complaint with %q", got, tt.want)
			}
		})
	}
}
