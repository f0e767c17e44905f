package sqlite

import (
	"context"
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/errandhq/errand"
)

// translate makes an error of SQLite one of Errand's, by its result code. Errors that are Errand's already, or of a
// context, stay as they are.
func (s *Store) translate(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{
		errand.ErrInvalid, errand.ErrUnavailable, errand.ErrCorrupt, errand.ErrClosed, errand.ErrJobNotFound,
		errand.ErrWorkerNotFound, errand.ErrTxUnsupported, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	code, ok := resultCode(err)
	if !ok {
		return fmt.Errorf("%w: %s: %w", errand.ErrUnavailable, s.path, err)
	}
	switch code {
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %s: restore it from a backup, or save what can be read with "+
			"the command-line shell of SQLite: sqlite3 FILE .recover: %w", errand.ErrCorrupt, s.path, err)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %s is not an SQLite database: give another path, or move that file away: %w",
			errand.ErrCorrupt, s.path, err)
	default:
		return fmt.Errorf("%w: %s%s: %w", errand.ErrUnavailable, s.path, hints[code], err)
	}
}

// hints say what a person can do.
var hints = map[int]string{
	sqlite3.SQLITE_BUSY:     ": another process or transaction keeps it locked",
	sqlite3.SQLITE_LOCKED:   ": another connection keeps it locked",
	sqlite3.SQLITE_FULL:     ": the disk is full: free some space",
	sqlite3.SQLITE_READONLY: ": it may not be written: check the permissions of the file and its directory",
	sqlite3.SQLITE_CANTOPEN: ": it cannot be opened: check the permissions of the file and its directory",
	sqlite3.SQLITE_PERM:     ": check the permissions of the file and its directory",
	sqlite3.SQLITE_IOERR:    ": reading or writing failed: check the disk",
	sqlite3.SQLITE_PROTOCOL: ": the locks of the file system do not work",
}

// locked reports whether an error says that another connection has the lock.
func locked(err error) bool {
	code, ok := resultCode(err)
	return ok && (code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED)
}
