package sqlite

import (
	"bytes"
	"math/bits"
	"strconv"
	"strings"
	"sync"

	"github.com/errandhq/errand/store/internal/sqlstore"
)

// inserted are the columns of a new job, in the order in which the flow gives them. What is not a job's own is mostly the same for
// all jobs of a call.
var inserted = [...]struct {
	name string
	own  bool
}{
	{name: "id", own: true},
	{name: "queue"},
	{name: "state"},
	{name: "rank"},
	{name: "task"},
	{name: "priority"},
	{name: "flags"},
	{name: "created_at"},
	{name: "ready_at"},
	{name: "waits"},
	{name: "payload", own: true},
	{name: "options"},
}

const (
	insertRows = 1000 // how many jobs are gathered
	mostRows   = 128  // of a statement
	fewestRows = 4    // that are worth a statement of their own for being alike
)

// insertShape is a statement that inserts jobs.
type insertShape struct {
	rows  int  // a power of two, so that there are few statements
	alike bool // what is not their own is the same for all and bound once: each value that is bound costs the driver 0.1 µs
}

var insertQueries sync.Map // by shape

func (s insertShape) query() string {
	if query, ok := insertQueries.Load(s); ok {
		return query.(string)
	}
	var common, own, marks []string
	for _, c := range inserted {
		switch {
		case !s.alike:
			own, marks = append(own, c.name), append(marks, "?")
		case c.own:
			own = append(own, c.name)
		default:
			common = append(common, c.name)
			marks = append(marks, "?"+strconv.Itoa(len(common)))
		}
	}
	for s.alike && len(marks) < len(inserted) {
		marks = append(marks, "?") // a number that is not used yet
	}
	row := "(" + strings.Join(marks, ", ") + ")"
	query := "INSERT INTO errand_jobs (" + strings.Join(append(common, own...), ", ") + ") VALUES " +
		row + strings.Repeat(", "+row, s.rows-1) + " ON CONFLICT (id) DO NOTHING"
	insertQueries.Store(s, query)
	return query
}

// insert is sqlstore.Dialect.Insert.
func insert(tx sqlstore.Tx, args []any, _ bool) (added int64, err error) {
	for len(args) > 0 {
		shape := insertShape{rows: alikeRows(args), alike: true}
		if shape.rows < fewestRows {
			shape = insertShape{rows: min(len(args)/len(inserted), mostRows)}
		}
		shape.rows = 1 << (bits.Len(uint(shape.rows)) - 1)
		these := args[:shape.rows*len(inserted)]
		args = args[len(these):]
		if shape.alike {
			these = shareCommon(these)
		}
		n, err := tx.Exec(shape.query(), these...)
		if err != nil {
			return 0, err
		}
		added += n
	}
	return added, nil
}

// alikeRows counts the jobs at the head of a list, mostRows at most, that are like the first in all that is not their own.
func alikeRows(args []any) int {
	first := args[:len(inserted)]
	for n := 1; n < mostRows; n++ {
		next := args[n*len(inserted):]
		if len(next) == 0 || !alike(first, next) {
			return n
		}
	}
	return mostRows
}

func alike(a, b []any) bool {
	for i, c := range inserted {
		if c.own {
			continue
		}
		raw, isRaw := a[i].([]byte)
		other, ok := b[i].([]byte)
		if isRaw != ok || isRaw && !bytes.Equal(raw, other) || !isRaw && a[i] != b[i] {
			return false
		}
	}
	return true
}

// shareCommon has what is common to alike jobs once, and then what is each one's own, in the same place.
func shareCommon(args []any) []any {
	first := [len(inserted)]any(args)
	shared := args[:0]
	for i, c := range inserted {
		if !c.own {
			shared = append(shared, first[i])
		}
	}
	for i, arg := range args {
		if i < len(first) {
			arg = first[i]
		}
		if inserted[i%len(inserted)].own {
			shared = append(shared, arg)
		}
	}
	return shared
}
