package mysql

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlserver"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// number returns the server's number of an error, 0 where it is not the server's.
func number(err error) uint16 {
	if own, ok := errors.AsType[*driver.MySQLError](err); ok {
		return own.Number
	}
	return 0
}

// Again implements sqlserver.Backend.
func (s *backend) Again(err error) bool {
	switch number(err) {
	case 1213, 1205, 1020: // deadlock, lock timeout, a row that has changed since it was read
		return true
	case 1048: // of enterRequest
		return true
	case 1062: // a job that is in already, or another transaction was faster to insert a row that this one has not seen
		return true
	}
	return errors.Is(err, sqlstore.ErrAgain) || errors.Is(err, sqlstore.ErrRaced) || errors.Is(err, sqldriver.ErrBadConn) // nothing has reached the server
}

// absent reports whether an error says that the server is not there, or went away.
func absent(err error) bool {
	return sqlserver.Unreachable(err) || errors.Is(err, driver.ErrInvalidConn) || errors.Is(err, sqldriver.ErrBadConn)
}

// Translate implements sqlserver.Backend: by the server's numbers.
func (s *backend) Translate(err error) error {
	if err == nil || sqlserver.Known(err) || errors.Is(err, context.Canceled) {
		return err
	}
	n := number(err)
	kind := errand.ErrUnavailable
	switch n {
	case 1034, 1194, 1712, 1877: // crashed or damaged tables
		kind = errand.ErrCorrupt
	case 1264, 1366, 1406, 1153: // values that no column takes, a packet that is too large
		kind = errand.ErrInvalid
	}
	hint := hints[n]
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
var hints = map[uint16]string{
	1021: ": the disk is full: free some space",
	1040: ": the server has too many connections: raise max_connections",
	1044: ": this user may not use the database: grant it rights",
	1045: ": the user or the password is wrong",
	1049: ": the database does not exist: create it first",
	1114: ": a table is full: is the disk?",
	1142: ": this user may not do that: grant it rights on the tables, or have one who may open it once",
	1146: ": the tables are missing: open it once without NoMigrate",
	1153: ": raise max_allowed_packet of the server",
	1290: ": the server is read-only: connect to the primary",
	1792: ": the server is read-only: connect to the primary",
	1836: ": the server is read-only: connect to the primary",
}
