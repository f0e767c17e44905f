package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlserver"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Again implements sqlserver.Backend.
func (s *backend) Again(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return errors.Is(err, sqlstore.ErrRaced) || pgconn.SafeToRetry(err) // nothing was sent
	}
	switch pg.Code {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock timeout
		return true
	case "23505": // another transaction was faster to insert a row that this one has not seen
		return true
	case "22012": // of enterRequest
		return true
	}
	return false
}

// Translate implements sqlserver.Backend: by SQLSTATE.
func (s *backend) Translate(err error) error {
	if err == nil || sqlserver.Known(err) || errors.Is(err, context.Canceled) {
		return err
	}
	kind, hint := errand.ErrUnavailable, ""
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case pg.Code == "XX001", pg.Code == "XX002":
			kind, hint = errand.ErrCorrupt, ": the server says that its files are damaged: restore a backup"
		case strings.HasPrefix(pg.Code, "22"):
			kind = errand.ErrInvalid
		default:
			hint = hints[pg.Code]
		}
	}
	if absent(err) {
		hint = sqlserver.NotThere
	}
	wrapped := fmt.Errorf("%w: %s%s: %w", kind, s.name, hint, err)
	if s.password != "" && strings.Contains(wrapped.Error(), s.password) {
		return fmt.Errorf("%w: %s%s: %s", kind, s.name, hint, strings.ReplaceAll(err.Error(), s.password, "xxxxx"))
	}
	return wrapped
}

// hints say what a person can do.
var hints = map[string]string{
	"28P01": ": the password is wrong",
	"28000": ": the server refuses this user: check pg_hba.conf",
	"3D000": ": the database does not exist: create it first",
	"3F000": ": the schema does not exist: open it once without NoMigrate",
	"42P01": ": the tables are missing: open it once without NoMigrate",
	"42501": ": this user may not do that: grant it rights on the schema and its tables, or have one who may open it once",
	"53100": ": the disk is full: free some space",
	"53300": ": the server has too many connections: raise max_connections, or lower pool_max_conns in the URL",
	"25006": ": the server is read-only: connect to the primary",
}
