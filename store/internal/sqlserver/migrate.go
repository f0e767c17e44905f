package sqlserver

import (
	"context"
	"fmt"

	"github.com/errandhq/errand"
)

// Migrations implements [errand.Migrator].
func (s *Store) Migrations(ctx context.Context) (all []errand.Migration, err error) {
	err = s.onSchema(ctx, "list migrations", func() error {
		all, err = s.backend.Schema().Migrations(ctx)
		return err
	})
	return all, err
}

// Migrate implements [errand.Migrator].
func (s *Store) Migrate(ctx context.Context) error {
	return s.onSchema(ctx, "migrate", func() error { return s.backend.Schema().Migrate(ctx) })
}

func (s *Store) onSchema(ctx context.Context, op string, do func() error) error {
	label := Label{Op: op}
	if err := s.Enter(ctx, label); err != nil {
		return err
	}
	defer s.Leave()
	if err := do(); err != nil {
		return fmt.Errorf("%v: %w", label, s.backend.Translate(err))
	}
	return nil
}
