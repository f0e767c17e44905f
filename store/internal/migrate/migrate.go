// Package migrate brings the tables of the SQL stores up to date: numbered .sql files, each done once, in order, under a
// lock. What differs between the databases is how to lock, to look and to run a script.
package migrate

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

// Step is one step of a schema. Its file's name begins with its number.
type Step struct {
	Version int64
	Name    string
	Script  string
}

// Enter is the statement that says that a step was done: its version, name and time.
const Enter = "INSERT INTO errand_migrations (version, name, applied_at) VALUES (?, ?, ?)"

// Steps reads every step of a folder, in order.
func Steps(files fs.FS) ([]Step, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(names))
	for i, file := range names {
		script, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(path.Base(file), ".sql")
		digits, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || version < 1 || i > 0 && version <= steps[i-1].Version {
			return nil, fmt.Errorf("migration %s: its name must begin with a number that no other has", file)
		}
		steps[i] = Step{version, name, string(script)}
	}
	return steps, nil
}

// Done says which steps a database has seen, by version.
type Done map[int64]errand.Migration

// Add adds what a row of errand_migrations says.
func (d Done) Add(version int64, name string, appliedAt int64) {
	d[version] = errand.Migration{Version: version, Name: name, AppliedAt: time.UnixMicro(appliedAt).UTC()}
}

// Database is what differs between the databases.
type Database interface {
	// Done returns the steps that were done; none where there is no table errand_migrations.
	Done(ctx context.Context) (Done, error)
	// Next takes a lock that keeps others from the same tables, has choose say what to do next, does that and notes it,
	// and frees the lock. Where it is interrupted nothing has happened, or the step can be done again.
	Next(ctx context.Context, choose func(Done) (*Step, error)) (did bool, err error)
	// Script is the whole of what Next does for a step, but for the lock, for people to read or run.
	Script(Step) string
}

// Schema is the tables of one store.
type Schema struct {
	DB    Database
	Steps []Step
	Where string // the tables are, for errors: "jobs.db"
	URL   string // of the store, without a password, for the command that an error tells to run
}

// Open brings the tables up to date where that is permitted, and else looks whether they are.
func (s *Schema) Open(ctx context.Context, permitted bool) error {
	if permitted {
		return s.Migrate(ctx)
	}
	done, err := s.DB.Done(ctx)
	if err != nil {
		return err
	}
	step, err := s.next(done)
	if err != nil || step == nil {
		return err
	}
	return fmt.Errorf("%w: the tables in %s are of version %d and this program needs %d: run\n\terrand migrate up --store '%s'\n"+
		"or open it once without NoMigrate", errand.ErrUnavailable, s.Where, newest(done), s.last(), s.URL)
}

// Migrate implements [errand.Migrator].
func (s *Schema) Migrate(ctx context.Context) error {
	done, err := s.DB.Done(ctx)
	if err != nil {
		return err
	}
	step, err := s.next(done) // so that who finds nothing to do waits for nobody
	for step != nil && err == nil {
		var did bool
		if did, err = s.DB.Next(ctx, s.next); !did {
			break
		}
	}
	return err
}

// next returns the first step that was not done; nil for none.
func (s *Schema) next(done Done) (*Step, error) {
	if version := newest(done); version > s.last() {
		return nil, fmt.Errorf("%w: the tables in %s are of version %d, made by a newer Errand; this one knows versions up to %d: "+
			"upgrade this program", errand.ErrUnavailable, s.Where, version, s.last())
	}
	for i := range s.Steps {
		if _, ok := done[s.Steps[i].Version]; !ok {
			return &s.Steps[i], nil
		}
	}
	return nil, nil
}

// Migrations implements [errand.Migrator].
func (s *Schema) Migrations(ctx context.Context) ([]errand.Migration, error) {
	done, err := s.DB.Done(ctx)
	if err != nil {
		return nil, err
	}
	var all []errand.Migration
	for _, step := range s.Steps {
		m := errand.Migration{Version: step.Version, Name: step.Name, AppliedAt: done[step.Version].AppliedAt}
		m.SQL = s.DB.Script(step)
		all = append(all, m)
		delete(done, step.Version)
	}
	for _, version := range slices.Sorted(maps.Keys(done)) {
		all = append(all, done[version])
	}
	return all, nil
}

func (s *Schema) last() int64 { return s.Steps[len(s.Steps)-1].Version }

// newest returns the highest version that was done.
func newest(done Done) int64 {
	version := int64(0)
	for v := range done {
		version = max(version, v)
	}
	return version
}

// Entry is the statement that says that a step was done, with its values. now is the database's expression for the time
// in microseconds since 1970.
func Entry(step Step, now string) string {
	return fmt.Sprintf("INSERT INTO errand_migrations (version, name, applied_at) VALUES (%d, '%s', %s);\n", step.Version, step.Name, now)
}
