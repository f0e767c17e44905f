package cli

import (
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
		Short: s.t("Background jobs: run them, look at them, change what becomes of them"),
		Long: s.t("Background jobs: run them, look at them, change what becomes of them.\n\n"+
			"The store is named by a URL: --store, else $ERRAND_STORE, else %s.\n"+
			"Exit status: 0 done, 1 failed, 2 misused.", s.defaultStore()),
		Example:       s.example("demo", "info", "jobs --state failed", "requeue --all --queue mail"),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&s.storeFlag, "store", "",
		s.t("`URL` of the store, such as sqlite:errand.db (default $ERRAND_STORE, else %s)", s.defaultStore()))
	root.PersistentFlags().StringVar(&s.langFlag, "lang", "", s.t("speak `LANG`, en or zh (default: what $LC_ALL, $LC_MESSAGES or $LANG says)"))
	root.PersistentFlags().BoolVar(&s.json, "json", false, s.t("print JSON"))
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: s.t("Run:")},
		&cobra.Group{ID: groupLook, Title: s.t("Look:")},
		&cobra.Group{ID: groupChange, Title: s.t("Change:")},
	)
	add := func(group string, cmds ...*cobra.Command) {
		for _, cmd := range cmds {
			cmd.GroupID = group
			cmd.DisableFlagsInUseLine = true
			root.AddCommand(cmd)
		}
	}
	add(groupRun, s.demoCommand(), s.workerCommand(), s.enqueueCommand(), s.webCommand(), s.benchCommand())
	add(groupLook, s.infoCommand(), s.topCommand(), s.queuesCommand(), s.workersCommand(), s.jobsCommand(), s.jobCommand(), s.auditCommand())
	add(groupChange, s.requeueCommand(), s.cancelCommand(), s.deleteCommand(), s.emptyCommand(),
		s.pauseCommand(), s.resumeCommand(), s.moveCommand(), s.migrateCommand())
	root.AddCommand(s.completionCommand(root), s.versionCommand())
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().BoolP("help", "h", false, s.t("help for this command"))
	complete(root, "store", storeURLs)
	complete(root, "lang", oneOf("en", "zh"))
	root.SetHelpFunc(s.printHelp)
	root.SetHelpCommand(s.helpCommand(root))
	return root
}

// helpCommand is cobra's, in the session's language.
func (s *session) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   s.t("Help for any command"),
		Long:    s.t("Tell what a command does and how it is used."),
		Example: s.example("help jobs"),
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return misuse("there is no command %q", strings.Join(args, " "))
			}
			s.printHelp(cmd, nil)
			return nil
		},
	}
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
		return misuse("%s takes no arguments: %q is too much", cmd.Name(), args[0])
	}
	return nil
}

func argsNamed(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least {
			return misuse("%s needs %s", cmd.Name(), what)
		}
		if most >= 0 && len(args) > most {
			return misuse("%s takes %s: %q is too much", cmd.Name(), what, args[most])
		}
		return nil
	}
}
