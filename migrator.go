package errand

import (
	"context"
	"time"
)

// Migrator is an optional role: a store whose tables are made, and changed by newer versions of this module, in numbered
// steps. Opening such a store does the steps that are missing, unless it is told not to.
type Migrator interface {
	// Migrations returns every step that this program knows, in order, and then those that a newer one has done.
	Migrations(ctx context.Context) ([]Migration, error)
	// Migrate does the steps that are missing. Any number of processes may call it at once, and one that was killed in the
	// middle is done again.
	Migrate(ctx context.Context) error
}

// Migration is a step of a store's schema.
type Migration struct {
	Version   int64
	Name      string
	SQL       string    // the statements of the step, and the one that says that it was done; empty: this program does not know it
	AppliedAt time.Time // zero: it was not done yet
}
