package cli

import (
	"cmp"
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide help gets at most: longer lines are hard to read.
const helpWidth = 100

// help is what help is written with: cobra's own is in English, and knows no wide characters.
type help struct {
	s     *session
	b     strings.Builder
	width int // 0: lines have no end
}

func (s *session) newHelp() *help {
	h := &help{s: s}
	if s.out.terminal {
		h.width = min(s.out.width(), helpWidth)
	}
	return h
}

// printHelp is a command's help: what it does and how it is used.
func (s *session) printHelp(cmd *cobra.Command, _ []string) {
	h := s.newHelp()
	h.paragraph(cmp.Or(cmd.Long, cmd.Short))
	h.usage(cmd)
	s.out.printf("%s", h.b.String())
}

func (h *help) title(text string) { fmt.Fprintf(&h.b, "\n%s\n", bold.Render(text)) }

func (h *help) paragraph(text string) {
	if h.width > 0 {
		text = ansi.Wrap(text, h.width, "")
	}
	fmt.Fprintf(&h.b, "%s\n", text)
}

func (h *help) usage(cmd *cobra.Command) {
	t := h.s.t
	h.title(t("Usage:"))
	if cmd.Runnable() {
		fmt.Fprintf(&h.b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&h.b, "  %s\n", t("%s COMMAND", cmd.CommandPath()))
	}
	if cmd.HasExample() {
		h.title(t("Examples:"))
		fmt.Fprintf(&h.b, "%s\n", cmd.Example)
	}
	h.commands(cmd)
	if cmd.HasAvailableLocalFlags() {
		h.title(t("Flags:"))
		h.flags(cmd.LocalFlags())
	}
	if cmd.HasAvailableInheritedFlags() {
		h.title(t("Flags of every command:"))
		h.flags(cmd.InheritedFlags())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&h.b, "\n%s\n", t("'%s COMMAND --help' tells more about a command.", cmd.CommandPath()))
	}
}

// commands lists the commands below one, by group.
func (h *help) commands(cmd *cobra.Command) {
	groups := append(cmd.Groups(), &cobra.Group{Title: h.s.t("Other:")})
	if len(groups) == 1 {
		groups[0].Title = h.s.t("Commands:")
	}
	for _, group := range groups {
		var rows [][2]string
		for _, sub := range cmd.Commands() {
			if sub.GroupID == group.ID && (sub.IsAvailableCommand() || sub.Name() == "help") {
				rows = append(rows, [2]string{"  " + sub.Name(), sub.Short})
			}
		}
		if len(rows) > 0 {
			h.title(group.Title)
			h.rows(rows)
		}
	}
}

func (h *help) flags(set *pflag.FlagSet) {
	var rows [][2]string
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "      --" + f.Name
		if f.Shorthand != "" {
			name = "  -" + f.Shorthand + ", --" + f.Name
		}
		value, text := pflag.UnquoteUsage(f)
		if value != "" {
			name += " " + value
		}
		switch f.DefValue {
		case "", "false", "0", "0s", "[]":
		default:
			text += " " + h.s.t("(default %s)", f.DefValue)
		}
		rows = append(rows, [2]string{name, text})
	})
	h.rows(rows)
}

// rows writes two columns, the second wrapped beside the first.
func (h *help) rows(rows [][2]string) {
	left := 0
	for _, row := range rows {
		left = max(left, lipgloss.Width(row[0]))
	}
	left += 3
	for _, row := range rows {
		text := row[1]
		if room := h.width - left; room > 20 {
			text = ansi.Wrap(text, room, "")
		}
		text = strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", left))
		fmt.Fprintf(&h.b, "%s%s%s\n", row[0], strings.Repeat(" ", left-lipgloss.Width(row[0])), text)
	}
}
