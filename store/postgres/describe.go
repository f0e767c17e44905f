package postgres

import (
	"context"
	"fmt"
)

// Describe implements [errand.Describer].
func (s *Store) Describe(ctx context.Context) (string, error) {
	var version, fsync, commit string
	err := s.backend.pool.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')").
		Scan(&version, &fsync, &commit)
	if err != nil {
		return "", s.backend.Translate(err)
	}
	return fmt.Sprintf("PostgreSQL %s, fsync=%s, synchronous_commit=%s", version, fsync, commit), nil
}
