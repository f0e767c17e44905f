package redis_test

import (
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// aclLine returns the line of the package documentation.
func aclLine(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "//\tACL SETUSER")
	line, _, _ := strings.Cut(rest, "\npackage")
	return "ACL SETUSER" + strings.ReplaceAll(line, "//\t", "")
}
