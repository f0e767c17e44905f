package cli

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wire"
)

// act makes a command of something that changes the store.
func (m *topModel) act(fn func(ctx context.Context, now time.Time) (string, error)) tea.Cmd {
	return m.gate.command(func() tea.Msg {
		now, err := m.st.Now(m.ctx)
		if err != nil {
			return actedMsg{err: err}
		}
		text, err := fn(m.ctx, now)
		return actedMsg{text, err}
	})
}

// requeueKey asks about what the cursor is on.
func (m *topModel) requeueKey() tea.Cmd {
	switch m.tab {
	case tabJobs:
		if job, ok := at(m.jobs(), m.lists[m.tab].cursor); ok {
			return m.askRequeue(job)
		}
	case tabFailures:
		if g, ok := at(m.groups(), m.lists[m.tab].cursor); ok {
			m.askRequeueGroup(g)
		}
	default:
	}
	return nil
}

// requeueable reports whether a job in a state can be requeued.
func requeueable(state errand.State) bool { return state.Final() || state == errand.StateScheduled }

func (m *topModel) askRequeue(job *errand.Job) tea.Cmd {
	if !requeueable(job.State) {
		m.said, m.failed = m.s.t("A job that is %s cannot be requeued.", m.s.state(job.State)), true
		return nil
	}
	id := job.ID
	m.asking = &question{
		text: m.s.t("Requeue job %s of task %s?", id, cleanLine(job.Task)),
		busy: m.s.t("Requeueing…"),
		yes: m.act(func(ctx context.Context, now time.Time) (string, error) {
			return m.requeue(ctx, now, []string{id}, "job "+id)
		}),
	}
	return nil
}

func (m *topModel) askRequeueGroup(g *failureGroup) {
	count := m.s.n(int64(g.count), "1 failed job", "%s failed jobs")
	if m.grouped.more {
		count = m.s.t("at least %s", count)
	}
	m.asking = &question{
		text: m.s.t("Requeue %s of task %s with this cause?", count, cleanLine(g.task)),
		busy: m.s.t("Requeueing…"),
		yes: m.act(func(ctx context.Context, now time.Time) (string, error) {
			ids, err := g.members(ctx, m.st)
			if err != nil {
				return "", err
			}
			return m.requeue(ctx, now, ids, "failed jobs of task "+g.task+": "+clip(g.cause, maxAbout))
		}),
	}
}

func (m *topModel) requeue(ctx context.Context, now time.Time, ids []string, target string) (string, error) {
	var sum wire.Changed
	for chunk := range slices.Chunk(ids, maxIDs) {
		reply, err := m.st.Requeue(ctx, errand.Command{Now: now, IDs: chunk})
		if err != nil {
			return "", err
		}
		sum.Add(reply)
	}
	if sum.Done > 0 {
		if err := m.s.recorded(ctx, m.st, "requeue", target, sum.Done); err != nil {
			return "", failure("it is done, but the audit log does not have it: %v", err)
		}
	}
	return m.s.changedText(requeueChange, sum) + m.s.t("."), nil
}

// pauseKey pauses the queue that the cursor is on, or resumes it. That is undone by the same key, so nobody is asked.
func (m *topModel) pauseKey() tea.Cmd {
	if m.tab != tabQueues && m.tab != tabOverview {
		return nil
	}
	q, ok := at(m.queues(m.tab), m.lists[m.tab].cursor)
	if !ok {
		return nil
	}
	call, action, did := m.st.Pause, "pause", m.s.t("Queue %s paused.", cleanLine(q.Name))
	if q.Paused {
		call, action, did = m.st.Resume, "resume", m.s.t("Queue %s resumed.", cleanLine(q.Name))
	}
	return m.act(func(ctx context.Context, now time.Time) (string, error) {
		if err := call(ctx, now, q.Name); err != nil {
			return "", err
		}
		return did, m.s.recorded(ctx, m.st, action, "queue "+q.Name, 1)
	})
}

// restKey makes the worker that the cursor is on quiet, or resumes it.
func (m *topModel) restKey() tea.Cmd {
	if w, ok := at(m.workers(), m.lists[tabWorkers].cursor); ok && w.Quiet {
		return m.orderKey(resumeOrder)
	}
	return m.orderKey(quietOrder)
}

// orderKey asks something of the worker that the cursor is on; that it stop, after a question.
func (m *topModel) orderKey(c orderCommand) tea.Cmd {
	if m.tab != tabWorkers {
		return nil
	}
	w, ok := at(m.workers(), m.lists[m.tab].cursor)
	if !ok {
		return nil
	}
	give := m.act(func(ctx context.Context, now time.Time) (string, error) {
		if err := m.st.Order(ctx, now, w.ID, c.order); err != nil {
			return "", err
		}
		return m.s.t(c.did, cleanLine(w.ID)), m.s.recorded(ctx, m.st, c.order.String(), "worker "+w.ID, 1)
	})
	if c.ask == "" {
		return give
	}
	m.asking = &question{text: m.s.t("Stop worker %s?", cleanLine(w.ID)), yes: give}
	return nil
}
