package redis

import (
	"context"
	"slices"
	"strings"

	"github.com/errandhq/errand"
)

// Move implements [errand.Inspector]. The jobs leave their queue in one step and enter the other in another, which
// maintenance does where the client dies in between.
func (s *Store) Move(ctx context.Context, cmd errand.Command, queue string) (errand.CommandReply, error) {
	c, err := s.begin(ctx, cmd.Now, "move to %q", queue)
	if err != nil {
		return errand.CommandReply{}, err
	}
	defer c.done()
	m := &mover{commander: &commander{family: &family{Store: s, c: c}, what: "move", cmd: &cmd}, to: queue}
	if len(cmd.IDs) > 0 {
		err = m.choose()
	} else {
		err = m.selectJobs()
	}
	if err == nil {
		err = m.move()
	}
	if err != nil {
		return errand.CommandReply{}, s.fail(c, err)
	}
	return m.reply, nil
}

// mover moves the jobs of one command.
type mover struct {
	*commander
	to string
}

// movable are the states of jobs that can be moved, as pack.lua takes them.
var movable = strings.Join([]string{
	itoa(int64(errand.StateScheduled)), itoa(int64(errand.StateQueued)), itoa(int64(errand.StateFailed)), itoa(int64(errand.StateCanceled)),
}, "")

func (m *mover) move() error {
	pieces := make(map[string][]string)
	taken, err := m.takenKeys()
	if err != nil {
		return err
	}
	for _, t := range m.chosen {
		if t.queue == m.to || t.living && taken[t.unique] {
			m.reply.Skipped++
			continue
		}
		if t.living && t.unique != "" {
			taken[t.unique] = true // by the first of those that have it, of several queues
		}
		pieces[t.queue] = append(pieces[t.queue], t.key)
	}
	for from, keys := range pieces {
		for piece := range slices.Chunk(keys, chunk) {
			args := append([]string{m.to, errand.NewID(), "", movable}, piece...)
			out, err := readParcel(from, m.runOn(m.c, packScript, from, args...))
			if err != nil || out == nil {
				return err
			}
			m.reply.Done += len(out.jobs)
			m.reply.Skipped += out.passed
			if len(out.jobs) == 0 {
				continue
			}
			if err := m.transfer(from, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// takenKeys says which of the jobs' unique keys living jobs of the other queue have.
func (m *mover) takenKeys() (map[string]bool, error) {
	taken := make(map[string]bool)
	var keys []string
	for _, t := range m.chosen {
		if t.unique != "" && t.living {
			keys = append(keys, t.unique)
		}
	}
	for piece := range slices.Chunk(keys, chunk) {
		answer, err := m.runOn(m.c, holdersScript, m.to, piece...).ToString()
		if err != nil || len(answer) != len(piece) {
			return nil, err
		}
		for i, key := range piece {
			taken[key] = taken[key] || answer[i] == '1'
		}
	}
	return taken, nil
}

// transfer brings a parcel to the other queue of this store, and forgets it.
func (f *family) transfer(from string, out *outParcel) error {
	if _, err := f.unpack(out.to, out.token, 1, f.c.now, out.jobs); err != nil {
		return err
	}
	return f.runOn(f.c, parcelScript, from, itoa(out.number), "1", "", "").Error()
}

// transferAgain goes on with a parcel that somebody has left.
func (f *family) transferAgain(from, number string) error {
	out, err := readParcel(from, f.runOn(f.c, parcelScript, from, number, "0"))
	if err != nil || out == nil {
		return err
	}
	return f.transfer(from, out)
}
