package sqlstore

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// TestOptions proves that a job's options come back as they were, and that a plain job stores none.
func TestOptions(t *testing.T) {
	plain := errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "t", Payload: []byte("x"), Priority: 3}
	if raw, err := encodeOptions(&plain); raw != nil || err != nil {
		t.Errorf("a plain job's options are %q, %v", raw, err)
	}
	for _, want := range []errand.JobSpec{
		{RunAt: time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC)},
		{DependsOn: []string{errand.NewID(), "no id"}},
		{UniqueKey: "k\x00\xff", UniqueFor: time.Hour},
		{Timeout: -1},
		{KeepResult: time.Second},
		{Retry: errand.RetryPolicy{Max: 3, Backoff: errand.Exponential(time.Second, time.Hour)}},
		{Retry: errand.RetryPolicy{Max: 1, Backoff: errand.Delays(1, 2, 3)}},
	} {
		raw, err := encodeOptions(&want)
		if err != nil || raw == nil {
			t.Errorf("%+v: %q, %v", want, raw, err)
		}
		var got, again errand.JobSpec
		var memo optionsMemo
		if err := decodeOptions(raw, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		for range 2 {
			if err := memo.decode(raw, &again); err != nil || !reflect.DeepEqual(again, want) {
				t.Errorf("from the memo: got %+v, %v, want %+v", again, err, want)
			}
		}
	}
}

// TestRank proves that the rank of queued jobs sorts by priority, then by time.
func TestRank(t *testing.T) {
	early, late := time.Date(1970, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	ranks := []int64{
		queuedRank(9, early), queuedRank(9, late), queuedRank(5, early), queuedRank(0, early), queuedRank(0, late),
	}
	if !slices.IsSorted(ranks) || ranks[0] < 0 {
		t.Errorf("ranks are %d", ranks)
	}
}

// FuzzRead proves that no bytes in a JSON column, and no cursor, stop a listing.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"retry":{"max":1}}`), "eyJTdGF0ZSI6InF1ZXVlZCJ9")
	f.Add([]byte(`[{"attempt":1}]`), "")
	f.Add([]byte(`{garbage`), "%")
	f.Fuzz(func(t *testing.T, raw []byte, cursor string) {
		row := columns{1, make([]byte, 16), "q", int64(errand.StateFailed), int64(1), "task"}
		for len(row) < payloadColumn+1 {
			row = append(row, nil)
		}
		row[20], row[21], row[22], row[23] = raw, raw, raw, raw
		var r record
		r.read(row)
		if r.broken != nil && len(r.job.Attempts) == 0 {
			t.Error("the job does not tell that it cannot be read")
		}
		if c, err := readCursor(cursor); err == nil && c != nil && c.State == 0 {
			t.Errorf("cursor %q is taken for a place", cursor)
		}
	})
}

// columns is a row for tests.
type columns []any

func (c columns) Int(col int) int64 {
	n, _ := c[col].(int64)
	return n
}

func (c columns) Text(col int) string {
	s, _ := c[col].(string)
	return s
}

func (c columns) Blob(col int) []byte {
	b, _ := c[col].([]byte)
	return b
}
