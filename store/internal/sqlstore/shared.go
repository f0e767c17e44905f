package sqlstore

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

// This file is what is done in another way where several transactions write at once (Dialect.Shared).

const (
	foldAtOnce = 1000 // contributions to a queue's counters that are added up at once
	foldFrom   = 16   // contributions that Maintain lets be
)

// Fold has the next Flush add up what other transactions have contributed to the counters that it writes itself. Ask for
// it once in a while, or reading them takes ever longer.
func (s *Session) Fold() { s.fold = true }

// queueToClaim is queue for those who must know whether it is paused.
func (s *Session) queueToClaim(name string) (*queue, error) {
	q, err := s.queue(name)
	if err != nil || !s.dialect.Shared {
		return q, err
	}
	_, err = one(s.tx, queuePaused, func(row Row) error {
		q.paused = row.Int(0) != 0
		return nil
	}, name)
	if err != nil {
		return nil, fmt.Errorf("queue %q: %w", name, err)
	}
	return q, nil
}

// idleShared is Idle by one statement a queue.
func (s *Session) idleShared(req *errand.ClaimRequest) (reply errand.ClaimReply, idle bool, err error) {
	for _, name := range req.Queues {
		var waiting bool
		var last int64
		_, err := one(s.tx, lookToClaim, func(row Row) error {
			waiting = row.Int(0) == 0 && row.Int(1) != 0
			noteDue(&reply, timeOf(row.Int(2)))
			last = row.Int(3)
			return nil
		}, name, name, name, req.Claimant())
		switch {
		case err != nil:
			return reply, false, fmt.Errorf("claim from %q: %w", name, err)
		case waiting, !reply.NextDue.IsZero() && !reply.NextDue.After(s.now), req.Number > 0 && req.Number <= last:
			return errand.ClaimReply{}, false, nil
		}
	}
	return reply, true, nil
}

// merge adds what another contribution counts.
func (q *queue) merge(o *queue) {
	q.paused = q.paused || o.paused
	for i := range q.count {
		q.count[i] += o.count[i]
	}
	q.enqueued.merge(&o.enqueued)
	q.finished.merge(&o.finished)
	q.failed.merge(&o.failed)
}

func (m *meter) merge(o *meter) {
	older, newer := o, m
	if m.minute < o.minute {
		older, newer = m, o
	}
	sum := meter{total: m.total + o.total, minute: newer.minute, current: newer.current, before: newer.before}
	switch older.minute {
	case newer.minute:
		sum.current += older.current
		sum.before += older.before
	case newer.minute - 1:
		sum.before += older.current
	}
	*m = sum
}

// addShare adds a contribution to the last queue, or to a new one.
func addShare(queues []*queue, share *queue) []*queue {
	share.stored = false
	if n := len(queues); n > 0 && queues[n-1].name == share.name {
		q := queues[n-1]
		q.paused = q.paused || share.paused
		q.rest.merge(share)
		q.rest.shares++
		return queues
	}
	share.shares = 1
	return append(queues, &queue{name: share.name, paused: share.paused, rest: share})
}

// saveQueue writes what a transaction has counted.
func (s *Session) saveQueue(q *queue) error {
	if !s.dialect.Shared {
		return q.save(s.tx)
	}
	if s.fold {
		if err := s.foldQueue(q); err != nil {
			return err
		}
	}
	args := make([]any, 0, 22)
	args = append(args, newShare(), q.name, int64(0))
	for _, state := range queueStates {
		args = append(args, q.count[state])
	}
	q.changed = false
	return s.later(insertShare, q.failed.args(q.finished.args(q.enqueued.args(args)))...)
}

// newShare is the number of a contribution. Being random it needs no place where all writers meet.
func newShare() int64 { return rand.Int64() | 1 } // no secret; 0 is the queue's own row

// foldQueue takes contributions that no other transaction is taking out of the table, and into q.
func (s *Session) foldQueue(q *queue) error {
	var ids []int64
	sum := &queue{}
	err := s.tx.Query(queueShares, func(row Row) error {
		var share queue
		share.read(row)
		sum.merge(&share)
		ids = append(ids, row.Int(21))
		return nil
	}, q.name, int64(foldAtOnce))
	if err != nil || len(ids) == 0 {
		return err
	}
	if err := s.later(deleteShares, q.name, ids); err != nil {
		return err
	}
	paused := q.paused
	q.merge(sum)
	q.paused, q.changed = paused, true
	if q.rest != nil { // it was counted there
		q.partial, q.rest = true, nil
	}
	return nil
}

// foldAll adds up the contributions to those counters that have many, also where nothing is enqueued any more.
func (s *Session) foldAll(queues []*queue) error {
	for _, q := range queues {
		if q.rest == nil || q.rest.shares < foldFrom {
			continue
		}
		if err := s.foldQueue(q); err != nil {
			return err
		}
	}
	return nil
}

// touch has those who look at the counters for changes see one.
func (s *Session) touch(name string) error {
	q, err := s.queue(name)
	if err == nil && s.dialect.Shared {
		q.changed = true
	}
	return err
}

// lockAll locks the jobs with these ids, in an order that all transactions keep.
func (s *Session) lockAll(ids []string) error {
	if !s.dialect.Shared || len(ids) < 2 {
		return nil
	}
	var keys [][]byte
	for _, id := range ids {
		if key, ok := keyOf(id); ok {
			keys = append(keys, key)
		}
	}
	return s.lockKeys(keys)
}

// lockKeys is lockAll for ids as they are stored.
func (s *Session) lockKeys(keys [][]byte) error {
	if !s.dialect.Shared || len(keys) < 2 {
		return nil
	}
	return s.tx.Query(lockJobs, func(Row) error { return nil }, keys)
}

// heldJobs locks those of the jobs that are started, and shows them.
func (s *Session) heldJobs(keys [][]byte, each func(r *record)) error {
	return s.tx.Query(HeldByIDs, func(row Row) error {
		r := &record{seq: row.Int(0), key: row.Blob(1), flags: row.Int(4)}
		r.job.Token, r.job.Queue = row.Int(2), row.Text(3)
		each(r)
		return nil
	}, keys)
}

// succeedMany ends, by few statements, the attempts that succeeded of jobs that nothing else refers to. It returns the
// places of their outcomes.
func (s *Session) succeedMany(worker string, outcomes []errand.Outcome) (map[int]bool, error) {
	places := make(map[string]int, len(outcomes))
	for i := range outcomes {
		if key, ok := keyOf(outcomes[i].ID); ok {
			if _, twice := places[string(key)]; twice {
				return nil, nil // the order of the outcomes matters
			}
			places[string(key)] = i
		}
	}
	var keys [][]byte
	var tokens []int64
	var queues []string
	for i := range outcomes {
		o := &outcomes[i]
		key, ok := keyOf(o.ID)
		if !ok || o.Event != errand.EventSucceeded || o.Keep > 0 {
			continue
		}
		keys, tokens, queues = append(keys, key), append(tokens, o.Token), append(queues, o.Queue)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	deleted, err := s.succeedAll(worker, keys, tokens, queues)
	if err != nil {
		return nil, err
	}
	gone := make(map[int]bool, len(deleted))
	for _, key := range deleted {
		i := places[string(key)]
		gone[i] = true
		if err := s.countSucceeded(&outcomes[i]); err != nil {
			return nil, err
		}
	}
	return gone, nil
}

// succeedAll deletes the jobs that are held as the outcomes say, and returns their keys.
func (s *Session) succeedAll(worker string, keys [][]byte, tokens []int64, queues []string) (deleted [][]byte, err error) {
	if s.places != nil && !s.careful && worker != "" {
		var left []int
		if deleted, left, err = s.succeedPlaced(worker, keys, tokens, queues); err != nil || len(left) == 0 {
			return deleted, err
		}
		for to, from := range left {
			keys[to], tokens[to], queues[to] = keys[from], tokens[from], queues[from]
		}
		keys, tokens, queues = keys[:len(left)], tokens[:len(left)], queues[:len(left)]
	}
	succeed := s.dialect.Succeed
	if succeed == nil {
		succeed = s.succeedHeld
	}
	more, err := succeed(s.tx, keys, tokens, queues)
	return append(deleted, more...), err
}

// succeedHeld is Dialect.Succeed where that is nil.
func (s *Session) succeedHeld(tx Tx, keys [][]byte, tokens []int64, queues []string) ([][]byte, error) {
	places := make(map[string]int, len(keys))
	for i, key := range keys {
		places[string(key)] = i
	}
	var deleted [][]byte
	gone := s.rows()
	err := s.heldJobs(keys, func(r *record) {
		if i := places[string(r.key)]; r.flags == 0 && tokens[i] == r.job.Token && queues[i] == r.job.Queue {
			deleted = append(deleted, r.key)
			gone.add(r.seq, r.key)
		}
	})
	if err != nil || gone.len() == 0 {
		return nil, err
	}
	_, err = tx.Exec(deleteJobs, gone.list())
	return deleted, err
}

// renewMany is Renew by two statements.
func (s *Session) renewMany(req *errand.RenewRequest) ([]error, error) {
	errs := make([]error, len(req.Leases))
	var keys [][]byte
	for i := range req.Leases {
		errs[i] = leaseLost("renew", req.Leases[i].ID, req.Leases[i].Queue)
		if key, ok := keyOf(req.Leases[i].ID); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return errs, nil
	}
	held := make(map[string]*record)
	if err := s.heldJobs(keys, func(r *record) { held[idOf(r.key)] = r }); err != nil {
		return nil, err
	}
	renewed := s.rows()
	for i, lease := range req.Leases {
		if r := held[lease.ID]; r != nil && r.job.Token == lease.Token && r.job.Queue == lease.Queue {
			errs[i] = nil
			renewed.add(r.seq, r.key)
		}
	}
	if renewed.len() == 0 {
		return errs, nil
	}
	until := micros(s.now.Add(req.Lease))
	return errs, s.later(renewJobs, until, until, renewed.list())
}

// ErrRaced says that another transaction was faster: this one is to be done again.
var ErrRaced = errors.New("another transaction was faster")

// holdShared is hold. Another transaction may have taken the key since holder looked: then this one is done again. On a
// snapshot that does not show who has it, that of a user's own transaction, PostgreSQL says itself that it cannot go on.
func (s *Session) holdShared(r *record, freeAt time.Time) error {
	key := []byte(r.job.UniqueKey)
	n, err := s.tx.Exec(takeUnique, r.key, maybe(freeAt), r.job.Queue, key, r.key, micros(s.now))
	if err != nil || n > 0 {
		return err
	}
	if n, err = s.tx.Exec(enterUnique, r.job.Queue, key, r.key, maybe(freeAt)); err == nil && n == 0 {
		err = fmt.Errorf("hold unique key of job %s of queue %q: %w", idOf(r.key), r.job.Queue, ErrRaced)
	}
	return err
}

// A message queue.

func (q *messageQueue) merge(o *messageQueue) {
	q.length += o.length
	q.put.merge(&o.put)
	q.got.merge(&o.got)
}

func (s *Session) sharedMessageQueue(q *messageQueue) (*messageQueue, error) {
	s.messages[q.name] = q
	return q, nil
}

// restOf adds up what is waiting in a message queue.
func (s *Session) restOf(q *messageQueue) error {
	q.rest = 0
	_, err := one(s.tx, messagesLeft, func(row Row) error {
		q.rest = row.Int(0)
		return nil
	}, q.name)
	return err
}

func (s *Session) appendMessages(q *messageQueue, bodies [][]byte) error {
	if s.dialect.Shared {
		return s.appendMany(q, bodies)
	}
	for _, body := range bodies {
		if _, err := s.tx.Exec(insertMessage, q.name, q.next, orNull(body)); err != nil {
			return err
		}
		q.next++
	}
	return nil
}

// appendSizes are the numbers of messages that one statement appends.
var appendSizes = []int{100, 10, 1}

func (s *Session) appendMany(q *messageQueue, bodies [][]byte) error {
	for _, n := range appendSizes {
		for ; len(bodies) >= n; bodies = bodies[n:] {
			args := make([]any, 0, 2*n)
			for _, body := range bodies[:n] {
				args = append(args, q.name, orNull(body))
			}
			if err := s.later(appendMessage+strings.Repeat(", (?, ?)", n-1), args...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Session) popShared(name string, limit int) ([][]byte, error) {
	if limit <= 0 {
		return nil, nil
	}
	type message struct {
		seq  int64
		body []byte
	}
	var taken []message
	take := takeMessages
	if s.dialect.Begins {
		if err := s.later(messagesBegin, name); err != nil {
			return nil, err
		}
		take = takeMessagesFrom
	}
	err := s.tx.Query(take, func(row Row) error {
		taken = append(taken, message{row.Int(0), some(row.Blob(1))})
		return nil
	}, name, int64(limit))
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	slices.SortFunc(taken, func(a, b message) int { return cmp.Compare(a.seq, b.seq) })
	popped, seqs := make([][]byte, len(taken)), make([]int64, len(taken))
	for i, m := range taken {
		popped[i], seqs[i] = m.body, m.seq
	}
	return popped, s.tookMessages(name, seqs, true)
}

func (s *Session) tookMessages(name string, seqs []int64, got bool) error {
	if err := s.later(removeMessages, seqs); err != nil {
		return err
	}
	q, err := s.messageQueue(name)
	if err != nil {
		return err
	}
	q.length -= int64(len(seqs))
	q.changed = true
	if got {
		q.got.add(s.now, int64(len(seqs)))
	}
	return nil
}

// clearShared removes what waits, a piece at a time.
func (s *Session) clearShared(name string) (cleared int64, err error) {
	for {
		var seqs []int64
		err := s.tx.Query(messageNumbers, func(row Row) error {
			seqs = append(seqs, row.Int(0))
			return nil
		}, name, int64(foldAtOnce))
		if err != nil || len(seqs) == 0 {
			return cleared, err
		}
		if err := s.tookMessages(name, seqs, false); err != nil {
			return cleared, err
		}
		cleared += int64(len(seqs))
	}
}

// saveMessageQueue writes what a transaction has counted.
func (s *Session) saveMessageQueue(q *messageQueue) error {
	if !s.dialect.Shared {
		return q.save(s.tx)
	}
	if s.fold {
		if err := s.foldMessages(q); err != nil {
			return err
		}
	}
	args := append(make([]any, 0, 12), newShare(), q.name, int64(0), q.length)
	q.changed = false
	return s.later(insertMessageShare, q.got.args(q.put.args(args))...)
}

func (s *Session) foldMessages(q *messageQueue) error {
	var ids []int64
	err := s.tx.Query(messageShares, func(row Row) error {
		var share messageQueue
		share.read(row)
		q.merge(&share)
		ids = append(ids, row.Int(11))
		return nil
	}, q.name, int64(foldAtOnce))
	if err != nil || len(ids) == 0 {
		return err
	}
	return s.later(deleteMessageShares, q.name, ids)
}
