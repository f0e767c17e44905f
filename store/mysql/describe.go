package mysql

import (
	"context"
	"fmt"
	"strings"
)

// Describe implements [errand.Describer].
func (s *Store) Describe(ctx context.Context) (string, error) {
	var version string
	var flush int
	err := s.backend.db.QueryRowContext(ctx, "SELECT version(), @@innodb_flush_log_at_trx_commit").Scan(&version, &flush)
	if err != nil {
		return "", s.backend.Translate(err)
	}
	name := "MySQL"
	if number, _, ok := strings.Cut(version, "-MariaDB"); ok {
		name, version = "MariaDB", number
	}
	return fmt.Sprintf("%s %s, innodb_flush_log_at_trx_commit=%d", name, version, flush), nil
}
