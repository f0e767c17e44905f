package sqlstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/errandhq/errand"
)

// The flags of a job say what else must be touched when it ends or goes. A job without flags ends by one DELETE.
const (
	flagUnique   = 1 << iota // it may hold a unique key
	flagParents              // it depends on others: there may be rows in errand_deps with it as child
	flagChildren             // others depend on it: there may be rows in errand_deps with it as parent
	flagCancel               // started only: a person has asked to cancel it
)

// record is a row of errand_jobs.
type record struct {
	seq     int64
	key     []byte // its id
	job     errand.Job
	flags   int64
	expires time.Time
	settled errand.Event
	waits   int64
	claim   int64
	gone    bool  // it was dropped in this session
	broken  error // a part of the row that cannot be read
}

// options is what a job's enqueuer said beyond queue, task, payload and priority, as the options column keeps it.
type options struct {
	RunAt      int64              `json:"run_at,omitempty"`
	DependsOn  []string           `json:"depends_on,omitempty"`
	UniqueKey  []byte             `json:"unique_key,omitempty"`
	UniqueFor  time.Duration      `json:"unique_for,omitempty"`
	Timeout    time.Duration      `json:"timeout,omitempty"`
	Retry      errand.RetryPolicy `json:"retry,omitzero"`
	KeepResult time.Duration      `json:"keep_result,omitempty"`
}

// encodeOptions returns the options of a job as JSON; nil when all are at their defaults.
func encodeOptions(spec *errand.JobSpec) ([]byte, error) {
	b := &spec.Retry.Backoff
	if spec.RunAt.IsZero() && len(spec.DependsOn) == 0 && spec.UniqueKey == "" && spec.UniqueFor == 0 &&
		spec.Timeout == 0 && spec.KeepResult == 0 &&
		spec.Retry.Max == 0 && b.Kind == 0 && b.Base == 0 && b.Max == 0 && len(b.Delays) == 0 {
		return nil, nil
	}
	return json.Marshal(options{
		RunAt: micros(spec.RunAt), DependsOn: spec.DependsOn, UniqueKey: []byte(spec.UniqueKey), UniqueFor: spec.UniqueFor,
		Timeout: spec.Timeout, Retry: spec.Retry, KeepResult: spec.KeepResult,
	})
}

// decodeOptions is the reverse of encodeOptions.
func decodeOptions(raw []byte, spec *errand.JobSpec) error {
	if len(raw) == 0 {
		return nil
	}
	var o options
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	spec.RunAt, spec.DependsOn = timeOf(o.RunAt), o.DependsOn
	spec.UniqueKey, spec.UniqueFor = string(o.UniqueKey), o.UniqueFor
	spec.Timeout, spec.Retry, spec.KeepResult = o.Timeout, o.Retry, o.KeepResult
	return nil
}

// read reads the columns of jobColumns.
func (r *record) read(row Row) {
	r.seq, r.key = row.Int(0), row.Blob(1)
	j := &r.job
	j.ID = idOf(r.key)
	j.Queue, j.State, j.Task, j.Priority = row.Text(2), errand.State(row.Int(3)), row.Text(5), int(row.Int(6)) // the table checks it
	rank := row.Int(4)
	r.flags = row.Int(7)
	j.CreatedAt, j.ReadyAt, j.StartedAt = timeOf(row.Int(8)), timeOf(row.Int(9)), timeOf(row.Int(10))
	if j.ReadyAt.IsZero() { // it goes without saying: see insert.go of store/mysql
		j.ReadyAt = j.CreatedAt
	}
	j.UnknownSince, r.expires = timeOf(row.Int(11)), timeOf(row.Int(12))
	j.Token, j.Attempt, j.Recoveries = row.Int(13), int(row.Int(14)), int(row.Int(15))
	r.settled, r.waits = errand.Event(row.Int(16)), row.Int(17) // an event that is none equals none
	j.Worker, r.claim = workerOf(row.Text(18)), row.Int(19)
	switch {
	case j.State == errand.StateStarted:
		j.LeaseUntil = timeOf(rank)
	case j.State.Final():
		j.EndedAt = timeOf(rank)
	}
	r.decode("options", row.Blob(20), func(raw []byte) error { return decodeOptions(raw, &j.JobSpec) })
	r.decode("progress", row.Blob(22), func(raw []byte) (err error) {
		j.Progress, err = decodeProgress(raw)
		return err
	})
	r.decode("history", row.Blob(21), func(raw []byte) (err error) {
		j.Attempts, err = decodeHistory(raw)
		return err
	})
	r.tellBroken()
	j.Result = row.Blob(23)
}

// row is what {row} is compared with.
func (s *Session) row(r *record) any {
	if s.dialect.ByID {
		return r.key
	}
	return r.seq
}

// rows gathers rows for a statement about all of them.
type rows struct {
	byID bool
	ids  [][]byte
	seqs []int64
}

func (s *Session) rows() rows { return rows{byID: s.dialect.ByID} }

func (l *rows) add(seq int64, key []byte) {
	if l.byID {
		l.ids = append(l.ids, key)
	} else {
		l.seqs = append(l.seqs, seq)
	}
}

func (l *rows) len() int { return len(l.ids) + len(l.seqs) }

// list is what {row}{in} is compared with.
func (l *rows) list() any {
	if l.byID {
		return l.ids
	}
	return l.seqs
}

const payloadColumn = 24 // after the columns of jobColumns

// decode reads a part of the row that is JSON.
func (r *record) decode(what string, raw []byte, into func([]byte) error) {
	if err := decode(what, raw, into); err != nil {
		r.broken = err
	}
}

func decode(what string, raw []byte, into func([]byte) error) error {
	if len(raw) == 0 {
		return nil
	}
	if err := into(raw); err != nil {
		return fmt.Errorf("%w: the %s of this job cannot be read: %w: %.1000q", errand.ErrCorrupt, what, err, raw)
	}
	return nil
}

// tellBroken has the history say what could not be read, so that people see it.
func (r *record) tellBroken() {
	if r.broken == nil {
		return
	}
	r.job.Attempts = errand.AppendAttempt(r.job.Attempts, errand.AttemptRecord{
		Attempt: r.job.Attempt, Token: r.job.Token, Outcome: errand.EventFailed, EndedAt: r.job.ReadyAt, Error: r.broken.Error(),
	})
}

// rank is the sort key of a job within its queue and state.
func (r *record) rank() int64 {
	switch j := &r.job; {
	case j.State == errand.StateQueued:
		return queuedRank(j.Priority, j.ReadyAt)
	case j.State == errand.StateStarted:
		return micros(j.LeaseUntil)
	case j.State.Final():
		return micros(j.EndedAt)
	default:
		return micros(j.ReadyAt)
	}
}

// queuedRank sorts by priority, then by time. A time takes 56 bits until the year 4253.
func queuedRank(priority int, ready time.Time) int64 {
	return int64(errand.MaxPriority-priority)<<56 + micros(ready)
}

// ofQueuedRank is the reverse of queuedRank.
func ofQueuedRank(rank int64) (priority int, ready time.Time) {
	return errand.MaxPriority - int(rank>>56), timeOf(rank & (1<<56 - 1))
}

// save writes what can change in a job.
func (s *Session) save(r *record) error {
	j := &r.job
	history, err := encodeHistory(j.Attempts)
	if err != nil {
		return err
	}
	var progress []byte
	if j.Progress != nil {
		if progress, err = json.Marshal(j.Progress); err != nil {
			return err
		}
	}
	_, err = s.tx.Exec(saveJob, int64(j.State), r.rank(), r.flags, micros(j.ReadyAt), maybe(j.StartedAt), maybe(j.UnknownSince),
		maybe(r.expires), j.Token, int64(j.Attempt), int64(j.Recoveries), int64(r.settled), r.waits, j.Worker, r.claim,
		orNull(history), orNull(progress), orNull(j.Result), s.row(r))
	if err != nil {
		return err
	}
	return s.list(r)
}

// list enters a job that expires in the list of those.
func (s *Session) list(r *record) error {
	if !s.dialect.Expiries || r.expires.IsZero() {
		return nil
	}
	return s.later(enterExpiry, r.key, micros(r.expires))
}

func encodeHistory(attempts []errand.AttemptRecord) ([]byte, error) {
	if len(attempts) == 0 {
		return nil, nil
	}
	return json.Marshal(attempts)
}

func decodeHistory(raw []byte) ([]errand.AttemptRecord, error) {
	var attempts []errand.AttemptRecord
	if err := json.Unmarshal(raw, &attempts); err != nil {
		return nil, err
	}
	return attempts, nil
}

func decodeProgress(raw []byte) (*errand.Progress, error) {
	var progress errand.Progress
	if err := json.Unmarshal(raw, &progress); err != nil {
		return nil, err
	}
	return &progress, nil
}

// cleanAttempt is rec with its times as stores keep them.
func cleanAttempt(rec *errand.AttemptRecord) errand.AttemptRecord {
	c := *rec
	c.StartedAt, c.EndedAt, c.RetryAt = micro(rec.StartedAt), micro(rec.EndedAt), micro(rec.RetryAt)
	return c
}

// workerOf is the name of a worker in a row of errand_jobs, without the blanks that keep its place.
func workerOf(holder string) string { return strings.TrimRight(holder, " ") }

// keyOf returns a job id as it is stored, and false for what cannot be the id of a stored job.
func keyOf(id string) ([]byte, bool) {
	u, err := uuid.Parse(id)
	return u[:], err == nil && len(id) == 36
}

// idOf is the reverse of keyOf.
func idOf(key []byte) string {
	u, err := uuid.FromBytes(key)
	if err != nil {
		return fmt.Sprintf("%x", key)
	}
	return u.String()
}

// micro is t as stores keep it: to the microsecond, in UTC.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// micros is t as a column; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// maybe is t as a column; NULL for the zero time.
func maybe(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// timeOf is the reverse of micros and maybe.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// orNull is a column that is NULL where there are no bytes.
func orNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// some returns b; nil where it is empty, as the contract has it.
func some(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sameKey(a, b []byte) bool { return bytes.Equal(a, b) }
