package cli

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/errandhq/errand"
	"github.com/spf13/cobra"
)

func (s *session) topCommand() *cobra.Command {
	var interval time.Duration
	cmd := &cobra.Command{
		Use:   "top",
		Short: s.t("Watch everything on the whole terminal, and act from the keyboard"),
		Long: s.t("Show throughput, failures and depth as charts, the queues, the workers with what they run, jobs, and failures by their cause, " +
			"live on the whole terminal. Jobs can be opened with their stack trace and requeued, one or all that failed for the same cause; " +
			"queues can be paused and resumed. ? lists the keys."),
		Example: s.example("top", "top --interval 5s", "--store postgres://jobs@db/jobs top"),
		Args:    noArgs,
	}
	cmd.Flags().DurationVarP(&interval, "interval", "i", time.Second, s.t("look every `D`"))
	cmd.RunE = s.does(func(ctx context.Context, _ []string) error {
		switch {
		case s.json:
			return misuse("top is for people: use info --watch --json")
		case interval < minInterval:
			return misuse("--interval %s: use %s or more", interval, minInterval)
		case !s.out.terminal:
			return misuse("top needs a terminal: info --watch does without")
		}
		return s.top(ctx, interval)
	})
	return cmd
}

func (s *session) top(ctx context.Context, interval time.Duration) error {
	return s.lookInto(ctx, func(st errand.Store, now time.Time) error {
		running, stop := context.WithCancel(ctx)
		m := newTopModel(running, s, st, interval)
		series, err := st.Series(ctx, errand.SeriesQuery{Step: errand.FineStep, From: now.Add(-maxPoints * interval)})
		if err != nil {
			stop()
			return err
		}
		if len(series.Samples)+len(series.Depths) > 0 {
			m.history.recall(&series, now, interval)
		}
		err = s.live(running, m)
		stop()
		m.gate.shut()
		return err
	})
}

// tab is one of the pages of top.
type tab int

const (
	tabOverview tab = iota
	tabQueues
	tabWorkers
	tabJobs
	tabFailures
	tabCount
)

// topModel is what top shows and what it waits for.
type topModel struct {
	s        *session
	st       errand.Store
	ctx      context.Context // the program's: what it starts ends with it
	interval time.Duration
	gate     gate

	seen    *sight // the last look that succeeded; nil: none has
	away    *absence
	history histories
	grouped *failures // as last seen: they are not looked at each time
	looking bool      // a look is under way
	again   bool      // another is wanted as soon as it has ended

	width, height int
	tab           tab
	lists         [tabCount]listState
	state         errand.State // of the jobs in the list
	queue         string       // of the jobs in the list; empty: all
	open          string       // the id of the job that is open; empty: none
	from          int          // the first line of the open job, or of the help, that is shown
	help          bool

	typing bool // a filter is being typed
	asking *question
	said   string // what came of the last action
	failed bool   // it failed
	doing  string // the action that is under way
}

// listState is where a person is in a list.
type listState struct {
	cursor int
	filter string
}

// question is something to be answered by y or n.
type question struct {
	text string
	yes  tea.Cmd
	busy string // what is said while it is being done
}

func newTopModel(ctx context.Context, s *session, st errand.Store, interval time.Duration) *topModel {
	return &topModel{s: s, st: st, ctx: ctx, interval: interval, history: histories{}, state: errand.StateFailed}
}

// What comes back from what the model has started.
type (
	sightMsg struct {
		seen *sight
		err  error
	}
	actedMsg struct {
		text string
		err  error
	}
)

// Init takes the first look.
func (m *topModel) Init() tea.Cmd { return m.look() }

// look starts a look, unless one is under way: then another follows it.
func (m *topModel) look() tea.Cmd {
	if m.looking {
		m.again = true
		return nil
	}
	m.looking, m.again = true, false
	want := wanted{
		failures: m.tab == tabOverview || m.tab == tabFailures,
		jobs:     m.tab == tabJobs,
		filter:   errand.JobFilter{Queue: m.queue, State: m.state, Limit: topJobs, Newest: m.state.Final()},
		open:     m.open,
	}
	return m.gate.command(func() tea.Msg {
		seen, err := m.s.lookAt(m.ctx, m.st, want)
		return sightMsg{seen, err}
	})
}

// Update takes what has happened.
func (m *topModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case lookMsg:
		return m, m.look()
	case sightMsg:
		m.took(msg)
		if m.again {
			return m, m.look()
		}
		return m, tea.Tick(m.interval, func(time.Time) tea.Msg { return lookMsg{} })
	case actedMsg:
		m.said, m.failed, m.doing = msg.text, msg.err != nil, ""
		if msg.err != nil {
			m.said = m.s.explain(msg.err)
		}
		return m, m.look()
	case tea.PasteMsg:
		if m.typing {
			m.typed(msg.Content)
		}
	case tea.KeyPressMsg:
		return m, m.key(msg)
	}
	return m, nil
}

// took takes the outcome of a look.
func (m *topModel) took(msg sightMsg) {
	m.looking = false
	if msg.err != nil {
		if m.away == nil {
			m.away = &absence{since: time.Now()}
		}
		m.away.err = msg.err
		return
	}
	m.away = nil
	if msg.seen.jobs == nil && m.seen != nil {
		msg.seen.jobs, msg.seen.more = m.seen.jobs, m.seen.more
	}
	if msg.seen.opened == nil && m.seen != nil {
		msg.seen.opened = m.seen.opened
	}
	m.seen = msg.seen
	m.history.add(m.seen.now, m.seen.queues)
	if msg.seen.failures != nil {
		m.grouped = msg.seen.failures
	}
	for t := range m.lists {
		m.move(tab(t), 0)
	}
}

// move moves the cursor of a list, within the list.
func (m *topModel) move(t tab, by int) {
	l := &m.lists[t]
	l.cursor = max(0, min(l.cursor+by, m.length(t)-1))
}

// length is how many rows a list has.
func (m *topModel) length(t tab) int {
	switch t {
	case tabOverview, tabQueues:
		return len(m.queues(t))
	case tabWorkers:
		return len(m.workers())
	case tabJobs:
		return len(m.jobs())
	case tabFailures:
		return len(m.groups())
	default:
		return 0
	}
}
