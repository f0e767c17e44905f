package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/spf13/cobra"
)

// references are the documents that list every command, made of the commands' own help.
var references = []struct {
	file string
	lang *lang.Lang
	head string
}{
	{"../docs/cli.md", lang.English, `# The command line

[中文](cli.zh-CN.md)

<!-- Made of the commands' own help by cli/docs_test.go: UPDATE_DOCS=1 go test ./cli -run TestReference -->

` + "`errand` is the ready binary; a program of your own has the same commands once its main calls `cli.Main` (see the README)." + ` What
reports has ` + "`--json`, whose fields stay. On a terminal there are tables, bars and colours, elsewhere plain text; `NO_COLOR` is heeded." + `
Messages are in English or Chinese, by the locale or ` + "`--lang`" + `. The exit status is 0 when all is done, 1 when it failed, 2 when the command
line makes no sense. What cannot be undone asks first, or takes ` + "`--yes`" + `. What is done by hand is written into the store's audit log.
`},
	{"../docs/cli.zh-CN.md", lang.Chinese, `# 命令行

[English](cli.md)

<!-- 由 cli/docs_test.go 根据各命令自己的帮助生成：UPDATE_DOCS=1 go test ./cli -run TestReference -->

` + "`errand` 是现成的程序；您自己的程序在 main 里调用 `cli.Main`（见 README）便有同样的命令。凡是报告都有 `--json`，其字段不会改变。" + `
在终端上显示表格、条形和颜色，在别处是纯文本；遵守 ` + "`NO_COLOR`。消息依语言环境或 `--lang` 用中文或英文。退出码：0 完成，1 失败，2 用法有误。" + `
无法撤销的操作会先询问，或用 ` + "`--yes`" + `。手动所做的更改都记入存储的操作日志。
`},
}

// TestReference proves that docs/cli.md and its translation say what the commands' help says; with UPDATE_DOCS it writes them.
func TestReference(t *testing.T) {
	for _, ref := range references {
		want := ref.head + reference(ref.lang)
		got, err := os.ReadFile(ref.file)
		if string(got) == want {
			continue
		}
		if os.Getenv("UPDATE_DOCS") == "" {
			t.Errorf("%s is not what the commands' help says (%v): UPDATE_DOCS=1 go test ./cli -run TestReference", ref.file, err)
			continue
		}
		if err := os.WriteFile(ref.file, []byte(want), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
	}
}

func reference(l *lang.Lang) string {
	s := newSession(App{Name: "errand", Tasks: []errand.AnyTask{}}, strings.NewReader(""), &strings.Builder{}, &strings.Builder{})
	s.lang = l
	var b strings.Builder
	root := s.root()
	for _, group := range root.Groups() {
		b.WriteString("\n## " + strings.TrimRight(group.Title, ":：") + "\n")
		for _, cmd := range root.Commands() {
			if cmd.GroupID == group.ID {
				s.describeCommand(&b, cmd)
			}
		}
	}
	b.WriteString("\n## " + strings.TrimRight(s.t("Other:"), ":：") + "\n")
	for _, cmd := range root.Commands() {
		if cmd.GroupID == "" && cmd.Name() != "help" {
			s.describeCommand(&b, cmd)
		}
	}
	h := s.newHelp()
	h.title(s.t("Flags of every command:"))
	h.flags(root.PersistentFlags())
	b.WriteString("\n## " + strings.TrimRight(s.t("Flags of every command:"), ":：") + "\n\n```\n" + afterTitle(h.b.String()) + "```\n")
	return b.String()
}

// describeCommand writes what a command's help says, without the flags that every command has, and then the commands below it.
func (s *session) describeCommand(b *strings.Builder, cmd *cobra.Command) {
	b.WriteString("\n### " + strings.TrimPrefix(cmd.CommandPath(), "errand ") + "\n\n" + cmd.Long + "\n\n```\n" + cmd.UseLine() + "\n")
	h := s.newHelp()
	if cmd.HasExample() {
		h.title(s.t("Examples:"))
		h.b.WriteString(cmd.Example + "\n")
	}
	if cmd.LocalNonPersistentFlags().HasAvailableFlags() {
		h.title(s.t("Flags:"))
		h.flags(cmd.LocalNonPersistentFlags())
	}
	for line := range strings.Lines(h.b.String()) {
		b.WriteString(ansi.Strip(line))
	}
	b.WriteString("```\n")
	for _, sub := range cmd.Commands() {
		s.describeCommand(b, sub)
	}
}

// afterTitle leaves out the first lines of help: an empty one and a title.
func afterTitle(text string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(text, "\n"), "\n")
	return rest
}
