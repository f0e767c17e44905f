package cli

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/errandhq/errand/internal/lang"
)

// fileList is what the demo finds under its directory.
type fileList struct {
	Paths    []string // of regular files, absolute
	Links    int      // symbolic links, which are not followed
	Denied   int      // directories that cannot be read
	Special  int      // pipes, sockets and devices
	Database int      // files of the demo's own database
}

// listFiles walks dir. What cannot be read is counted and skipped.
func listFiles(ctx context.Context, dir, database string) (*fileList, error) {
	list := &fileList{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		switch {
		case err != nil:
			list.Denied++
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
		case entry.IsDir():
		case entry.Type()&fs.ModeSymlink != 0:
			list.Links++
		case !entry.Type().IsRegular():
			list.Special++
		case database != "" && (path == database || strings.HasPrefix(path, database+"-")):
			list.Database++
		default:
			list.Paths = append(list.Paths, path)
		}
		return nil
	})
	return list, err
}

// skipped says in words what was left out; empty where nothing was.
func (s *session) skipped(l *fileList) string {
	var parts []string
	for _, p := range []struct {
		n         int
		one, many string
	}{
		{l.Links, "1 symbolic link", lang.Mark("%s symbolic links")},
		{l.Denied, "1 directory that cannot be read", lang.Mark("%s directories that cannot be read")},
		{l.Special, "1 pipe, socket or device", lang.Mark("%s pipes, sockets and devices")},
		{l.Database, "1 file of the demo's own database", lang.Mark("%s files of the demo's own database")},
	} {
		if p.n > 0 {
			parts = append(parts, s.n(int64(p.n), p.one, p.many))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return s.t("skipped: %s", strings.Join(parts, s.t(", ")))
}
