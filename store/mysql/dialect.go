package mysql

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/errandhq/errand/store/internal/sqlstore"
)

// dialect is what MySQL and MariaDB have in common.
var dialect = &sqlstore.Dialect{
	In: " IN ?", Lock: " FOR UPDATE", Skip: " FOR UPDATE SKIP LOCKED", Bigint: "SIGNED", Shared: true,
	Begins: true, Turns: 1,
	Expiries:    true,
	WorkerWidth: 48, // as migration 0004 has it
	Rewrite:     rewrite,
	InsertRows:  insertRows, Insert: insert, EnterRequest: enterRequest,
}

var (
	reserved = regexp.MustCompile(`\b(rank|key)\b`)
	upsert   = regexp.MustCompile(`ON CONFLICT \([^)]*\) DO UPDATE SET`)
	excluded = regexp.MustCompile(`excluded\.(\w+)`)
	ignore   = regexp.MustCompile(`\s+ON CONFLICT \([^)]*\) DO NOTHING`)
	byID     = regexp.MustCompile(`FROM errand_jobs( WHERE id IN)`)
	byQueue  = regexp.MustCompile(`FROM errand_messages( WHERE queue = \? AND seq)`)
	touched  = regexp.MustCompile(`INTO @errand_rows FROM errand_jobs`)
	byRank   = regexp.MustCompile(`FROM errand_jobs(\s+WHERE queue = \? AND state = (?:\d|\?) (?:AND .*|ORDER BY )rank)`)
)

// rewrite writes a statement in the way of MySQL. Which index it uses is said where another would lock rows that it has
// nothing to do with, or read all of them.
func rewrite(query string) string {
	query = byID.ReplaceAllString(query, "FROM errand_jobs FORCE INDEX (errand_jobs_id)$1")
	query = touched.ReplaceAllString(query, "$0 FORCE INDEX (PRIMARY)")
	query = byQueue.ReplaceAllString(query, "FROM errand_messages FORCE INDEX (errand_messages_queue)$1")
	query = byRank.ReplaceAllString(query, "FROM errand_jobs FORCE INDEX (errand_jobs_rank)$1")
	if ignore.MatchString(query) {
		query = "INSERT IGNORE" + strings.TrimPrefix(ignore.ReplaceAllString(query, ""), "INSERT")
	}
	query = upsert.ReplaceAllString(query, "ON DUPLICATE KEY UPDATE")
	query = reserved.ReplaceAllString(query, "`$1`")
	return excluded.ReplaceAllString(query, "VALUES($1)")
}

// bind writes arguments into a statement, which the driver would do at twice the cost, and lists too, for there are no arrays.
// What is written needs no escaping and so no knowledge of the server's mode or character set: digits, printable ASCII without
// quote, backslash and question mark, or hexadecimal. Large values are left to the driver.
func bind(query string, args []any) (string, []any) {
	if len(args) == 0 {
		return query, nil
	}
	text := make([]byte, 0, len(query)+32*len(args))
	var kept []any
	for _, arg := range args {
		i := strings.IndexByte(query, '?') // no statement has one in a literal
		text, query = append(text, query[:i]...), query[i+1:]
		if rows, ok := arg.([]int64); ok && bytes.HasSuffix(text, byRows) {
			text = appendRows(text[:len(text)-len(byRows)], rows)
			continue
		}
		var written bool
		if text, written = appendLiteral(text, arg); !written {
			text, kept = append(text, '?'), append(kept, arg)
		}
	}
	return string(append(text, query...)), kept
}

// maxLiteral is how many bytes are written at most.
const maxLiteral = 4096

func appendLiteral(text []byte, arg any) (_ []byte, written bool) {
	switch v := arg.(type) {
	case nil:
		return append(text, "NULL"...), true
	case int64:
		return strconv.AppendInt(text, v, 10), true
	case string:
		if len(v) > maxLiteral {
			return text, false
		}
		return appendBytes(text, v), true
	case []byte:
		if len(v) > maxLiteral {
			return text, false
		}
		return appendBytes(text, v), true
	case []int64:
		return appendList(text, v, appendInt), true
	case [][]byte:
		return appendList(text, v, appendBytes), true
	}
	return text, false
}

// byRows stands before a list of rows of a table.
var byRows = []byte("seq IN ")

// rangeFrom is how many rows without a gap are cheaper as a range than in a list, for each entry of which the server searches.
const rangeFrom = 4

// appendRows writes the condition that a row is one of these, which it sorts. The last row of a range stands in the list, and
// not in the range: a DELETE waits for whoever is at work on the row behind one.
func appendRows(text []byte, rows []int64) []byte {
	slices.Sort(rows)
	text = append(text, '(')
	var listed []int64
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n] == rows[n-1]+1 {
			n++
		}
		if n >= rangeFrom {
			text = append(text, "seq BETWEEN "...)
			text = strconv.AppendInt(text, rows[0], 10)
			text = append(text, " AND "...)
			text = strconv.AppendInt(text, rows[n-2], 10)
			text = append(text, " OR "...)
			listed = append(listed, rows[n-1])
		} else {
			listed = append(listed, rows[:n]...)
		}
		rows = rows[n:]
	}
	text = append(text, byRows...)
	return append(appendList(text, listed, appendInt), ')')
}

func appendInt(text []byte, n int64) []byte { return strconv.AppendInt(text, n, 10) }

func appendList[T any](text []byte, list []T, each func([]byte, T) []byte) []byte {
	text = append(text, '(')
	for i, one := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = each(text, one)
	}
	return append(text, ')')
}

// appendBytes writes a string of bytes.
func appendBytes[T string | []byte](text []byte, value T) []byte {
	from := len(text)
	text = append(text, '\'')
	for i := range len(value) {
		c := value[i]
		if c < ' ' || c > '~' || c == '\'' || c == '\\' || c == '?' {
			return appendHex(text[:from], value)
		}
		text = append(text, c)
	}
	return append(text, '\'')
}

func appendHex[T string | []byte](text []byte, value T) []byte {
	const digits = "0123456789abcdef"
	text = append(text, "x'"...)
	for i := range len(value) {
		text = append(text, digits[value[i]>>4], digits[value[i]&15])
	}
	return append(text, '\'')
}
