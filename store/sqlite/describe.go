package sqlite

import (
	"context"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"
)

// Describe implements [errand.Describer].
func (s *Store) Describe(ctx context.Context) (string, error) {
	if err := s.enter(ctx, label{Op: "describe"}); err != nil {
		return "", err
	}
	defer s.leave()
	return fmt.Sprintf("SQLite %s, journal_mode=WAL, synchronous=%s", sqlite3.SQLITE_VERSION, s.sync), nil
}
