package cli

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/spf13/cobra"
)

func (s *session) completionCommand(root *cobra.Command) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: s.t("Print what makes a shell complete this program's command lines"),
		Long: s.t("Print a script that makes bash, zsh, fish or powershell complete commands and flags at the Tab key, and with them what "+
			"the store knows: queues, tasks, states and the ids of jobs.\n\n"+
			"bash:        put   source <(%[1]s completion bash)   into ~/.bashrc; the package bash-completion must be there\n"+
			"zsh:         %[1]s completion zsh >\"${fpath[1]}/_%[1]s\"\n"+
			"fish:        %[1]s completion fish >~/.config/fish/completions/%[1]s.fish\n"+
			"powershell:  put   %[1]s completion powershell | Out-String | Invoke-Expression   into $PROFILE", s.name),
		Example:   s.example("completion bash", `completion zsh >"${fpath[1]}/_`+s.name+`"`),
		ValidArgs: shells,
		Args:      argsNamed(1, 1, s.t("one of %s", strings.Join(shells, ", "))),
		RunE: s.does(func(_ context.Context, args []string) error {
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(s.out, true)
			case "zsh":
				return root.GenZshCompletion(s.out)
			case "fish":
				return root.GenFishCompletion(s.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(s.out)
			}
			return misuse("there is no completion for %q: use one of %s", args[0], strings.Join(shells, ", "))
		}),
	}
}

// completer says what may stand at a place of the command line.
type completer = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective)

// completionTime is how long a person waits at the Tab key at most.
const completionTime = 2 * time.Second

// maxOffered is how many jobs are offered at most.
const maxOffered = 100

// completing makes a completer of a function that looks into the store. A store that is not there, or is slow, offers
// nothing: there is nobody to tell.
func (s *session) completing(offer func(context.Context, errand.Store, time.Time, *cobra.Command) ([]cobra.Completion, error)) completer {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, cancel := context.WithTimeoutCause(ctx, completionTime, errors.New("completion took too long"))
		defer cancel()
		var offered []cobra.Completion
		err := s.lookInto(ctx, func(st errand.Store, now time.Time) (err error) {
			offered, err = offer(ctx, st, now, cmd)
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		offered = slices.DeleteFunc(offered, func(c cobra.Completion) bool {
			word, _, _ := strings.Cut(c, "\t")
			return !strings.HasPrefix(word, begun) || slices.Contains(args, word)
		})
		return offered[:min(len(offered), maxOffered)], cobra.ShellCompDirectiveNoFileComp
	}
}

// first completes the first argument only.
func first(c completer) completer {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c(cmd, args, begun)
	}
}

// queueNames offers the queues, hotqueues among them where asked for.
func (s *session) queueNames(hotqueues bool) completer {
	return s.completing(func(ctx context.Context, st errand.Store, now time.Time, _ *cobra.Command) ([]cobra.Completion, error) {
		queues, err := st.Queues(ctx, now)
		if err != nil {
			return nil, err
		}
		var names []cobra.Completion
		for _, q := range queues {
			names = append(names, cobra.CompletionWithDesc(cleanLine(q.Name), s.n(total(q), "1 job", "%s jobs")))
		}
		if !hotqueues {
			return names, nil
		}
		messages, err := st.MessageQueues(ctx, now)
		for _, q := range messages {
			names = append(names, cobra.CompletionWithDesc(cleanLine(q.Name), s.n(q.Len, "1 message", "%s messages")))
		}
		return names, err
	})
}

// taskNames offers the tasks that this program and the workers know, and those of some jobs.
func (s *session) taskNames() completer {
	return s.completing(func(ctx context.Context, st errand.Store, _ time.Time, _ *cobra.Command) ([]cobra.Completion, error) {
		names := taskNames(s.app.Tasks)
		workers, err := st.Workers(ctx)
		if err != nil {
			return nil, err
		}
		for i := range workers {
			names = append(names, workers[i].Tasks...)
		}
		page, err := st.Jobs(ctx, errand.JobFilter{Limit: maxOffered})
		if err != nil {
			return nil, err
		}
		for _, job := range page.Jobs {
			names = append(names, cleanLine(job.Task))
		}
		slices.Sort(names)
		return slices.Compact(names), nil
	})
}

// jobIDs offers the jobs in some states that the command's filter flags leave.
func (s *session) jobIDs(states ...errand.State) completer {
	return s.completing(func(ctx context.Context, st errand.Store, now time.Time, _ *cobra.Command) ([]cobra.Completion, error) {
		var ids []cobra.Completion
		for _, state := range states {
			page, err := st.Jobs(ctx, errand.JobFilter{State: state, Limit: maxOffered, Newest: true})
			if err != nil {
				return nil, err
			}
			for _, job := range page.Jobs {
				ids = append(ids, cobra.CompletionWithDesc(job.ID,
					cleanLine(job.Task)+" · "+s.state(job.State)+" · "+s.when(job, now)))
			}
		}
		return ids, nil
	})
}

// stateNames offers the states.
func (s *session) stateNames(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, state := range errand.States() {
		names = append(names, cobra.CompletionWithDesc(state.String(), s.state(state)))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// storeURLs offers the kinds of stores, and the databases that lie here.
func storeURLs(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	urls := []cobra.Completion{"sqlite:", "postgres://", "mysql://", "redis://", "rediss://", "redis-sentinel://"}
	entries, err := os.ReadDir(".")
	if err != nil {
		return urls, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".db") && e.Type().IsRegular() {
			urls = append(urls, "sqlite:"+cleanLine(e.Name()))
		}
	}
	return urls, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// complete names what completes a flag of a command. It panics where there is no such flag, like the flags themselves.
func complete(cmd *cobra.Command, flag string, c completer) {
	if err := cmd.RegisterFlagCompletionFunc(flag, c); err != nil {
		panic(err)
	}
}

// oneOf completes a flag that takes one of some words.
func oneOf(words ...string) completer {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}
