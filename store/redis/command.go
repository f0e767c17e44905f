package redis

import (
	"context"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// A command is done to all its jobs before anything follows from it: a job that is canceled together with the one that it
// depends on is canceled, not failed; a job that is requeued together with the one that it depends on waits for it.

// commander carries out one command.
type commander struct {
	*family
	what   string
	cmd    *errand.Command
	chosen []*target
	reply  errand.CommandReply
}

// target is a job that a command acts on.
type target struct {
	queue, key string
	parents    []string // of a requeue only
	unique     string   // its unique key; of a requeue or a move only
	living     bool     // likewise
	answer     byte
	follow     rueidis.RedisMessage
}

// Requeue implements [errand.Inspector].
func (s *Store) Requeue(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return s.command(ctx, "requeue", cmd)
}

// Cancel implements [errand.Inspector].
func (s *Store) Cancel(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return s.command(ctx, "cancel", cmd)
}

// Delete implements [errand.Inspector].
func (s *Store) Delete(ctx context.Context, cmd errand.Command) (errand.CommandReply, error) {
	return s.command(ctx, "delete", cmd)
}

func (s *Store) command(ctx context.Context, what string, cmd errand.Command) (errand.CommandReply, error) {
	c, err := s.begin(ctx, cmd.Now, "%s", what)
	if err != nil {
		return errand.CommandReply{}, err
	}
	defer c.done()
	co := &commander{family: &family{Store: s, c: c}, what: what, cmd: &cmd}
	if len(cmd.IDs) > 0 {
		err = co.choose()
	} else {
		err = co.selectJobs()
	}
	if err == nil {
		err = co.act()
	}
	if err != nil {
		return errand.CommandReply{}, s.fail(c, err)
	}
	co.followUp()
	return co.reply, nil
}

// selectJobs finds the jobs of a filter.
func (co *commander) selectJobs() error {
	found, next, err := (&lister{Store: co.Store, c: co.c}).page(&co.cmd.Filter)
	co.reply.Cursor, co.reply.More = next, next != ""
	for _, rec := range found {
		co.chosen = append(co.chosen, co.target(rec))
	}
	return err
}

func (co *commander) target(rec *record) *target {
	t := &target{queue: rec.job.Queue, key: rec.key}
	if co.what == "requeue" {
		t.parents = parentsOf(&rec.job.JobSpec, rec.key)
	}
	t.unique, t.living = rec.job.UniqueKey, !rec.job.State.Final()
	return t
}

// choose finds the jobs that are named, in all queues.
func (co *commander) choose() error {
	names, err := co.queues()
	if err != nil {
		return err
	}
	var keys []string
	seen := make(map[string]bool, len(co.cmd.IDs))
	for _, id := range co.cmd.IDs {
		if seen[id] {
			continue
		}
		seen[id] = true
		if key, ok := keyOf(id); ok {
			keys = append(keys, key)
		} else {
			co.reply.Missing++
		}
	}
	for len(keys) > 0 {
		n := min(len(keys), chunk)
		if err := co.lookUp(names, keys[:n]); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (co *commander) lookUp(names, keys []string) error {
	how := "state"
	if co.what == "requeue" || co.what == "move" {
		how = "full" // for what they depend on, and for their unique keys
	}
	calls := make([]invocation, len(names))
	for i, name := range names {
		calls[i] = co.invoke(co.c, getScript, name, append([]string{how}, keys...)...)
	}
	found := make([]*target, len(keys))
	if len(calls) > 0 {
		for i, result := range co.runAll(co.c.ctx, calls...) {
			reply, err := result.ToArray()
			if err != nil {
				return err
			}
			for n, m := range reply {
				if m.IsNil() || found[n] != nil {
					continue
				}
				if how == "state" {
					if state, err := m.ToString(); err == nil && state != "-" {
						found[n] = &target{queue: names[i], key: keys[n]}
					}
					continue
				}
				rec, err := decode(names[i], m)
				if err != nil {
					return err
				}
				found[n] = co.target(rec)
			}
		}
	}
	for _, t := range found {
		if t == nil {
			co.reply.Missing++
		} else {
			co.chosen = append(co.chosen, t)
		}
	}
	return nil
}

// act does the command to each job, by queue.
func (co *commander) act() error {
	var pieces [][]*target
	last := make(map[string]int)
	for _, t := range co.chosen {
		i, ok := last[t.queue]
		if !ok || len(pieces[i]) == chunk {
			i = len(pieces)
			pieces = append(pieces, nil)
			last[t.queue] = i
		}
		pieces[i] = append(pieces[i], t)
	}
	if len(pieces) == 0 {
		return nil
	}
	calls := make([]invocation, len(pieces))
	for i, piece := range pieces {
		args := []string{co.what}
		for _, t := range piece {
			args = append(args, t.key+strings.Join(t.parents, ""))
		}
		calls[i] = co.invoke(co.c, commandScript, piece[0].queue, args...)
	}
	for i, result := range co.runAll(co.c.ctx, calls...) {
		reply, err := result.ToArray()
		if err != nil {
			return err
		}
		answers, err := reply[0].ToString()
		if err != nil {
			return err
		}
		follows, err := reply[1].ToArray()
		if err != nil {
			return err
		}
		for n, t := range pieces[i] {
			t.answer, t.follow = answers[n], follows[n]
		}
	}
	for _, t := range co.chosen {
		switch {
		case t.answer == 'd':
			co.reply.Done++
		case t.answer == 'm' && len(co.cmd.IDs) > 0:
			co.reply.Missing++
		default:
			co.reply.Skipped++
		}
	}
	return nil
}

// followUp does what follows from the command, in the order of its jobs.
func (co *commander) followUp() {
	if co.what != "requeue" {
		for _, t := range co.chosen {
			if l, ok := leftOf(t.follow); ok {
				co.resume(t.queue, l.entry)
			}
		}
		return
	}
	var parents []*target
	for _, t := range co.chosen {
		parts, err := t.follow.AsIntSlice()
		if t.answer != 'd' || err != nil || len(parts) != 3 {
			continue
		}
		if parts[0] > 0 {
			co.attach(registration{queue: t.queue, key: t.key, gen: parts[0], order: parts[1], force: true}, t.parents, nil)
		}
		if parts[2] == 1 {
			parents = append(parents, t)
		}
	}
	for _, t := range parents {
		co.redefer(t.queue, t.key)
	}
}

// Pause implements [errand.Inspector].
func (s *Store) Pause(ctx context.Context, now time.Time, queue string) error {
	return s.pause(ctx, now, queue, "pause", "1")
}

// Resume implements [errand.Inspector].
func (s *Store) Resume(ctx context.Context, now time.Time, queue string) error {
	return s.pause(ctx, now, queue, "resume", "0")
}

func (s *Store) pause(ctx context.Context, now time.Time, queue, op, stop string) error {
	c, err := s.begin(ctx, now, "%s %q", op, queue)
	if err != nil {
		return err
	}
	defer c.done()
	if err = s.list(c, s.queuesKey(), queue); err == nil {
		err = s.runOn(c, pauseScript, queue, stop).Error()
	}
	return s.fail(c, err)
}
