package peer

import (
	"database/sql"
	"strings"

	_ "modernc.org/sqlite" // the driver that all on SQLite use
)

// openSQLite opens a database file as the peers on SQLite are given it: one connection, because they collide with more,
// and the settings that Errand has in the same comparison.
func openSQLite(url string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	return db, nil
}
