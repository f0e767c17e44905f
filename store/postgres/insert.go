package postgres

import (
	"strings"
	"sync"

	"github.com/errandhq/errand/store/internal/sqlstore"
)

// inserted are the columns of a new job, in the order in which the flow gives them. What is mostly the same for all jobs of
// a statement is sent once, column by column where they are alike in all columns of a set, and else as arrays.
var inserted = [...]struct {
	name, kind string
	set        columnSet
}{
	{"id", "bytea", own},
	{"queue", "text", common},
	{"state", "smallint", common},
	{"rank", "bigint", times},
	{"task", "text", common},
	{"priority", "integer", common},
	{"flags", "integer", common},
	{"created_at", "bigint", times},
	{"ready_at", "bigint", times},
	{"waits", "bigint", common},
	{"payload", "bytea", own},
	{"options", "bytea", common},
}

// columnSet is a set of columns that are sent in the same way.
type columnSet int

const (
	own    columnSet = iota // that of jobs themselves: always as arrays
	times                   // the same for jobs of one call
	common                  // the same for most jobs of a program
	columnSets
)

// insertQueries are the statements, by which sets differ and whether jobs may be in already.
var insertQueries sync.Map

type insertShape struct {
	differ  [columnSets]bool
	careful bool
}

// query is one statement for any number of jobs, so that it is planned once. Arrays that are taken apart in the list of what is
// selected need no room, in contrast to those of a FROM.
func (s insertShape) query() string {
	if query, ok := insertQueries.Load(s); ok {
		return query.(string)
	}
	var names, values []string
	for _, c := range inserted {
		value := "?::" + c.kind
		if s.differ[c.set] {
			value = "unnest(" + value + "[])"
		}
		names, values = append(names, c.name), append(values, value)
	}
	query := "INSERT INTO errand_jobs (" + strings.Join(names, ", ") + ")\nSELECT " + strings.Join(values, ", ")
	if s.careful {
		query += " ON CONFLICT (id) DO NOTHING"
	}
	insertQueries.Store(s, query)
	return query
}

// insert is sqlstore.Dialect.Insert.
func insert(tx sqlstore.Tx, args []any, careful bool) (int64, error) {
	shape := insertShape{careful: careful}
	shape.differ[own] = true
	for c := range inserted {
		if set := inserted[c].set; !shape.differ[set] {
			shape.differ[set] = differ(args, c)
		}
	}
	rows := len(args) / len(inserted)
	columns := make([]any, len(inserted))
	for c := range columns {
		switch {
		case !shape.differ[inserted[c].set]:
			columns[c] = args[c]
		case inserted[c].kind == "bytea":
			columns[c] = column[[]byte](args, c)
		case inserted[c].kind == "text":
			columns[c] = column[string](args, c)
		default:
			columns[c] = column[int64](args, c)
		}
	}
	if careful {
		return tx.Exec(shape.query(), columns...)
	}
	return int64(rows), sqlstore.Later(tx, shape.query(), columns...)
}

// differ reports whether jobs differ in a column.
func differ(args []any, c int) bool {
	first := args[c]
	raw, isRaw := first.([]byte)
	for i := c + len(inserted); i < len(args); i += len(inserted) {
		if other, ok := args[i].([]byte); ok || isRaw {
			if !ok || string(other) != string(raw) {
				return true
			}
		} else if args[i] != first {
			return true
		}
	}
	return false
}

// column is a column of the jobs as an array. NULL is nil, which only bytes can be.
func column[T any](args []any, c int) []T {
	list := make([]T, 0, len(args)/len(inserted))
	for i := c; i < len(args); i += len(inserted) {
		value, _ := args[i].(T)
		list = append(list, value)
	}
	return list
}
