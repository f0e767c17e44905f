package redis

import (
	"slices"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// Jobs that depend on each other may be in different queues, and no script touches two. So:
//
//   - A parent knows its children: their queues, ids and the generation of their registration, which makes what is told of
//     an older one void.
//   - What follows for children in other queues is put in the outbox of the parent's queue by the script that ended the
//     parent. The client delivers it right after, in the order in which it would have been done at once, and maintenance
//     where the client has died. Each delivery can be repeated.
//   - A child enters its own queue as unsure, then its parents are asked, each by a script that registers the child in the
//     same moment, and then it is decided: so no parent can end unseen.

// family carries out what spans queues.
type family struct {
	*Store
	c     *call
	names []string // the queues, once they were asked for
}

// registration is a child as its parents know it.
type registration struct {
	queue, key string
	gen, order int64
	force      bool // parents that have failed count as fulfilled
}

func (s *Store) orderKey() string { return "{" + s.prefix + "}:order" }

// parentsOf returns the keys of the jobs that a job depends on, each once, and not itself.
func parentsOf(spec *errand.JobSpec, self string) []string {
	var parents []string
	for _, id := range spec.DependsOn {
		if key, ok := keyOf(id); ok && key != self && !slices.Contains(parents, key) {
			parents = append(parents, key)
		}
	}
	return parents
}

// queues returns the names of all queues.
func (f *family) queues() (_ []string, err error) {
	if f.names == nil {
		f.names, err = f.Store.names(f.c, f.queuesKey())
	}
	return f.names, err
}

// find looks for jobs in all queues but one: what is known of them, and where they are.
func (f *family) find(keys []string, but string) (known, map[string]string, error) {
	names, err := f.queues()
	if err != nil || len(keys) == 0 {
		return nil, nil, err
	}
	var calls []invocation
	var at []string
	for _, name := range names {
		if name != but {
			calls = append(calls, f.invoke(f.c, getScript, name, append([]string{"state"}, keys...)...))
			at = append(at, name)
		}
	}
	states, where := make(known), make(map[string]string)
	for i, result := range f.runAll(f.c.ctx, calls...) {
		found, err := result.AsStrSlice()
		if err != nil {
			return nil, nil, err
		}
		for n, state := range found {
			if state != "-" && state != "F" {
				states[keys[n]], where[keys[n]] = state[0], at[i]
			}
		}
	}
	return states, where, nil
}

// attach asks the parents of an unsure child, has those that live know it, and then decides what becomes of it. where
// says in which queue each parent is; nil: all are asked. An error is left to maintenance, which does it again.
func (f *family) attach(r registration, parents []string, where map[string]string) {
	names, err := f.queues()
	if err != nil {
		return
	}
	states := make(known)
	var calls []invocation
	var asked [][]string
	for _, name := range names {
		ask := parents
		if where != nil {
			ask = nil
			for _, parent := range parents {
				if where[parent] == name {
					ask = append(ask, parent)
				}
			}
		}
		if len(ask) > 0 {
			args := append([]string{r.key, r.queue, itoa(r.order), itoa(r.gen)}, ask...)
			calls = append(calls, f.invoke(f.c, registerScript, name, args...))
			asked = append(asked, ask)
		}
	}
	if len(calls) > 0 {
		for i, result := range f.runAll(f.c.ctx, calls...) {
			answer, err := result.ToString()
			if err != nil || len(answer) != len(asked[i]) {
				return
			}
			for n := range answer {
				if answer[n] != '-' {
					states[asked[i][n]] = answer[n]
				}
			}
		}
	}
	failed, reason := "", ""
	var free []string
	for _, parent := range parents {
		state, ok := states[parent]
		switch {
		case ok && state == 'L':
		case ok && !r.force && failed == "":
			failed, reason = parent, string(state)
		default:
			free = append(free, parent)
		}
	}
	args := append([]string{r.key, itoa(r.gen), failed, reason}, free...)
	f.deliver(r.queue, f.runOn(f.c, decideScript, r.queue, args...), 0)
}

// left is a part of a reply that says what is to be delivered: see keep in life.lua.
type left struct {
	entry, step, gen, here              int64
	kind, queue, child, parent, because string
}

func leftOf(m rueidis.RedisMessage) (left, bool) {
	parts, err := m.ToArray()
	if err != nil || len(parts) != 9 {
		return left{}, false
	}
	var l left
	for i, into := range map[int]*int64{0: &l.entry, 1: &l.step, 6: &l.gen, 8: &l.here} {
		if *into, err = parts[i].AsInt64(); err != nil {
			return left{}, false
		}
	}
	for i, into := range map[int]*string{2: &l.kind, 3: &l.queue, 4: &l.child, 5: &l.parent, 7: &l.because} {
		if *into, err = parts[i].ToString(); err != nil {
			return left{}, false
		}
	}
	return l, true
}

// deliver carries out what a script has left to be done, which is at that place of its reply. An error ends it:
// maintenance goes on from the outbox.
func (f *family) deliver(queue string, result rueidis.RedisResult, place int) {
	for {
		reply, err := result.ToArray()
		if err != nil || len(reply) <= place {
			return
		}
		l, ok := leftOf(reply[place])
		if !ok {
			return
		}
		done := "0"
		if l.queue != queue {
			op := f.runOn(f.c, opScript, l.queue, l.kind, l.child, l.parent, itoa(l.gen), l.because, itoa(l.here))
			if op.Error() != nil {
				return
			}
			f.deliver(l.queue, op, 0)
			done = "1"
		}
		result, place = f.runOn(f.c, resumeScript, queue, itoa(l.entry), itoa(l.step), done), 0
	}
}

// resume goes on with an entry of an outbox that somebody has left.
func (f *family) resume(queue string, entry int64) {
	f.deliver(queue, f.runOn(f.c, resumeScript, queue, itoa(entry), "0", "0"), 0)
}

// record reads a job; nil where it is gone.
func (f *family) record(queue, key string) (*record, error) {
	reply, err := f.runOn(f.c, getScript, queue, "full", key).ToArray()
	if err != nil || len(reply) == 0 || reply[0].IsNil() {
		return nil, err
	}
	return decode(queue, reply[0])
}

// redefer has the children that failed because of a job wait for it again, and so on down. One with another parent that
// has failed fails again, because of that one.
func (f *family) redefer(queue, key string) {
	children, err := f.runOn(f.c, kidsScript, queue, key).ToArray()
	if err != nil {
		return
	}
	for _, m := range children {
		parts, err := m.ToArray()
		if err != nil || len(parts) != 3 {
			return
		}
		childQueue, _ := parts[0].ToString()
		child, _ := parts[1].ToString()
		gen, _ := parts[2].AsInt64()
		if err := f.redeferChild(childQueue, child, key, gen); err != nil {
			return
		}
	}
	base := f.jobsKey(queue)
	_ = f.client.Do(f.c.ctx, f.client.B().Hdel().Key(base+":redefer").Field(key).Build()).Error()
}

func (f *family) redeferChild(queue, child, parent string, gen int64) error {
	rec, err := f.record(queue, child)
	if err != nil || rec == nil || rec.job.State != errand.StateFailed {
		return err
	}
	parents := parentsOf(&rec.job.JobSpec, child)
	states, where, err := f.find(parents, "")
	if err != nil {
		return err
	}
	failed, reason := "", ""
	var living []string
	for _, p := range parents {
		switch state, ok := states[p]; {
		case !ok:
		case state == 'L':
			living = append(living, p)
		case failed == "":
			failed, reason = p, string(state)
		}
	}
	args := append([]string{child, parent, itoa(gen), itoa(max(micros(rec.job.RunAt), 0)), failed, reason}, living...)
	result := f.runOn(f.c, redeferScript, queue, args...)
	reply, err := result.ToArray()
	if err != nil || len(reply) < 3 {
		return err
	}
	r := registration{queue: queue, key: child}
	if r.gen, err = reply[0].AsInt64(); err != nil {
		return err
	}
	if r.order, err = reply[1].AsInt64(); err != nil {
		return err
	}
	if failed != "" {
		f.deliver(queue, result, 3)
		return f.runOn(f.c, registerScript, where[failed], child, queue, itoa(r.order), itoa(r.gen), failed).Error()
	}
	f.attach(r, living, where)
	if more, _ := reply[2].AsInt64(); more == 1 {
		f.redefer(queue, child)
	}
	return nil
}
