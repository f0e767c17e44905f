// Package sqlstore is what the SQL stores share: the flow of every operation, written once against the few things that
// it needs of a connection inside a transaction. A store kind adds how to open, begin, commit, migrate and wake up, and
// its dialect.
//
// A [Session] lives as long as one transaction. It may run many operations, of many callers; what they do to the
// counters of a queue is gathered and written once, by [Session.Flush], before the commit.
package sqlstore

import "errors"

// Tx is one connection inside a transaction. Its statements are those of this package, which it puts through
// [Dialect.SQL]. Arguments are int64, string, []byte or nil, and for {in} a list: []int64 or, where the dialect is
// Shared, [][]byte.
type Tx interface {
	// Exec runs a statement and says how many rows it changed.
	Exec(query string, args ...any) (affected int64, err error)
	// Query calls each for every row, in order, until it returns an error. The row is valid during the call only, but
	// what its methods return stays the callee's. No other statement may run meanwhile.
	Query(query string, each func(Row) error, args ...any) error
}

// Deferrer is an optional ability of a Tx: to put a statement off until the next one is sent, or the commit, and so spare a
// round trip. An error of the statement comes then. Its arguments are kept until then.
type Deferrer interface {
	Defer(query string, args ...any) error
}

// Later runs a statement of which nothing but an error matters, and that may come later.
func Later(tx Tx, query string, args ...any) error {
	if d, ok := tx.(Deferrer); ok {
		return d.Defer(query, args...)
	}
	_, err := tx.Exec(query, args...)
	return err
}

func (s *Session) later(query string, args ...any) error { return Later(s.tx, query, args...) }

// Asker is an optional ability of a Tx: to put a query off in the same way. Each is called, before the statement that is sent
// next has its answer, in the order of the queries.
type Asker interface {
	Ask(query string, each func(Row) error, args ...any) error
}

// soon runs a query of which the rows may come with the answer to the next statement.
func (s *Session) soon(query string, each func(Row) error, args ...any) error {
	if a, ok := s.tx.(Asker); ok {
		return a.Ask(query, each, args...)
	}
	return s.tx.Query(query, each, args...)
}

// Turns is an optional ability of a Tx: to wait until it has the turn of that name, which it then has to its end. It waits for a
// moment at most, so that whoever has the turn and is stuck does not hold up the others, and may go on without it.
type Turns interface {
	AwaitTurn(name string) error
}

// Row gives the columns of a row, counted from 0. NULL reads as the zero value.
type Row interface {
	Int(col int) int64
	Text(col int) string
	Blob(col int) []byte
}

// errStop ends a Query early.
var errStop = errors.New("stop")

// one runs a query of which only the first row matters, and says whether there was one.
func one(tx Tx, query string, each func(Row) error, args ...any) (bool, error) {
	found := false
	err := tx.Query(query, func(r Row) error {
		found = true
		if err := each(r); err != nil {
			return err
		}
		return errStop
	}, args...)
	if errors.Is(err, errStop) {
		err = nil
	}
	return found, err
}
