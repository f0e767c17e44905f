package redis

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

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
