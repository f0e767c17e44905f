package postgres

import "github.com/errandhq/errand/store/internal/sqlstore"

// SucceedQuery is the statement that settles jobs which succeeded, in a schema; alike: of one queue and in the same attempt.
func SucceedQuery(schema string, alike bool) string {
	if alike {
		return newDialect(schema).SQL(succeedAlike)
	}
	return newDialect(schema).SQL(succeedByArrays)
}

// HeldQuery is the statement that looks up and locks jobs that are about to be settled otherwise.
func HeldQuery(schema string) string { return newDialect(schema).SQL(sqlstore.HeldByIDs) }

// Planning are the planner's settings that are off in the store's sessions.
var Planning = planning

// AwaitTold waits until everybody has been told of what was committed.
func (s *Store) AwaitTold() { s.backend.teller.running.Wait() }

// TurnLock is the lock of a turn in a schema.
func TurnLock(schema, name string) int64 { return lockNumber("turn", "errand_"+schema, name) }
