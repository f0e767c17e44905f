package cli

import (
	"cmp"
	"context"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/spf13/cobra"
)

// auditTime bounds the writing of one entry.
const auditTime = 5 * time.Second

// record writes into the store's log what somebody has done by hand. What is done is done: where it cannot be written down,
// a note says so.
func (s *session) record(ctx context.Context, st errand.Store, action, target string, count int64) {
	if err := s.recorded(ctx, st, action, target, count); err != nil {
		s.note("Note: it is done, but the audit log does not have it: %v", err)
	}
}

func (s *session) recorded(ctx context.Context, st errand.Store, action, target string, count int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTime)
	defer cancel()
	now, err := st.Now(ctx)
	if err != nil {
		return err
	}
	return st.RecordAudit(ctx, errand.AuditEntry{
		ID: errand.NewID(), At: now, Who: whoami(), Via: "cli", Action: action, Target: target, Count: count,
	})
}

// whoami names the person at the command line, as far as the system knows.
func whoami() string {
	name := cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME"))
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if by := os.Getenv("SUDO_USER"); by != "" && by != name {
		name += " (" + by + ")"
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return cmp.Or(name, "?") + "@" + host
}

// selection says in the log which jobs a filter has selected.
func selection(filter errand.JobFilter, states []errand.State) string {
	var parts []string
	if filter.Queue != "" {
		parts = append(parts, "queue "+filter.Queue)
	}
	var names []string
	for _, state := range states {
		names = append(names, state.String())
	}
	parts = append(parts, strings.Join(names, ", "))
	if filter.Task != "" {
		parts = append(parts, "task "+filter.Task)
	}
	return "jobs of " + strings.Join(parts, ", ")
}

// jobsNamed says in the log which jobs were named.
func jobsNamed(ids []string) string {
	if len(ids) == 1 {
		return "job " + ids[0]
	}
	return "jobs " + strings.Join(ids, ", ")
}

// auditJSON is what the audit command prints. NextCursor, where not empty, is for --cursor.
type auditJSON struct {
	Entries    []errand.AuditEntry `json:"entries"`
	NextCursor string              `json:"next_cursor,omitempty"`
}

func (s *session) auditCommand() *cobra.Command {
	var filter errand.AuditFilter
	cmd := &cobra.Command{
		Use:   "audit",
		Short: s.t("List who did what by hand"),
		Long: s.t("List what people did to the store on the command line, the dashboard and the API, newest first. " +
			"The newest 10,000 entries are kept, each for 90 days at most."),
		Example: s.example("audit", "audit --action delete --limit 20", "audit --json"),
		Args:    noArgs,
	}
	f := cmd.Flags()
	f.IntVarP(&filter.Limit, "limit", "n", 50, s.t("how many `ENTRIES` at most"))
	f.StringVar(&filter.Who, "who", "", s.t("only what `PERSON` did, such as ann@web1"))
	f.StringVar(&filter.Action, "action", "", s.t("only this `ACTION`: requeue, cancel, delete, pause, ..."))
	f.StringVar(&filter.Cursor, "cursor", "", s.t("go on where the list with this `CURSOR` ended"))
	complete(cmd, "action", oneOf("enqueue", "requeue", "cancel", "delete", "clear", "pause", "resume", "quiet", "stop"))
	cmd.RunE = s.does(func(ctx context.Context, _ []string) error {
		if filter.Limit < 1 || filter.Limit > maxPage {
			return misuse("--limit %d: use 1 to %d", filter.Limit, maxPage)
		}
		return s.showAudit(ctx, filter)
	})
	return cmd
}

func (s *session) showAudit(ctx context.Context, filter errand.AuditFilter) error {
	return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
		page, err := st.Audit(ctx, filter)
		if err != nil {
			return err
		}
		switch {
		case s.json:
			return s.out.printJSON(auditJSON{Entries: append([]errand.AuditEntry{}, page.Entries...), NextCursor: page.Next})
		case len(page.Entries) == 0:
			s.out.printf("%s\n", s.t("Nobody has done anything."))
			return nil
		}
		g := newGrid(column{title: s.t("WHEN")}, column{title: s.t("WHO"), flex: true}, column{title: s.t("VIA"), spare: 2},
			column{title: s.t("ACTION")}, column{title: s.t("TARGET"), flex: true}, column{title: s.t("COUNT"), right: true})
		for i := range page.Entries {
			e := &page.Entries[i]
			g.add(s.ago(now, e.At), e.Who, e.Via, cell{e.Action, bold}, strings.TrimSpace(clip(e.Target, maxAbout)+" "+clip(e.Detail, maxAbout)), number(e.Count))
		}
		s.out.print(g)
		if page.Next != "" {
			s.note("There are more. A larger --limit lists more at once; to go on, add --cursor %s", page.Next)
		}
		return nil
	})
}
