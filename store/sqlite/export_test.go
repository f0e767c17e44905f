package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/errandhq/errand/store/internal/sqlstore"
)

// LimitPages has the database grow no further than n pages, as if the disk were full; a large number lifts that.
func (s *Store) LimitPages(n int) error {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	return s.writer.conn.script(fmt.Sprintf("PRAGMA max_page_count = %d", n))
}

// Pages counts the pages of the database.
func (s *Store) Pages() (n int, err error) {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	err = s.writer.tx.Query("PRAGMA page_count", func(row sqlRow) error {
		n = int(row.Int(0))
		return nil
	})
	return n, err
}

// Group does operations in one group.
func (s *Store) Group(do ...func(*sqlstore.Session) error) []error {
	ops := make([]*op, len(do))
	for i := range do {
		ops[i] = &op{do: do[i]}
	}
	s.writer.run(ops)
	errs := make([]error, len(do))
	for i, o := range ops {
		errs[i] = s.translate(o.outcome)
	}
	return errs
}

// Plans returns, for each statement that the store has run, what EXPLAIN QUERY PLAN says.
func (s *Store) Plans() (map[string]string, error) {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	queries := make(map[string]bool)
	for query := range s.writer.conn.stmts {
		queries[query] = true
	}
	for range cap(s.readers.places) {
		c := <-s.readers.places
		if c != nil {
			for query := range c.stmts {
				queries[query] = true
			}
		}
		s.readers.places <- c
	}
	plans := make(map[string]string)
	tx := s.writer.conn.in(context.Background())
	for query := range queries {
		query = dialect.SQL(query)
		if verb, _, _ := strings.Cut(query, " "); verb != "SELECT" && verb != "UPDATE" && verb != "DELETE" {
			continue
		}
		args := make([]any, strings.Count(query, "?"))
		err := tx.Query("EXPLAIN QUERY PLAN "+query, func(row sqlRow) error {
			plans[query] += row.Text(3) + "\n"
			return nil
		}, args...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
	}
	return plans, nil
}

// AwaitCheckpoint waits for the checkpoint beside the writer that is under way, if one is.
func (s *Store) AwaitCheckpoint() { s.writer.back.done.Wait() }

// Watches reports whether the goroutine runs that looks for other connections' commits.
func (s *Store) Watches() bool {
	s.watcher.mu.Lock()
	defer s.watcher.mu.Unlock()
	return s.watcher.stop != nil
}

// PretendSource has the store take itself for another copy of SQLite.
func (s *Store) PretendSource(source string) { s.source = source }

// CountStatements counts from now on what the connection that writes runs, and returns how to ask for it.
func (s *Store) CountStatements() (statements func() int) {
	w := s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &countingTx{Tx: w.tx}
	w.tx, w.session = c, sqlstore.NewSession(c, dialect)
	return func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return c.n
	}
}

type countingTx struct {
	sqlstore.Tx
	n int
}

func (c *countingTx) Exec(query string, args ...any) (int64, error) {
	c.n++
	return c.Tx.Exec(query, args...)
}

func (c *countingTx) Query(query string, each func(sqlRow) error, args ...any) error {
	c.n++
	return c.Tx.Query(query, each, args...)
}
