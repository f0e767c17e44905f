package mysql

import (
	"math/bits"
	"strings"
	"sync"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// enterRequest gives number no value, which it must have, where that request or a later one was carried out before: what is sent
// behind it, unseen, shall not be carried out then.
const enterRequest = `INSERT INTO errand_producers (queue, producer, number, seen_at, refused) VALUES (?, ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE number = CASE WHEN number < VALUES(number) THEN VALUES(number) END,
seen_at = VALUES(seen_at), refused = VALUES(refused)`

// inserted are the columns of a new job in the order in which the flow gives them. Some have a default in the table, which is
// what most jobs have there.
var inserted = [...]struct {
	name       string
	hasDefault bool
	value      any
	asBefore   bool // the default stands for the value of the column before
}{
	{name: "id"},
	{name: "queue"},
	{name: "state", hasDefault: true, value: int64(errand.StateQueued)},
	{name: "rank"},
	{name: "task"},
	{name: "priority", hasDefault: true, value: int64(0)},
	{name: "flags", hasDefault: true, value: int64(0)},
	{name: "created_at"},
	{name: "ready_at", hasDefault: true, asBefore: true},
	{name: "waits", hasDefault: true, value: int64(0)},
	{name: "payload"},
	{name: "options", hasDefault: true, value: nil},
}

// columns is a set of places in inserted.
type columns uint16

func (c columns) has(i int) bool { return c&(1<<i) != 0 }

// insertRows are how many jobs are gathered.
const insertRows = 1000

// insertSizes are the numbers of jobs that a prepared statement inserts. What is left goes by a text. To read a text costs the
// server about as much as inserting the rows; for few, another round trip costs more.
var insertSizes = []int{1000, 500, 250, 125}

// insertShape is a statement that inserts jobs.
type insertShape struct {
	rows    int
	usual   columns // are left out
	careful bool    // jobs that are in already are left alone, and are no error
}

var insertQueries sync.Map // by shape

func (s insertShape) query() string {
	if query, ok := insertQueries.Load(s); ok {
		return query.(string)
	}
	var names, marks []string
	for i, c := range inserted {
		if !s.usual.has(i) {
			names, marks = append(names, c.name), append(marks, "?")
		}
	}
	row := "(" + strings.Join(marks, ", ") + ")"
	verb := "INSERT"
	if s.careful {
		verb = "INSERT IGNORE"
	}
	query := verb + " INTO errand_jobs (" + strings.Join(names, ", ") + ") VALUES " + row + strings.Repeat(", "+row, s.rows-1)
	insertQueries.Store(s, query)
	return query
}

// insert is sqlstore.Dialect.Insert.
func insert(tx sqlstore.Tx, args []any, careful bool) (added int64, err error) {
	shape := insertShape{usual: usual(args), careful: careful}
	args, width := spare(args, shape.usual)
	p, prepares := tx.(*pipeline)
	for len(args) > 0 {
		shape.rows = min(len(args)/width, insertSizes[len(insertSizes)-1])
		prepared := false
		for _, size := range insertSizes {
			if prepares && !careful && len(args)/width >= size {
				shape.rows, prepared = size, true
				break
			}
		}
		n, these := int64(shape.rows), args[:shape.rows*width]
		switch {
		case careful:
			n, err = tx.Exec(shape.query(), these...)
		case prepared:
			err = p.prepared(shape.query(), these)
		default:
			err = sqlstore.Later(tx, shape.query(), these...)
		}
		if err != nil {
			return 0, err
		}
		added += n
		args = args[len(these):]
	}
	return added, nil
}

// usual are the columns that have their default in all jobs.
func usual(args []any) (found columns) {
	for i, c := range inserted {
		if c.hasDefault {
			found |= 1 << i
		}
	}
	for i, arg := range args {
		at := i % len(inserted)
		usual := inserted[at].value
		if inserted[at].asBefore {
			usual = args[i-1]
		}
		if found.has(at) && arg != usual {
			found &^= 1 << at
		}
	}
	return found
}

// spare leaves out columns, and says how many stay.
func spare(args []any, out columns) (kept []any, width int) {
	width = len(inserted) - bits.OnesCount16(uint16(out))
	kept = make([]any, 0, len(args)/len(inserted)*width)
	for i, arg := range args {
		if !out.has(i % len(inserted)) {
			kept = append(kept, arg)
		}
	}
	return kept, width
}
