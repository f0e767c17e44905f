package sqlstore

import (
	"strconv"
	"strings"
	"sync"

	"github.com/errandhq/errand"
)

// Dialect is what differs between the databases: how a statement is written, and which steps have many writers at once
// to reckon with.
type Dialect struct {
	// In is the condition that a column is one of a bound list, as in " IN (SELECT value FROM json_each(?))".
	In string
	// Lock and Skip end a SELECT of rows that the transaction is about to change: with Lock it waits for other
	// transactions, with Skip it passes over the rows that they hold. Both are empty where one writes at a time.
	Lock, Skip string
	// Dollar writes parameters as $1, $2 in place of question marks.
	Dollar bool
	// Rewrite changes a statement further; nil: not.
	Rewrite func(query string) string

	// Places says that an index is entered where (rank, seq) is compared with a place, so that one statement finds all that
	// comes after it: Rewrite makes the conditions for the rest of a rank such a comparison.
	Places bool

	// Begins says that a look finds the first row of a queue, past the index's entries of rows that are gone already, faster than
	// a statement that locks, which then begins there.
	Begins bool

	// ByID says that rows of errand_jobs are found by id, there being no index of seq; else by seq.
	ByID bool

	// Expiries says that jobs which expire are listed in errand_expiries, there being no index of those jobs only.
	Expiries bool

	// WorkerWidth is how many bytes the name of a job's worker takes at least, blanks behind it, as the table has them before
	// the first claim: so that a claim changes a row in place. 0: the name as it is.
	WorkerWidth int

	// Bigint is the type of a 64-bit integer in a CAST.
	Bigint string

	// Turns is how many large claims of a queue are under way at a time, in each lane of its workers, where a Tx is able to
	// await its turn.
	Turns int

	// Shared says that several transactions write at once. Then rows are locked before they are changed, and a
	// transaction adds to the counters of a queue by a row of its own, so that nobody waits for another's counting.
	Shared bool
	// InsertRows is how many new jobs are gathered at most.
	InsertRows int
	// Insert inserts as many jobs as have gathered, and says how many are new; their arguments follow each other, and it may
	// write over them. Unless it is to be careful it may suppose that all are, and fail where one is not: see [Session.Careful].
	Insert func(tx Tx, args []any, careful bool) (int64, error)
	// EnterRequest enters a producer's request as setRequest does, and fails where that or a later one was carried out before:
	// see [Session.Careful]. Empty: the last one is looked up first.
	EnterRequest string
	// Succeed deletes those of the jobs that are started with these tokens in these queues and have no flags, and returns
	// their ids. nil: by one statement that locks and one that deletes.
	Succeed func(tx Tx, ids [][]byte, tokens []int64, queues []string) ([][]byte, error)

	texts sync.Map // of statements as the database wants them
}

// holder is a worker's name as rows of errand_jobs have it. [workerOf] is the reverse.
func (d *Dialect) holder(worker string) string {
	if missing := d.WorkerWidth - len(worker); missing > 0 {
		return worker + strings.Repeat(" ", missing)
	}
	return worker
}

// SQL returns a statement of this package as the database wants it.
func (d *Dialect) SQL(query string) string {
	if text, ok := d.texts.Load(query); ok {
		return text.(string)
	}
	text := strings.NewReplacer("{in}", d.In, "{lock}", d.Lock, "{skip}", d.Skip, "{bigint}", d.Bigint,
		"{row}", d.row(), "{expiring}", d.expiring()).Replace(query)
	if d.Rewrite != nil {
		text = d.Rewrite(text)
	}
	if d.Dollar {
		text = dollars(text)
	}
	d.texts.Store(query, text)
	return text
}

// inState is a statement about jobs of that state. It is written into it, as a database has to know it while it plans where an
// index holds the jobs of some states only.
func inState(query string, state errand.State) string {
	return strings.Replace(query, "{state}", strconv.Itoa(int(state)), 1)
}

// row is the column by which rows of errand_jobs are found.
func (d *Dialect) row() string {
	if d.ByID {
		return "id"
	}
	return "seq"
}

// expiring is the table that has an index of when jobs expire.
func (d *Dialect) expiring() string {
	if d.Expiries {
		return "errand_expiries"
	}
	return "errand_jobs"
}

// dollars numbers the parameters. No statement has a question mark in a literal.
func dollars(query string) string {
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}
