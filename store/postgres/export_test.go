package postgres

// SucceedQuery is the statement that settles jobs which succeeded, in a schema.
func SucceedQuery(schema string) string { return newDialect(schema).SQL(succeedByArrays) }

// Planning are the planner's settings that are off in the store's sessions.
var Planning = planning

// AwaitTold waits until everybody has been told of what was committed.
func (s *Store) AwaitTold() { s.backend.teller.running.Wait() }
