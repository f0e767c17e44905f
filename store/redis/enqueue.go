package redis

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// parcel is what goes to one queue with one script.
type parcel struct {
	queue  string
	part   int   // of the request's parcels for this queue: a repeated request makes the same ones
	groups []int // the places of its groups in the request
	sizes  []byte
	specs  []*errand.JobSpec
	keys   [][16]byte
	plain  bool // all are

	parents [][]string // of each; nil: there are none
	states  known      // of parents in other queues
	order   int64      // of the first among children
	after   int64      // of plain jobs: which one arrived before them, as was guessed
	written *written   // theirs
}

// written is room for the arguments of add.lua, which is used again once the server has answered.
type written struct {
	args                  []string // of what follows
	text, members, places []byte
}

var room = sync.Pool{New: func() any { return new(written) }}

// mostRoom is how many bytes of records may wait for the next request.
const mostRoom = 1 << 20

// enqueuer carries out one request.
type enqueuer struct {
	*Store
	c       *call
	req     *errand.EnqueueRequest
	jobs    int // in the whole request
	keys    [][16]byte
	errs    []error
	parts   map[string]int
	waiting []*parcel          // to be sent together
	last    map[string]*parcel // of those, the last of each queue
}

// Pipeline implements [errand.Pipeliner]: Redis works on one request while the client takes apart the answer to another.
// With three, the requests get too small for what each costs.
func (s *Store) Pipeline() int { return 2 }

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
	keys := e.keys[:0]
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
		keys = append(keys, key)
		parents += len(group[n].DependsOn)
	}
	e.keys = keys
	if parents > 0 {
		return e.addChildren(i, group, keys)
	}
	p := e.last[queue]
	if p == nil || len(p.specs)+len(group) > chunk {
		p = e.parcel(queue)
		e.waiting = append(e.waiting, p)
		e.last[queue] = p
	}
	p.add(i, group, keys)
	return nil
}

// parcel begins the next parcel for a queue.
func (e *enqueuer) parcel(queue string) *parcel {
	few := min(e.jobs, chunk)
	p := &parcel{
		queue: queue, part: e.parts[queue], plain: true, groups: make([]int, 0, min(few, len(e.req.Groups))),
		specs: make([]*errand.JobSpec, 0, few), keys: make([][16]byte, 0, few),
	}
	e.parts[queue]++
	return p
}

// add takes up one group.
func (p *parcel) add(i int, group []errand.JobSpec, keys [][16]byte) {
	p.groups = append(p.groups, i)
	p.sizes = appendInt(p.sizes, int64(len(group)), 2)
	p.keys = append(p.keys, keys...)
	for n := range group {
		p.specs = append(p.specs, &group[n])
		p.plain = p.plain && isPlain(&group[n])
	}
}

// arguments are those of the parcel's script.
func (s *Store) arguments(p *parcel, req *errand.EnqueueRequest) ([]string, error) {
	producer := req.Producer
	if producer != "" {
		producer += "#" + itoa(p.part)
	}
	if p.plain {
		return s.addArguments(p, producer, req)
	}
	args := append(make([]string, 0, 5+len(p.specs)), producer, itoa(req.Number), itoa(p.order), string(p.sizes), itoa(s.span))
	var text []byte
	for n, spec := range p.specs {
		var own []string
		if p.parents != nil {
			own = p.parents[n]
		}
		var one string
		var err error
		if text, one, err = encodeNew(text, p.keys[n], spec, own, p.states, req.Now); err != nil {
			return nil, fmt.Errorf("%w: job %s: %w", errand.ErrInvalid, spec.ID, err)
		}
		args = append(args, one)
	}
	return args, nil
}

func (s *Store) addArguments(p *parcel, producer string, req *errand.EnqueueRequest) (args []string, err error) {
	size := 0
	for _, spec := range p.specs {
		size += plainLen + len(spec.Task) + len(spec.Payload)
	}
	w := room.Get().(*written)
	p.written = w
	text := slices.Grow(w.text[:0], size)
	members := slices.Grow(w.members[:0], (arrivalLen+16)*len(p.specs))
	places := slices.Grow(w.places[:0], len(p.specs))[:len(p.specs)]
	distinct := "0"
	if p.distinct() {
		distinct = "1"
	}
	least, greatest := p.ranks()
	args = append(slices.Grow(w.args[:0], 10+3*len(p.specs)),
		producer, itoa(req.Number), "", p.runs(), itoa(s.many), itoa(p.after), distinct, itoa(least), itoa(greatest), itoa(s.span))
	same := true
	for n, spec := range p.specs {
		start := len(text)
		if text, places[n], err = encodePlain(text, spec, p.after+1+int64(n), req.Now); err != nil {
			return nil, fmt.Errorf("%w: job %s: %w", errand.ErrInvalid, spec.ID, err)
		}
		same = same && places[n] == places[0]
		args = append(args, rueidis.BinaryString(p.keys[n][:]), rueidis.BinaryString(text[start:]))
	}
	for n := range p.keys {
		start := len(members)
		members = append(appendArrival(members, p.after+1+int64(n)), p.keys[n][:]...)
		args = append(args, rueidis.BinaryString(members[start:]))
	}
	if same {
		places = places[:1]
	}
	args[2] = rueidis.BinaryString(places)
	w.args, w.text, w.members, w.places = args, text, members, places
	return args, nil
}

// distinct reports whether no two jobs have the same id.
func (p *parcel) distinct() bool {
	sorted := slices.Clone(p.keys)
	slices.SortFunc(sorted, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return len(slices.Compact(sorted)) == len(p.keys)
}

// ranks are the least and the greatest of the ids' ranks.
func (p *parcel) ranks() (least, greatest int64) {
	least = math.MaxInt64
	for n := range p.keys {
		rank := rankOf(p.keys[n])
		least, greatest = min(least, rank), max(greatest, rank)
	}
	return least, greatest
}

// rankOf is a number that rises with the time at which an id was made: the millisecond and, in the last 12 bits, the count
// within it. Ids of different ranks are different.
func rankOf(key [16]byte) int64 {
	ms, count := binary.BigEndian.Uint64(key[:])>>16, binary.BigEndian.Uint16(key[6:])&0xfff
	return int64(ms<<12 | uint64(count)) //nolint:gosec // it has 60 bits
}

// runs are the numbers of jobs in a row whose records may be in the same slice, as add.lua takes them.
func (p *parcel) runs() string {
	var runs []byte
	from := 0
	for n := range p.keys {
		if n+1 == len(p.keys) || [sliceLen]byte(p.keys[n+1][:sliceLen]) != [sliceLen]byte(p.keys[n][:sliceLen]) {
			runs = appendInt(runs, int64(n+1-from), 2)
			from = n + 1
		}
	}
	return rueidis.BinaryString(runs)
}

// send sends the parcels that wait.
func (e *enqueuer) send() error {
	parcels := e.waiting
	e.waiting = nil
	clear(e.last)
	_, err := e.sendAll(parcels)
	return err
}

// sendAll sends parcels and returns what the script says of children, for the last one.
func (e *enqueuer) sendAll(parcels []*parcel) ([]rueidis.RedisMessage, error) {
	if len(parcels) == 0 {
		return nil, nil
	}
	calls := make([]invocation, len(parcels))
	for i, p := range parcels {
		if err := e.list(e.c, e.queuesKey(), p.queue); err != nil {
			return nil, err
		}
		sc := enqueueScript
		if p.plain {
			sc = addScript
			p.after = e.arrived.next(p.queue, len(p.specs))
		}
		args, err := e.arguments(p, e.req)
		if err != nil {
			return nil, err
		}
		calls[i] = e.invoke(e.c, sc, p.queue, args...)
	}
	var children []rueidis.RedisMessage
	for i, result := range e.runAll(e.c.ctx, calls...) {
		p := parcels[i]
		var first bool
		var err error
		if p.plain {
			first, err = e.readAdded(p, result)
		} else {
			first, children, err = e.read(p, result)
		}
		if err != nil {
			return nil, err
		}
		if first {
			if err := e.listAgain(e.c, e.queuesKey(), p.queue); err != nil {
				return nil, err
			}
		}
	}
	return children, nil
}

// readAdded reads the reply of add.lua: whether these are the queue's first jobs.
func (e *enqueuer) readAdded(p *parcel, result rueidis.RedisResult) (first bool, err error) {
	last, err := result.AsInt64()
	if err != nil {
		return false, err
	}
	if w := p.written; cap(w.text) <= mostRoom {
		clear(w.args)
		room.Put(w)
	}
	if last != 0 {
		e.arrived.learn(p.queue, p.after+int64(len(p.specs)), max(last, -last))
	}
	return last < 0, nil
}

// read reads the reply of enqueue.lua: whether these are the queue's first jobs, and what it says of children.
func (e *enqueuer) read(p *parcel, result rueidis.RedisResult) (first bool, children []rueidis.RedisMessage, err error) {
	reply, err := result.ToArray()
	if err != nil {
		return false, nil, err
	}
	refusals, err := reply[0].AsStrSlice()
	if err != nil {
		return false, nil, err
	}
	for n, refusal := range refusals {
		if refusal != "" && n < len(p.groups) {
			e.errs[p.groups[n]] = duplicate(p.queue, refusal)
		}
	}
	made, _ := reply[1].AsInt64()
	children, err = reply[2].ToArray()
	return made == 1, children, err
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
	p := e.parcel(queue)
	p.parents, p.states, p.order = parents, states, order-int64(len(group))+1
	p.add(i, group, keys)
	children, err := e.sendAll([]*parcel{p})
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
