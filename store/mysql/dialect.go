package mysql

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"github.com/errandhq/errand/store/internal/sqlstore"
)

// dialect is what MySQL and MariaDB have in common.
var dialect = &sqlstore.Dialect{
	In: " IN ?", Lock: " FOR UPDATE", Skip: " FOR UPDATE SKIP LOCKED", Bigint: "SIGNED", Shared: true,
	WorkerWidth: 48, // as migration 0004 has it
	Rewrite:     rewrite,
	InsertRows:  []int{insertRows}, Insert: insert, EnterRequest: enterRequest,
}

var (
	reserved = regexp.MustCompile(`\b(rank|key)\b`)
	upsert   = regexp.MustCompile(`ON CONFLICT \([^)]*\) DO UPDATE SET`)
	excluded = regexp.MustCompile(`excluded\.(\w+)`)
	ignore   = regexp.MustCompile(`\s+ON CONFLICT \([^)]*\) DO NOTHING`)
	byID     = regexp.MustCompile(`FROM errand_jobs WHERE id IN`)
	byRank   = regexp.MustCompile(`FROM errand_jobs\s+WHERE queue = \? AND state = (\d|\?) AND .*rank`)
)

// rewrite writes a statement in the way of MySQL. Which index it uses is said where another would lock rows that it has
// nothing to do with.
func rewrite(query string) string {
	if byID.MatchString(query) {
		query = strings.Replace(query, "FROM errand_jobs", "FROM errand_jobs FORCE INDEX (errand_jobs_id)", 1)
	} else if byRank.MatchString(query) {
		query = strings.Replace(query, "FROM errand_jobs", "FROM errand_jobs FORCE INDEX (errand_jobs_rank)", 1)
	}
	if ignore.MatchString(query) {
		query = "INSERT IGNORE" + strings.TrimPrefix(ignore.ReplaceAllString(query, ""), "INSERT")
	}
	query = upsert.ReplaceAllString(query, "ON DUPLICATE KEY UPDATE")
	query = reserved.ReplaceAllString(query, "`$1`")
	return excluded.ReplaceAllString(query, "VALUES($1)")
}

// bind writes lists into a statement: there are no arrays. They are numbers, or bytes in hexadecimal.
func bind(query string, args []any) (string, []any) {
	lists := false
	for _, arg := range args {
		switch arg.(type) {
		case []int64, [][]byte:
			lists = true
		}
	}
	if !lists {
		return query, args
	}
	var text strings.Builder
	kept := make([]any, 0, len(args))
	i := 0
	for part := range strings.SplitSeq(query, "?") {
		if i > 0 {
			switch list := args[i-1].(type) {
			case []int64:
				writeList(&text, len(list), func(n int) { text.WriteString(strconv.FormatInt(list[n], 10)) })
			case [][]byte:
				writeList(&text, len(list), func(n int) { text.WriteString("x'" + hex.EncodeToString(list[n]) + "'") })
			default:
				text.WriteByte('?')
				kept = append(kept, list)
			}
		}
		text.WriteString(part)
		i++
	}
	return text.String(), kept
}

func writeList(text *strings.Builder, n int, each func(int)) {
	text.WriteByte('(')
	for i := range n {
		if i > 0 {
			text.WriteByte(',')
		}
		each(i)
	}
	text.WriteByte(')')
}
