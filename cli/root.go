package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const (
	groupRun    = "run"
	groupLook   = "look"
	groupChange = "change"
)

// root builds the tree of commands.
func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:   s.name,
		Short: "Background jobs: run them, look at them, change what becomes of them",
		Long: "Background jobs: run them, look at them, change what becomes of them.\n\n" +
			"The store is named by a URL: --store, else $ERRAND_STORE, else " + s.defaultStore() + ".\n" +
			"Exit status: 0 done, 1 failed, 2 misused.",
		Example:       s.example("demo", "info", "jobs --state failed", "requeue --all --queue mail"),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&s.storeFlag, "store", "",
		"`URL` of the store, such as sqlite:errand.db (default $ERRAND_STORE, else "+s.defaultStore()+")")
	root.PersistentFlags().BoolVar(&s.json, "json", false, "print JSON")
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Run:"},
		&cobra.Group{ID: groupLook, Title: "Look:"},
		&cobra.Group{ID: groupChange, Title: "Change:"},
	)
	add := func(group string, cmds ...*cobra.Command) {
		for _, cmd := range cmds {
			cmd.GroupID = group
			cmd.DisableFlagsInUseLine = true
			root.AddCommand(cmd)
		}
	}
	add(groupRun, s.demoCommand(), s.workerCommand(), s.enqueueCommand(), s.webCommand())
	add(groupLook, s.infoCommand(), s.queuesCommand(), s.workersCommand(), s.jobsCommand(), s.jobCommand())
	add(groupChange, s.requeueCommand(), s.cancelCommand(), s.deleteCommand(), s.emptyCommand(),
		s.pauseCommand(), s.resumeCommand())
	root.AddCommand(s.versionCommand())
	return root
}

func (s *session) defaultStore() string {
	if s.app.Store != "" {
		return maskURL(s.app.Store)
	}
	return "sqlite:errand.db"
}

// example lists command lines for a command's help.
func (s *session) example(lines ...string) string {
	indented := make([]string, len(lines))
	for i, line := range lines {
		indented[i] = "  " + s.name + " " + line
	}
	return strings.Join(indented, "\n")
}

// noArgs, oneArg and someArgs say what is wrong with the number of arguments in words that help.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments: %q is too much", cmd.Name(), args[0])
	}
	return nil
}

func argsNamed(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least {
			return fmt.Errorf("%s needs %s", cmd.Name(), what)
		}
		if most >= 0 && len(args) > most {
			return fmt.Errorf("%s takes %s: %q is too much", cmd.Name(), what, args[most])
		}
		return nil
	}
}
