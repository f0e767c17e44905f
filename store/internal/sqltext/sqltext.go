// Package sqltext finds, for the tests of the SQL stores, the SQL in their sources, so that they can refuse what a server of
// the oldest version that they support does not understand.
package sqltext

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Text is a piece of SQL.
type Text struct {
	Where string // file and line
	SQL   string
}

var (
	verbs    = regexp.MustCompile(`(?i)\b(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|SET|WITH|ON CONFLICT|FROM|WHERE|VALUES|LOCK|BEGIN)\b`)
	comments = regexp.MustCompile(`(?m)--.*$`)
	literals = regexp.MustCompile(`'[^']*'`)
)

// Find returns the SQL of the Go files of folders, tests aside, and of the .sql files below them. Of a statement that is put
// together of constants it returns each. Comments and what stands in quotes are left out.
func Find(folders ...string) ([]Text, error) {
	var found []Text
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			return nil, err
		}
		scripts, err := filepath.Glob(filepath.Join(folder, "migrations", "*.sql"))
		if err != nil {
			return nil, err
		}
		for _, file := range append(files, scripts...) {
			texts, err := read(file)
			if err != nil {
				return nil, err
			}
			found = append(found, texts...)
		}
	}
	return found, nil
}

func read(file string) ([]Text, error) {
	if strings.HasSuffix(file, "_test.go") {
		return nil, nil
	}
	if strings.HasSuffix(file, ".sql") {
		script, err := os.ReadFile(file)
		return []Text{{file, clean(string(script))}}, err
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, file, nil, 0)
	if err != nil {
		return nil, err
	}
	var found []Text
	ast.Inspect(tree, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(lit.Value)
		if err == nil && text == strings.TrimSpace(text) && strings.ToLower(text) == text && !strings.Contains(text, " ") {
			return true // a name
		}
		if err == nil && verbs.MatchString(text) {
			found = append(found, Text{fmt.Sprintf("%s:%d", file, files.Position(lit.Pos()).Line), clean(text)})
		}
		return true
	})
	return found, nil
}

func clean(sql string) string {
	return literals.ReplaceAllString(comments.ReplaceAllString(sql, ""), "''")
}

// Ban is something that a statement may not contain.
type Ban struct {
	Pattern string // a regular expression, whatever the case
	Why     string // who understands it, since when
}

// Check returns a complaint for each piece that contains something banned.
func Check(texts []Text, bans []Ban) (complaints []string) {
	for _, ban := range bans {
		pattern := regexp.MustCompile(`(?is)` + ban.Pattern)
		for _, text := range texts {
			if hit := pattern.FindString(text.SQL); hit != "" {
				complaints = append(complaints, fmt.Sprintf("%s: %q: %s", text.Where, hit, ban.Why))
			}
		}
	}
	return complaints
}
