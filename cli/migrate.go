package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
	"github.com/errandhq/errand/store"
	"github.com/spf13/cobra"
)

func (s *session) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: s.t("Make and upgrade the tables of a SQL store"),
		Long: s.t("Look at the steps by which a SQL store's tables are made and upgraded, and do them. Programs do them by themselves " +
			"when they open a store, unless they are told not to because their role may not: then do them with these commands, " +
			"before the new version of the program runs."),
		Example: s.example("migrate status", "migrate up --store postgres://owner@db/app"),
	}
	sub := func(name, short, long, example string, run func(context.Context) error) {
		cmd.AddCommand(&cobra.Command{
			Use: name, Short: short, Long: long, Example: s.example(example), Args: noArgs, DisableFlagsInUseLine: true,
			RunE: s.does(func(ctx context.Context, _ []string) error { return run(ctx) }),
		})
	}
	sub("status", s.t("List the steps, and which of them were done"),
		s.t("List the steps that this program knows, and when they were done in the store. Nothing is changed. "+
			"The exit status is 1 where one is missing."), "migrate status", s.migrateStatus)
	sub("up", s.t("Do the steps that are missing"),
		s.t("Do the steps that are missing. Any number of processes may do so at once, and one that was killed is run again."),
		"migrate up --store mysql://owner@db/app", s.migrateUp)
	var all bool
	sql := &cobra.Command{
		Use: "sql", Short: s.t("Print the SQL of the steps that are missing"),
		Long: s.t("Print the statements that up would run, for whoever may run them: each step with the statement that says that it " +
			"was done."),
		Example: s.example("migrate sql", "migrate sql --all --store postgres://db/app"), Args: noArgs, DisableFlagsInUseLine: true,
		RunE: s.does(func(ctx context.Context, _ []string) error { return s.migrateSQL(ctx, all) }),
	}
	sql.Flags().BoolVarP(&all, "all", "a", false, s.t("also the steps that were done"))
	cmd.AddCommand(sql)
	return cmd
}

// onMigrator opens a store as it is, and calls fn unless there is nothing to migrate in its kind.
func (s *session) onMigrator(ctx context.Context, fn func(errand.Migrator) error) (err error) {
	st, err := store.OpenUnmigrated(ctx, s.storeURL())
	if err != nil {
		return err
	}
	defer func() {
		if closed := st.Close(); err == nil {
			err = closed
		}
	}()
	m, ok := st.(errand.Migrator)
	if ok {
		return fn(m)
	}
	if s.json {
		return s.out.printJSON(wire.Migrations{Store: maskURL(s.storeURL()), Steps: []wire.Migration{}})
	}
	s.out.printf("%s\n", s.t("%s has no tables: there is nothing to migrate.", maskURL(s.storeURL())))
	return nil
}

func (s *session) migrateStatus(ctx context.Context) error {
	return s.onMigrator(ctx, func(m errand.Migrator) error {
		missing, err := s.printMigrations(ctx, m)
		if err == nil && missing > 0 {
			err = failure("%s missing: '%s migrate up' does them", s.n(missing, "1 step is", "%s steps are"), s.name)
		}
		return err
	})
}

// migrateUp opens the store as programs do, which makes a database file that is not there yet.
func (s *session) migrateUp(ctx context.Context) error {
	before := s.stepsDone(ctx)
	err := s.withStore(ctx, func(st errand.Store, _ time.Time) error { return s.recordSteps(ctx, st, before) })
	if err != nil {
		return err
	}
	return s.onMigrator(ctx, func(m errand.Migrator) error {
		_, err := s.printMigrations(ctx, m)
		return err
	})
}

// stepsDone returns the steps that were done in the store; none where there is no store yet. What else is wrong with it will
// be seen when it is opened.
func (s *session) stepsDone(ctx context.Context) map[int64]bool {
	done := make(map[int64]bool)
	st, err := store.OpenUnmigrated(ctx, s.storeURL())
	if err != nil {
		return done
	}
	defer st.Close() // nothing was written
	if m, ok := st.(errand.Migrator); ok {
		steps, _ := m.Migrations(ctx)
		for _, step := range steps {
			done[step.Version] = !step.AppliedAt.IsZero()
		}
	}
	return done
}

// recordSteps writes down which steps have been done since.
func (s *session) recordSteps(ctx context.Context, st errand.Store, before map[int64]bool) error {
	m, ok := st.(errand.Migrator)
	if !ok {
		return nil
	}
	steps, err := m.Migrations(ctx)
	if err != nil {
		return err
	}
	var done []string
	for _, step := range steps {
		if !before[step.Version] && !step.AppliedAt.IsZero() {
			done = append(done, step.Name)
		}
	}
	if len(done) > 0 {
		s.record(ctx, st, "migrate", strings.Join(done, ", "), int64(len(done)))
	}
	return nil
}

// printMigrations lists the steps, and says how many were not done.
func (s *session) printMigrations(ctx context.Context, m errand.Migrator) (missing int64, err error) {
	steps, err := m.Migrations(ctx)
	if err != nil {
		return 0, err
	}
	grid := newGrid(column{title: s.t("STEP")}, column{title: s.t("DONE")})
	report := wire.Migrations{Store: maskURL(s.storeURL()), Steps: []wire.Migration{}}
	for _, step := range steps {
		done := moment(step.AppliedAt)
		if step.AppliedAt.IsZero() {
			missing++
			done = s.t("missing")
		} else if step.SQL == "" {
			done = s.t("%s, by a newer program", done)
		}
		grid.add(step.Name, done)
		report.Steps = append(report.Steps, wire.Migration{Version: step.Version, Name: step.Name, AppliedAt: step.AppliedAt})
	}
	report.Missing = missing
	if s.json {
		return missing, s.out.printJSON(report)
	}
	s.out.print(grid)
	return missing, nil
}

func (s *session) migrateSQL(ctx context.Context, all bool) error {
	return s.onMigrator(ctx, func(m errand.Migrator) error {
		steps, err := m.Migrations(ctx)
		if err != nil {
			return err
		}
		report := wire.Migrations{Store: maskURL(s.storeURL()), Steps: []wire.Migration{}}
		for _, step := range steps {
			if step.SQL == "" || !all && !step.AppliedAt.IsZero() {
				continue
			}
			report.Steps = append(report.Steps, wire.Migration{
				Version: step.Version, Name: step.Name, AppliedAt: step.AppliedAt, SQL: step.SQL,
			})
			if step.AppliedAt.IsZero() {
				report.Missing++
			}
		}
		if s.json {
			return s.out.printJSON(report)
		}
		for _, step := range report.Steps {
			s.out.printf("%s", fmt.Sprintf("-- %s\n%s\n", step.Name, step.SQL))
		}
		if len(report.Steps) == 0 {
			s.note("No step is missing.")
		}
		return nil
	})
}
