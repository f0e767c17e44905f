package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/errandhq/errand/internal/batch"
	"github.com/errandhq/errand/store/internal/sqlroles"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// dialect is SQLite's.
//
// A limit is written as a sum because SQLite looks at the value of one that is a parameter alone when it plans a statement,
// and then plans it anew each time that the driver clears its parameters: for every claim. And it uses the index of jobs
// that are neither queued nor started only where a statement says that in the index's own words.
var dialect = &sqlstore.Dialect{
	In: ` IN (SELECT value FROM json_each(?))`,
	Rewrite: func(query string) string {
		query = strings.ReplaceAll(query, " LIMIT ?", " LIMIT ? + 0")
		return otherState.ReplaceAllString(query, "$0 AND state NOT IN (3, 4)")
	},
	InsertRows: insertRows, Insert: insert,
}

var otherState = regexp.MustCompile(` AND state = [125-7]\b`)

// maxGroup bounds how many jobs, outcomes and the like one transaction takes in, so that nobody waits long for the
// others of a group.
const maxGroup = 4000

// op is an operation that waits to be done in a transaction. It may be done again after a rollback.
type op struct {
	label  label
	do     func(*sqlstore.Session) error
	weight int  // roughly, how many rows it touches
	hasty  bool // see hurry

	outcome error
}

type label = sqlroles.Label

// writer does all writing, in groups: whoever finds the connection free does, in one transaction, every operation that
// has gathered, and everybody gets the outcome of their own.
type writer struct {
	store *Store
	group batch.Batcher[*op, struct{}]

	mu      sync.Mutex // guards the connection
	conn    *conn
	tx      sqlstore.Tx
	session *sqlstore.Session
	sync    Sync // of the next commit
	back    checkpointer

	// Versions of the data, by PRAGMA data_version: other connections' commits change it, our own do not.
	version int64 // when the watcher looked
	kept    int64 // to which what the session remembers applies
}

func newWriter(s *Store, c *conn) *writer {
	w := &writer{store: s, conn: c, tx: c.in(context.Background()), sync: s.sync, back: checkpointer{path: s.path}}
	w.session = sqlstore.NewSession(w.tx, dialect)
	w.group = batch.Batcher[*op, struct{}]{
		Stay:  true,
		Max:   maxGroup,
		Weigh: func(o *op) int { return o.weight },
		Send: func(_ context.Context, ops []*op) ([]struct{}, error) {
			w.run(ops)
			return make([]struct{}, len(ops)), nil
		},
	}
	return w
}

// runner implements sqlroles.Runner.
type runner struct{ store *Store }

func (r runner) Write(ctx context.Context, kind sqlroles.Kind, label label, weight int, do func(*sqlstore.Session) error) error {
	if kind == sqlroles.Workers || kind == sqlroles.Series {
		return r.store.hurry(ctx, label, weight, do)
	}
	return r.store.write(ctx, label, weight, do)
}

func (r runner) Read(ctx context.Context, label label, do func(*sqlstore.Session) error) error {
	return r.store.read(ctx, label, do)
}

// write does an operation. When ctx ends before its turn has come it has not been done and never will be; when ctx ends
// later, write waits for the outcome, which is near, so that nothing of the caller's is read after its return.
func (s *Store) write(ctx context.Context, label label, weight int, do func(*sqlstore.Session) error) error {
	return s.submit(ctx, &op{label: label, do: do, weight: weight + 1})
}

// hurry is write for what a power cut may undo, also with Full: who holds which job, until when, and how far it is. The
// holder is gone then too, and the job is run again, as it would be anyway. The commit is not waited for to reach the
// disk, unless an operation of the same group wants that; the next one that does takes it along.
func (s *Store) hurry(ctx context.Context, label label, weight int, do func(*sqlstore.Session) error) error {
	return s.submit(ctx, &op{label: label, do: do, weight: weight + 1, hasty: true})
}

func (s *Store) submit(ctx context.Context, o *op) error {
	if err := s.enter(ctx, o.label); err != nil {
		return err
	}
	defer s.leave()
	if _, err := s.writer.group.Do(ctx, o); err != nil {
		return fmt.Errorf("%v: %w", o.label, ctx.Err())
	}
	return s.translate(o.outcome)
}

// run does operations in one transaction. When that fails each is done in a transaction of its own, so that none hurts
// another.
func (w *writer) run(ops []*op) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.attempt(ops)
	for i, o := range ops {
		o.outcome = err
		if err != nil && len(ops) > 1 && !errors.Is(err, errLockTimeout) {
			o.outcome = w.attempt(ops[i : i+1])
		}
		var named *opError
		switch {
		case errors.As(o.outcome, &named):
			o.outcome = named.err
		case o.outcome != nil:
			o.outcome = fmt.Errorf("%v: %w", o.label, o.outcome)
		}
	}
}

// opError is the error of an operation itself, which names it, in contrast to one of the transaction around it.
type opError struct{ err error }

func (e *opError) Error() string { return e.err.Error() }
func (e *opError) Unwrap() error { return e.err }

// attempt is transact, once more where the session has remembered wrongly.
func (w *writer) attempt(ops []*op) error {
	err := w.transact(ops)
	if errors.Is(err, sqlstore.ErrAgain) {
		err = w.transact(ops)
	}
	return err
}

// transact does operations in one transaction, all or none.
func (w *writer) transact(ops []*op) (err error) {
	if err := w.setSync(ops); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = w.tx.Exec("ROLLBACK") // SQLite may have rolled back by itself
			w.session.Undo()
		}
	}()
	if err := w.freshen(); err != nil {
		return err
	}
	for _, o := range ops {
		if err := o.do(w.session); err != nil {
			return &opError{err}
		}
	}
	if err := w.session.Flush(); err != nil {
		return err
	}
	if _, err := w.tx.Exec("COMMIT"); err != nil {
		return err
	}
	w.back.note(w.conn.pagesWritten())
	w.session.Queued(w.store.expect)
	if hub := &w.store.hub; !hub.Idle() {
		hub.Notify(w.session.Topics()...)
	}
	return nil
}

// freshen makes the session ready for a transaction that has begun. What it remembers holds unless another connection has
// committed.
func (w *writer) freshen() error {
	version, err := w.dataVersion()
	if err != nil {
		return err
	}
	if version == w.kept {
		w.session.Keep()
	} else {
		w.session.Reset()
	}
	w.kept = version
	return nil
}

func (w *writer) dataVersion() (version int64, err error) {
	err = w.tx.Query("PRAGMA data_version", func(row sqlRow) error {
		version = row.Int(0)
		return nil
	})
	return version, err
}

// setSync has the next commit wait for the disk, or not.
func (w *writer) setSync(ops []*op) error {
	want := Normal
	if slices.ContainsFunc(ops, func(o *op) bool { return !o.hasty }) {
		want = w.store.sync
	}
	if want == w.sync {
		return nil
	}
	if err := w.conn.script("PRAGMA synchronous = " + string(want)); err != nil {
		return err
	}
	w.sync = want
	return nil
}

var errLockTimeout = errors.New("waited for the lock")

// begin begins a transaction with the write lock, for which it waits.
func (w *writer) begin() error {
	_, err := w.tx.Exec("BEGIN IMMEDIATE")
	if err == nil || !locked(err) {
		return err
	}
	const first, last = 100 * time.Microsecond, 10 * time.Millisecond
	start := time.Now()
	for pause := first; time.Since(start) < w.store.lockTimeout; pause = min(2*pause, last) {
		time.Sleep(pause/2 + rand.N(pause)) // jitter needs no secrecy
		if _, err = w.tx.Exec("BEGIN IMMEDIATE"); err == nil || !locked(err) {
			return err
		}
	}
	return fmt.Errorf("%w %v: %w", errLockTimeout, w.store.lockTimeout, err)
}

// foreign reports whether another connection has committed since the last call.
func (w *writer) foreign() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	version, err := w.dataVersion()
	if err != nil {
		return false
	}
	changed := version != w.version
	w.version = version
	return changed
}

// close writes the log back into the database file, as far as other processes let it.
func (w *writer) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.back.close()
	_ = w.conn.script("PRAGMA wal_checkpoint(TRUNCATE)")
	return errors.Join(err, w.conn.close())
}
