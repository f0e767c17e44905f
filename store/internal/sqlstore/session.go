package sqlstore

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/errandhq/errand"
)

// Session does operations inside one transaction, and then, where one writes at a time, inside the next. It is used by one
// goroutine. After an error nothing that it did may be committed.
type Session struct {
	tx      Tx
	dialect *Dialect
	now     time.Time // of the operation under way

	queues   map[string]*queue
	messages map[string]*messageQueue
	saved    []*queue // by Flush
	topics   []errand.Topic
	fresh    inserter
	fold     bool
	known    bool // the producer of the enqueue under way has enqueued before
	careful  bool
	turn     bool // it has a turn, or has waited for one
	resting  bool
	places   *Places // where claimed jobs are; nil: that is not remembered
	decoded  optionsMemo
	alike    alike
	numbers  map[request]int64
	claimed  claimed
}

// request is who numbers requests, and what they are about: the name of a message queue, jobProducers, seriesWriters, or
// claims.
type request struct{ about, who string }

// claims stands for what a worker's claims are about: no queue has such a name.
const claims = "\x00claims"

// NewSession starts a session in a transaction. One that only reads needs no [Session.Flush].
func NewSession(tx Tx, dialect *Dialect) *Session {
	s := &Session{
		tx: tx, dialect: dialect, queues: make(map[string]*queue), messages: make(map[string]*messageQueue),
	}
	s.fresh.s = s
	return s
}

// keptMost bounds how many queues, and how many who number their requests, are remembered between transactions.
const keptMost = 500

// Keep makes the session ready for the next transaction of the same connection, where the last one was committed and nobody
// else has written since.
func (s *Session) Keep() {
	s.topics, s.saved = s.topics[:0], s.saved[:0]
	s.fresh.reset()
	s.fresh.record = record{}
	if len(s.queues) > keptMost || len(s.messages) > keptMost || len(s.numbers) > keptMost {
		s.Reset()
	}
}

// Reset is Keep where somebody else may have written.
func (s *Session) Reset() {
	clear(s.queues)
	clear(s.messages)
	clear(s.numbers)
	s.Keep()
}

// Undo is Reset after a transaction that was rolled back.
func (s *Session) Undo() {
	s.claimed.forget()
	s.Reset()
}

// remembered returns the last number of a request, if it is known without looking.
func (s *Session) remembered(about, who string) (number int64, known bool) {
	number, known = s.numbers[request{about, who}]
	return number, known
}

// remember keeps the number of a request that is being carried out.
func (s *Session) remember(about, who string, number int64) {
	if s.dialect.Shared {
		return
	}
	if s.numbers == nil {
		s.numbers = make(map[request]int64)
	}
	s.numbers[request{about, who}] = number
}

// Careful has the session look first where it otherwise supposes that requests and jobs are new, and fails where they are
// not. Ask for it when a transaction is done again.
func (s *Session) Careful() { s.careful = true }

// hopeful reports whether a producer's request is entered without a look whether it was carried out before.
func (s *Session) hopeful(number int64) bool {
	return !s.careful && number > 0 && s.dialect.EnterRequest != ""
}

// Resting reports whether [Session.Maintain] found nothing that it might soon have to do if nobody changes anything.
func (s *Session) Resting() bool { return s.resting }

// Flush writes what the operations have gathered. Call it once, before the commit.
func (s *Session) Flush() error {
	if err := s.fresh.flush(); err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	for _, q := range s.queues {
		if q.changed {
			if err := s.saveQueue(q); err != nil {
				return fmt.Errorf("queue %q: %w", q.name, err)
			}
			s.saved = append(s.saved, q)
		}
	}
	for _, q := range s.messages {
		if q.changed {
			if err := s.saveMessageQueue(q); err != nil {
				return fmt.Errorf("message queue %q: %w", q.name, err)
			}
		}
	}
	return nil
}

// Queued tells, of each queue that the transaction has changed, whether jobs of it are queued. Ask after Flush and before
// the next transaction.
func (s *Session) Queued(tell func(queue string, queued bool)) {
	for _, q := range s.saved {
		tell(q.name, q.has(errand.StateQueued))
	}
}

// Topics returns whom the operations concern, for after the commit. They are valid until Reset.
func (s *Session) Topics() []errand.Topic { return s.topics }

// tell notes whom something concerns. Mostly the same topic comes again soon, or never.
func (s *Session) tell(topic errand.Topic) {
	if !slices.Contains(s.topics[max(0, len(s.topics)-4):], topic) {
		s.topics = append(s.topics, topic)
	}
}

// begin makes an operation's time the session's, and puts in what earlier ones have left to be put in.
func (s *Session) begin(now time.Time) error {
	s.now = micro(now)
	return s.fresh.flush()
}

// queue returns a queue, made if need be when the transaction ends and something has changed it.
func (s *Session) queue(name string) (*queue, error) {
	if q, ok := s.queues[name]; ok {
		return q, nil
	}
	q := &queue{name: name}
	if s.dialect.Shared {
		q.partial = true
		s.queues[name] = q
		return q, nil
	}
	_, err := one(s.tx, queueByName, func(row Row) error {
		q.read(row)
		return nil
	}, name)
	if err != nil {
		return nil, fmt.Errorf("queue %q: %w", name, err)
	}
	s.queues[name] = q
	return q, nil
}

// allQueues returns every queue, sorted by name.
func (s *Session) allQueues() ([]*queue, error) {
	var queues []*queue
	err := s.tx.Query(allQueues, func(row Row) error {
		q := &queue{}
		q.read(row)
		if s.dialect.Shared {
			queues = addShare(queues, q)
		} else {
			queues = append(queues, q)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	for _, q := range queues {
		if _, ok := s.queues[q.name]; !ok {
			s.queues[q.name] = q
		} else if s.dialect.Shared {
			s.queues[q.name].rest, s.queues[q.name].partial = q.rest, false
		}
	}
	return slices.SortedFunc(maps.Values(s.queues), func(a, b *queue) int { return cmp.Compare(a.name, b.name) }), nil
}

// load finds a job by its id; nil where there is none. Its payload is not read.
func (s *Session) load(key []byte) (*record, error) {
	var found *record
	_, err := one(s.tx, jobByID, func(row Row) error {
		found = &record{}
		found.read(row)
		return nil
	}, key)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", idOf(key), err)
	}
	return found, nil
}

// move writes a job whose state was from, and counts it where it is now.
func (s *Session) move(r *record, from errand.State) error {
	q, err := s.queue(r.job.Queue)
	if err != nil {
		return err
	}
	q.add(from, -1)
	q.add(r.job.State, 1)
	if err := s.save(r); err != nil {
		return fmt.Errorf("job %s of queue %q: %w", r.job.ID, q.name, err)
	}
	return nil
}
