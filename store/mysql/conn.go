package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// connector makes connections with what the store needs of a session. The isolation is set in the way that all versions
// know.
type connector struct{ driver.Connector }

var sessionSettings = []string{
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	fmt.Sprintf("SET SESSION autocommit = 1, innodb_lock_wait_timeout = %d, wait_timeout = %d, sql_mode = 'STRICT_ALL_TABLES', "+
		// All texts of ours are bytes: the server shall not look for characters in them.
		"character_set_client = binary, character_set_connection = binary, character_set_results = binary", lockWait, abandoned),
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	able, ok := conn.(ableConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's connection is a %T", conn), conn.Close())
	}
	for _, setting := range sessionSettings {
		if _, err := able.ExecContext(ctx, setting, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return &session{ableConn: able, statements: make(map[string]driver.Stmt)}, nil
}

// ableConn is what the driver's connections can do.
type ableConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// session is a connection with the statements that it has prepared. They are few, and end with it.
type session struct {
	ableConn
	statements map[string]driver.Stmt
	named      []driver.NamedValue // the room for a statement's arguments
}

// exec runs a statement, which it prepares the first time.
func (s *session) exec(ctx context.Context, query string, args []any) error {
	stmt, ok := s.statements[query]
	if !ok {
		var err error
		if stmt, err = s.PrepareContext(ctx, query); err != nil {
			return err
		}
		s.statements[query] = stmt
	}
	exec, ok := stmt.(driver.StmtExecContext)
	if !ok {
		return fmt.Errorf("the driver's statement is a %T", stmt)
	}
	s.named = s.named[:0]
	for i, arg := range args {
		s.named = append(s.named, driver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	_, err := exec.ExecContext(ctx, s.named)
	clear(s.named) // it shall not keep payloads
	return err
}
