package redis

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
	"unsafe"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

// The parts of a record, as lua/common.lua has them.
const (
	recordVersion = 1
	headerLen     = 28
	sliceLen      = 5   // of an id's 16 bytes: the time at which it was made, in units of 256 ms
	brokenTask    = 255 // in place of the length of a task's name: the record could not be read
)

// The flags of a record.
const (
	flagUnique = 1 << iota
	flagParents
	flagChildren
	flagCancel
	flagHistory
	flagProgress
	flagResult
	flagRun
)

// record is a job as it is stored.
type record struct {
	job    errand.Job
	key    string // its id, in 16 bytes
	flags  byte
	seq    int64 // its arrival
	claim  int64 // the number of the claim that took it
	broken error // a part of it that cannot be read
}

// reader takes a record apart.
type reader struct {
	rest  string
	short bool
}

func (r *reader) bytes(n int) string {
	if n < 0 || n > len(r.rest) {
		r.short, r.rest = true, ""
		return ""
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) int(size int) int64 {
	var all [8]byte
	copy(all[:], r.bytes(size))
	return int64(binary.LittleEndian.Uint64(all[:])) //nolint:gosec // bits
}

// arrival is a number of six bytes, the highest first.
func (r *reader) arrival() int64 {
	var all [8]byte
	copy(all[2:], r.bytes(6))
	return int64(binary.BigEndian.Uint64(all[:])) //nolint:gosec // bits
}

func (r *reader) time() time.Time { return timeOf(r.int(7)) }

// decode reads a record as show in lua/common.lua gives it: the id and the record, alone or with what is beside it.
func decode(queue string, m rueidis.RedisMessage) (*record, error) {
	var beside []rueidis.RedisMessage
	if m.IsArray() {
		list, err := m.ToArray()
		if err != nil || len(list) != 4 {
			return nil, fmt.Errorf("%w: a reply of %d parts: %w", errand.ErrCorrupt, len(list), err)
		}
		m, beside = list[0], list[1:]
	}
	text, err := m.ToString()
	if err != nil || len(text) < 16 {
		return nil, err
	}
	rec := parse(queue, text[:16], text[16:])
	if err := rec.readBeside(beside); err != nil {
		return nil, err
	}
	rec.tellBroken()
	return rec, nil
}

// parse reads a record alone.
func parse(queue, key, raw string) *record {
	rec := &record{key: key}
	rec.job.ID = idOf(key)
	rec.parse(queue, raw)
	return rec
}

func (rec *record) parse(queue, raw string) {
	rec.job.Queue = queue
	in := reader{rest: raw}
	rec.read(&in)
	if in.short || rec.job.State < 1 || rec.job.State > errand.StateCanceled {
		rec.damaged(raw)
	}
}

// blocks are where records and the texts of their ids come from: some at a time, which saves allocations, and few, since a
// job that stays keeps all of its block.
type blocks struct {
	records []record
	ids     []byte
}

// blockSize is how many records are in a block.
const blockSize = 16

// next returns an empty record with its key and id; left is how many are wanted, with this one.
func (b *blocks) next(key string, left int) *record {
	if len(b.records) == 0 {
		n := min(left, blockSize)
		b.records, b.ids = make([]record, n), make([]byte, 0, n*idLen)
	}
	rec := &b.records[0]
	b.records = b.records[1:]
	start := len(b.ids)
	b.ids = appendID(b.ids, key)
	rec.key, rec.job.ID = key, rueidis.BinaryString(b.ids[start:])
	return rec
}

// damaged makes a job of a record that is none.
func (rec *record) damaged(raw string) {
	rec.job = errand.Job{JobSpec: errand.JobSpec{ID: rec.job.ID, Queue: rec.job.Queue, Payload: []byte(raw)}, State: rec.job.State}
	if rec.job.State < 1 || rec.job.State > errand.StateCanceled {
		rec.job.State = errand.StateQueued
	}
	rec.broken = fmt.Errorf("%w: the record of this job cannot be read", errand.ErrCorrupt)
}

// read reads the record itself.
func (rec *record) read(in *reader) {
	j := &rec.job
	if in.int(1) != recordVersion {
		in.short = true
		return
	}
	rec.flags = byte(in.int(1)) //nolint:gosec // one byte
	j.State, j.Priority = errand.State(in.int(1)), int(in.int(1))
	in.int(1) // how the last attempt was settled
	rec.seq, j.ReadyAt = in.arrival(), in.time()
	j.Token, j.Attempt, j.Recoveries = in.int(4), int(in.int(4)), int(in.int(2))
	if rec.flags&flagRun != 0 {
		j.StartedAt = in.time()
		rank := in.time()
		j.UnknownSince = in.time()
		rec.claim = in.int(6)
		j.Worker = in.bytes(int(in.int(1)))
		switch {
		case j.State == errand.StateStarted:
			j.LeaseUntil = rank
		case j.State.Final():
			j.EndedAt = rank
		}
	}
	if rec.flags&flagUnique != 0 {
		n := int(in.int(2))
		in.int(7) // the window, to the microsecond
		j.UniqueKey = in.bytes(n)
	}
	n := int(in.int(1))
	if n == brokenTask {
		j.Payload, j.CreatedAt = []byte(in.rest), j.ReadyAt
		return
	}
	j.Task = in.bytes(n)
	j.CreatedAt = timeOf(in.int(8))
	opts := in.bytes(int(in.int(4)))
	if opts != "" {
		var o options
		if err := json.Unmarshal([]byte(opts), &o); err != nil {
			rec.broken = fmt.Errorf("%w: the options of this job cannot be read: %w: %.1000q", errand.ErrCorrupt, err, opts)
		} else {
			j.RunAt, j.DependsOn, j.UniqueFor = timeOf(o.RunAt), o.DependsOn, o.UniqueFor
			j.Timeout, j.Retry, j.KeepResult = o.Timeout, o.Retry, o.KeepResult
		}
	}
	if in.rest != "" {
		// The reply is nobody else's, and nothing of the record is read after this: the job may have the bytes as they are.
		j.Payload = unsafe.Slice(unsafe.StringData(in.rest), len(in.rest))
	}
}

// readBeside reads progress, result and history.
func (rec *record) readBeside(beside []rueidis.RedisMessage) error {
	if beside == nil {
		return nil
	}
	progress, err := beside[0].ToString()
	if err != nil {
		return err
	}
	result, err := beside[1].ToString()
	if err != nil {
		return err
	}
	history, err := beside[2].AsStrSlice()
	if err != nil {
		return err
	}
	if progress != "" {
		rec.job.Progress = new(errand.Progress)
		if err := json.Unmarshal([]byte(progress), rec.job.Progress); err != nil {
			rec.broken = fmt.Errorf("%w: the progress of this job cannot be read: %w: %.1000q", errand.ErrCorrupt, err, progress)
		}
	}
	if result != "" {
		rec.job.Result = []byte(result)
	}
	for _, text := range history {
		attempt, err := decodeAttempt(text)
		if err != nil {
			rec.broken = fmt.Errorf("%w: the history of this job cannot be read: %w: %.1000q", errand.ErrCorrupt, err, text)
		}
		rec.job.Attempts = append(rec.job.Attempts, attempt)
	}
	return nil
}

// tellBroken has the history say what could not be read, so that people see it.
func (rec *record) tellBroken() {
	if rec.broken == nil {
		return
	}
	j := &rec.job
	j.Attempts = errand.AppendAttempt(j.Attempts, errand.AttemptRecord{
		Attempt: j.Attempt, Token: j.Token, Outcome: errand.EventFailed, EndedAt: j.ReadyAt, Error: rec.broken.Error(),
	})
}

// beside is what is kept beside a record.
type beside struct {
	progress, result string
	history          []string
}

// decodeAttempt reads an entry of a job's history: JSON where a worker gave it, else what the scripts write.
func decodeAttempt(text string) (errand.AttemptRecord, error) {
	var a errand.AttemptRecord
	in := &reader{rest: text}
	switch kind := in.bytes(1); kind {
	case "{":
		return a, json.Unmarshal([]byte(text), &a)
	case "O":
		a.Outcome = errand.EventOrphaned
		a.Attempt, a.Token, a.EndedAt = int(in.int(4)), in.int(4), in.time()
		parent := idOf(in.bytes(16))
		a.Error = fmt.Sprintf("job %s that it depends on %s", parent, reasons[in.bytes(1)])
	case "L", "P":
		a.Attempt, a.Token, a.StartedAt, a.EndedAt = int(in.int(4)), in.int(4), in.time(), in.time()
		recoveries := in.int(2)
		a.Worker = in.rest
		a.Outcome, a.Error = errand.EventLost, fmt.Sprintf("worker %s was lost: its lease ran out", a.Worker)
		if kind == "P" {
			a.Outcome = errand.EventPoisoned
			a.Error = fmt.Sprintf("%v: it lost its worker %d times, the last one was %s", errand.ErrPoisoned, recoveries, a.Worker)
		}
	case "K":
		a.Outcome = errand.EventFailed
		a.Attempt, a.Token, a.EndedAt = int(in.int(4)), in.int(4), in.time()
		a.Error = errand.ConflictError(idOf(in.bytes(16)))
	case "B":
		a.Outcome, a.EndedAt = errand.EventFailed, in.time()
		a.Error = fmt.Sprintf("%v: the record of this job could not be read; its bytes are kept as the payload", errand.ErrCorrupt)
	default:
		in.short = true
	}
	if in.short {
		return a, fmt.Errorf("%w: not an entry", errand.ErrCorrupt)
	}
	return a, nil
}

// reasons say what became of a parent, by the letter that the scripts have for it.
var reasons = map[string]string{"f": "failed", "c": "was canceled", "d": "was deleted"}

// meterOf reads a meter as common.lua keeps it.
func meterOf(raw string, now time.Time) errand.Meter {
	const minute = int64(time.Minute / time.Microsecond)
	in := &reader{rest: raw}
	total, last, current, before := in.int(6), in.int(6), in.int(6), in.int(6)
	m := errand.Meter{Total: total}
	fraction := float64(micros(now)%minute) / float64(minute)
	switch micros(now) / minute {
	case last:
		m.PerMinute = float64(before)*(1-fraction) + float64(current)
	case last + 1:
		m.PerMinute = float64(current) * (1 - fraction)
	}
	return m
}
