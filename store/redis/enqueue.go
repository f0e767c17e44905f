package redis

import (
	"context"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// parcel is what goes to one queue with one script.
type parcel struct {
	queue  string
	part   int   // of the request's parcels for this queue: a repeated request makes the same ones
	groups []int // the places of its groups in the request
	sizes  []byte
	jobs   []string // as encodeNew has them
	text   []byte   // what they are made of
}

// enqueuer carries out one request.
type enqueuer struct {
	*Store
	c       *call
	req     *errand.EnqueueRequest
	jobs    int // in the whole request
	errs    []error
	parts   map[string]int
	waiting []*parcel          // to be sent together
	last    map[string]*parcel // of those, the last of each queue
}

// Enqueue implements [errand.Engine]. An id is looked for in the job's own queue only.
func (s *Store) Enqueue(ctx context.Context, req errand.EnqueueRequest) ([]error, error) {
	c, err := s.begin(ctx, req.Now, "enqueue")
	if err != nil {
		return nil, err
	}
	defer c.done()
	e := &enqueuer{
		Store: s, c: c, req: &req, errs: make([]error, len(req.Groups)),
		parts: make(map[string]int), last: make(map[string]*parcel),
	}
	for _, group := range req.Groups {
		e.jobs += len(group)
	}
	for i, group := range req.Groups {
		if err := e.add(i, group); err != nil {
			return nil, s.fail(c, err)
		}
	}
	if err := e.send(); err != nil {
		return nil, s.fail(c, err)
	}
	return e.errs, nil
}

// add takes up one group. Groups with dependencies go alone, when what comes before them is in.
func (e *enqueuer) add(i int, group []errand.JobSpec) error {
	if len(group) == 0 {
		return nil
	}
	queue := group[0].Queue
	keys := make([][16]byte, len(group))
	parents := 0
	for n := range group {
		key, ok := rawKeyOf(group[n].ID)
		switch {
		case group[n].Queue != queue:
			e.errs[i] = fmt.Errorf("enqueue to %q: %w: a job of queue %q in the same group", queue, errand.ErrInvalid, group[n].Queue)
			return nil
		case !ok:
			e.errs[i] = fmt.Errorf("enqueue to %q: %w: job id %.100q", queue, errand.ErrInvalid, group[n].ID)
			return nil
		}
		keys[n] = key
		parents += len(group[n].DependsOn)
	}
	if parents > 0 {
		return e.addChildren(i, group, keys)
	}
	p := e.last[queue]
	if p == nil || len(p.jobs)+len(group) > chunk {
		p = e.parcel(queue)
	}
	return e.pack(p, i, group, keys, nil, nil)
}

// parcel begins the next parcel for a queue.
func (e *enqueuer) parcel(queue string) *parcel {
	p := &parcel{queue: queue, part: e.parts[queue]}
	e.parts[queue]++
	e.waiting = append(e.waiting, p)
	e.last[queue] = p
	return p
}

func (e *enqueuer) pack(p *parcel, i int, group []errand.JobSpec, keys [][16]byte, parents [][]string, states known) error {
	p.groups = append(p.groups, i)
	p.sizes = appendInt(p.sizes, int64(len(group)), 2)
	if p.text == nil {
		few := min(e.jobs, chunk)
		p.text = make([]byte, 0, few*(64+len(group[0].Task)+len(group[0].Payload)))
		p.jobs = make([]string, 0, few)
	}
	for n := range group {
		var own []string
		if parents != nil {
			own = parents[n]
		}
		var text string
		var err error
		if p.text, text, err = encodeNew(p.text, keys[n], &group[n], own, states, e.req.Now); err != nil {
			return fmt.Errorf("%w: job %s: %w", errand.ErrInvalid, group[n].ID, err)
		}
		p.jobs = append(p.jobs, text)
	}
	return nil
}

// send sends the parcels that wait.
func (e *enqueuer) send() error {
	parcels := e.waiting
	e.waiting = nil
	clear(e.last)
	_, err := e.sendAll(parcels, 0)
	return err
}

// sendAll sends parcels and returns what the script says of children, for the last one.
func (e *enqueuer) sendAll(parcels []*parcel, order int64) ([]rueidis.RedisMessage, error) {
	if len(parcels) == 0 {
		return nil, nil
	}
	calls := make([]invocation, len(parcels))
	for i, p := range parcels {
		if err := e.list(e.c, e.queuesKey(), p.queue); err != nil {
			return nil, err
		}
		producer := e.req.Producer
		if producer != "" {
			producer += "#" + itoa(p.part)
		}
		args := append([]string{producer, itoa(e.req.Number), itoa(order), string(p.sizes)}, p.jobs...)
		calls[i] = e.invoke(e.c, enqueueScript, p.queue, args...)
	}
	var children []rueidis.RedisMessage
	for i, result := range e.runAll(e.c.ctx, calls...) {
		reply, err := result.ToArray()
		if err != nil {
			return nil, err
		}
		refusals, err := reply[0].AsStrSlice()
		if err != nil {
			return nil, err
		}
		for n, refusal := range refusals {
			if refusal != "" && n < len(parcels[i].groups) {
				e.errs[parcels[i].groups[n]] = duplicate(parcels[i].queue, refusal)
			}
		}
		if made, _ := reply[1].AsInt64(); made == 1 {
			if err := e.listAgain(e.c, e.queuesKey(), parcels[i].queue); err != nil {
				return nil, err
			}
		}
		if children, err = reply[2].ToArray(); err != nil {
			return nil, err
		}
	}
	return children, nil
}

// duplicate reads the entry of who has a unique key.
func duplicate(queue, entry string) error {
	in := &reader{rest: entry}
	dup := &errand.DuplicateError{ID: idOf(in.bytes(16)), Queue: queue}
	in.int(7) // until when
	dup.Task = in.rest
	return fmt.Errorf("enqueue to %q: %w", queue, dup)
}

// addChildren adds a group with jobs that depend on others. What is not in their own queue is looked for in the others
// first; those that live there are asked again when the child is in, so that none ends unseen in between.
func (e *enqueuer) addChildren(i int, group []errand.JobSpec, keys [][16]byte) error {
	if err := e.send(); err != nil {
		return err
	}
	queue := group[0].Queue
	parents := make([][]string, len(group))
	var all []string
	for n := range group {
		parents[n] = parentsOf(&group[n], string(keys[n][:]))
		all = append(all, parents[n]...)
	}
	f := &family{Store: e.Store, c: e.c}
	states, where, err := f.find(all, queue)
	if err != nil {
		return err
	}
	order, err := e.client.Do(e.c.ctx, e.client.B().Incrby().Key(e.orderKey()).Increment(int64(len(group))).Build()).AsInt64()
	if err != nil {
		return err
	}
	p := &parcel{queue: queue, part: e.parts[queue]}
	e.parts[queue]++
	if err := e.pack(p, i, group, keys, parents, states); err != nil {
		return err
	}
	children, err := e.sendAll([]*parcel{p}, order-int64(len(group))+1)
	if err != nil {
		return err
	}
	for _, m := range children {
		child, err := m.AsIntSlice()
		if err != nil || len(child) != 3 {
			return fmt.Errorf("%w: reply of %v: %w", errand.ErrCorrupt, child, err)
		}
		n := int(child[0])
		r := registration{queue: queue, key: string(keys[n][:]), gen: child[1], order: child[2]}
		var foreign []string
		for _, parent := range parents[n] {
			if where[parent] != "" {
				foreign = append(foreign, parent)
			}
		}
		f.attach(r, foreign, where)
	}
	return nil
}
