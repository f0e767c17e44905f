package mysql

import (
	"strings"
	"sync"

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
}{
	{name: "id"},
	{name: "queue"},
	{name: "state"},
	{name: "rank"},
	{name: "task"},
	{name: "priority", hasDefault: true, value: int64(0)},
	{name: "flags", hasDefault: true, value: int64(0)},
	{name: "created_at"},
	{name: "ready_at"},
	{name: "waits", hasDefault: true, value: int64(0)},
	{name: "payload"},
	{name: "options", hasDefault: true, value: nil},
}

const defaults = 4 // columns that have one

// insertRows are how many jobs are gathered.
const insertRows = 1000

// insertSizes are the numbers of jobs that a prepared statement inserts. What is left goes by a text. To read a text costs the
// server about as much as inserting the rows; for few, another round trip costs more.
var insertSizes = []int{500, 250, 125}

// insertShape is a statement that inserts jobs.
type insertShape struct {
	rows    int
	plain   bool // without the columns that have a default
	careful bool // those that are in already are left alone, and are no error
}

var insertQueries sync.Map // by shape

func (s insertShape) query() string {
	if query, ok := insertQueries.Load(s); ok {
		return query.(string)
	}
	var names, marks []string
	for _, c := range inserted {
		if !s.plain || !c.hasDefault {
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
	shape := insertShape{plain: plain(args), careful: careful}
	columns := len(inserted)
	if shape.plain {
		args, columns = spare(args), columns-defaults
	}
	p, prepares := tx.(*pipeline)
	for len(args) > 0 {
		shape.rows = min(len(args)/columns, insertSizes[len(insertSizes)-1])
		prepared := false
		for _, size := range insertSizes {
			if prepares && !careful && len(args)/columns >= size {
				shape.rows, prepared = size, true
				break
			}
		}
		n, these := int64(shape.rows), args[:shape.rows*columns]
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

// plain reports whether all jobs have the default of every column that has one.
func plain(args []any) bool {
	for i, arg := range args {
		if c := &inserted[i%len(inserted)]; c.hasDefault && arg != c.value {
			return false
		}
	}
	return true
}

// spare leaves out the columns that have a default.
func spare(args []any) []any {
	kept := make([]any, 0, len(args)/len(inserted)*(len(inserted)-defaults))
	for i, arg := range args {
		if !inserted[i%len(inserted)].hasDefault {
			kept = append(kept, arg)
		}
	}
	return kept
}
