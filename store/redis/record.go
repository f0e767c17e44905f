package redis

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"github.com/google/uuid"
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

// options is what a job's enqueuer said beyond queue, task, payload, priority and unique key.
type options struct {
	RunAt      int64              `json:"run_at,omitempty"`
	DependsOn  []string           `json:"depends_on,omitempty"`
	UniqueFor  time.Duration      `json:"unique_for,omitempty"`
	Timeout    time.Duration      `json:"timeout,omitempty"`
	Retry      errand.RetryPolicy `json:"retry,omitzero"`
	KeepResult time.Duration      `json:"keep_result,omitempty"`
}

// encodeOptions returns the options of a job as JSON; nil when all are at their defaults.
func encodeOptions(spec *errand.JobSpec) ([]byte, error) {
	b := &spec.Retry.Backoff
	if spec.RunAt.IsZero() && len(spec.DependsOn) == 0 && spec.UniqueFor == 0 && spec.Timeout == 0 && spec.KeepResult == 0 &&
		spec.Retry.Max == 0 && b.Kind == 0 && b.Base == 0 && b.Max == 0 && len(b.Delays) == 0 {
		return nil, nil
	}
	return json.Marshal(options{
		RunAt: micros(spec.RunAt), DependsOn: spec.DependsOn, UniqueFor: spec.UniqueFor,
		Timeout: spec.Timeout, Retry: spec.Retry, KeepResult: spec.KeepResult,
	})
}

// known says what was found out about a parent in other queues: its state as get.lua has it.
type known map[string]byte

// encodeNew is a job as enqueue.lua and bury.lua take it. It is written behind b, and is valid for as long as nobody
// changes what b has.
func encodeNew(
	b []byte, key [16]byte, spec *errand.JobSpec, parents []string, states known, now time.Time,
) (all []byte, text string, err error) {
	opts, err := encodeOptions(spec)
	if err != nil {
		return b, "", err
	}
	start := len(b)
	b = slices.Grow(b, 16+22+len(spec.UniqueKey)+17*len(parents)+1+len(spec.Task)+8+4+len(opts)+len(spec.Payload))
	b = append(b, key[:]...)
	var flags byte
	if spec.UniqueKey != "" {
		flags |= flagUnique
	}
	if len(parents) > 0 {
		flags |= flagParents
	}
	window := spec.UniqueFor.Microseconds()
	if spec.UniqueFor > 0 && window == 0 {
		window = 1 // 0 is for ever
	}
	b = append(b, flags, byte(spec.Priority))
	b = appendInt(b, max(micros(spec.RunAt), 0), 7)
	b = appendInt(b, int64(len(spec.UniqueKey)), 2)
	b = appendInt(b, window, 7)
	b = appendInt(b, int64(len(parents)), 2)
	b = append(b, spec.UniqueKey...)
	for _, parent := range parents {
		state, ok := states[parent]
		if !ok {
			state = '-'
		}
		b = append(append(b, parent...), state)
	}
	b = appendStatic(b, spec, opts, now)
	return b, rueidis.BinaryString(b[start:]), nil
}

// isPlain reports whether add.lua can take a job: it depends on none and has no unique key.
func isPlain(spec *errand.JobSpec) bool {
	return spec.UniqueKey == "" && len(spec.DependsOn) == 0 && spec.Priority >= 0 && spec.Priority <= errand.MaxPriority
}

// encodePlain is the record of a plain job as add.lua takes it, written behind b; and the character for where it goes.
func encodePlain(b []byte, spec *errand.JobSpec, arrival int64, now time.Time) (all []byte, place byte, err error) {
	opts, err := encodeOptions(spec)
	if err != nil {
		return b, 0, err
	}
	prio, ready, state := byte(spec.Priority), micros(now), errand.StateQueued
	place = '0' + prio
	if at := micros(spec.RunAt); at > ready {
		place, ready, state = 'a'+prio, at, errand.StateScheduled
	}
	b = append(b, recordVersion, 0, byte(state), prio, 0)
	b = appendArrival(b, arrival)
	b = appendInt(b, ready, 7)
	b = append(b, untouched[:]...)
	return appendStatic(b, spec, opts, now), place, nil
}

// untouched are the token, the attempts and the recoveries of a new job.
var untouched [4 + 4 + 2]byte

// plainLen is how many bytes of a plain job's record there are beside task, options and payload.
const plainLen = headerLen + 1 + 8 + 4

// arrivalLen is how many bytes an arrival has. The first is the highest, so that they are in order.
const arrivalLen = 6

func appendArrival(b []byte, arrival int64) []byte {
	var all [8]byte
	binary.BigEndian.PutUint64(all[:], uint64(arrival)) //nolint:gosec // it counts up from 0
	return append(b, all[len(all)-arrivalLen:]...)
}

// appendStatic writes the static part of a record.
func appendStatic(b []byte, spec *errand.JobSpec, opts []byte, now time.Time) []byte {
	b = append(append(b, byte(len(spec.Task))), spec.Task...)
	b = appendInt(b, micros(now), 8)
	b = appendInt(b, int64(len(opts)), 4)
	return append(append(b, opts...), spec.Payload...)
}

func appendInt(b []byte, n int64, size int) []byte {
	var all [8]byte
	binary.LittleEndian.PutUint64(all[:], uint64(n)) //nolint:gosec // bits
	return append(b, all[:size]...)
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

// encode is the reverse of parse and readBeside, without the place of the job in its queue.
func (rec *record) encode() (string, beside, error) {
	j := &rec.job
	kept, err := rec.encodeBeside()
	if err != nil {
		return "", kept, err
	}
	opts, err := encodeOptions(&j.JobSpec)
	if err != nil {
		return "", kept, err
	}
	rank := j.EndedAt
	running := !j.StartedAt.IsZero() || !rank.IsZero() || !j.UnknownSince.IsZero() || j.Worker != ""
	flags := rec.flags & flagChildren
	for flag, is := range map[byte]bool{
		flagUnique: j.UniqueKey != "", flagParents: len(parentsOf(&j.JobSpec, rec.key)) > 0, flagRun: running,
		flagHistory: len(kept.history) > 0, flagProgress: kept.progress != "", flagResult: kept.result != "",
	} {
		if is {
			flags |= flag
		}
	}
	b := []byte{recordVersion, flags, byte(j.State), byte(j.Priority), 0}
	b = append(b, 0, 0, 0, 0, 0, 0) // its arrival
	b = appendInt(b, micros(j.ReadyAt), 7)
	b = appendInt(appendInt(appendInt(b, j.Token, 4), int64(j.Attempt), 4), int64(j.Recoveries), 2)
	if running {
		b = appendInt(appendInt(appendInt(b, micros(j.StartedAt), 7), micros(rank), 7), micros(j.UnknownSince), 7)
		b = appendInt(b, 0, 6) // the claim that took it
		b = append(append(b, byte(len(j.Worker))), j.Worker...)
	}
	if j.UniqueKey != "" {
		window := j.UniqueFor.Microseconds()
		if j.UniqueFor > 0 && window == 0 {
			window = 1
		}
		b = append(appendInt(appendInt(b, int64(len(j.UniqueKey)), 2), window, 7), j.UniqueKey...)
	}
	b = append(append(b, byte(len(j.Task))), j.Task...)
	b = appendInt(appendInt(b, micros(j.CreatedAt), 8), int64(len(opts)), 4)
	return string(append(append(b, opts...), j.Payload...)), kept, nil
}

func (rec *record) encodeBeside() (kept beside, err error) {
	j := &rec.job
	kept.result = string(j.Result)
	if j.Progress != nil {
		progress, err := json.Marshal(j.Progress)
		if err != nil {
			return kept, err
		}
		kept.progress = string(progress)
	}
	for i := range j.Attempts {
		text, err := encodeAttempt(&j.Attempts[i])
		if err != nil {
			return kept, err
		}
		kept.history = append(kept.history, text)
	}
	return kept, nil
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

// encodeAttempt is the entry of a job's history; empty for nil.
func encodeAttempt(rec *errand.AttemptRecord) (string, error) {
	if rec == nil {
		return "", nil
	}
	c := *rec
	c.StartedAt, c.EndedAt, c.RetryAt = micro(rec.StartedAt), micro(rec.EndedAt), micro(rec.RetryAt)
	b, err := json.Marshal(c)
	return string(b), err
}

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

// keyOf returns a job's id in 16 bytes, and false for what cannot be the id of a stored job.
func keyOf(id string) (string, bool) {
	key, ok := rawKeyOf(id)
	return string(key[:]), ok
}

func rawKeyOf(id string) ([16]byte, bool) {
	u, err := uuid.Parse(id)
	return u, err == nil && len(id) == idLen
}

// idLen is the length of an id as text.
const idLen = 36

// idOf is the reverse of keyOf.
func idOf(key string) string {
	if len(key) != 16 {
		return fmt.Sprintf("%x", key)
	}
	return string(appendID(make([]byte, 0, idLen), key))
}

// appendID writes the id behind b.
func appendID(b []byte, key string) []byte {
	const digits = "0123456789abcdef"
	for i := range len(key) {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, digits[key[i]>>4], digits[key[i]&15])
	}
	return b
}

// micro is t as stores keep it: to the microsecond, in UTC.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// micros is t in microseconds since 1970; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is the reverse of micros.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func itoa[T ~int | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }
