package mysql

import (
	"slices"
	"strings"
	"testing"

	"github.com/errandhq/errand/store/internal/sqltext"
)

// notBoth is SQL that not both of MySQL 8.0.1 and MariaDB 10.6 understand.
var notBoth = []sqltext.Ban{
	// Neither, or one of them in a way of its own.
	{Pattern: `\bON\s+CONFLICT\b`, Why: "PostgreSQL and SQLite"},
	{Pattern: `\bexcluded\.`, Why: "PostgreSQL and SQLite"},
	{Pattern: `::\w`, Why: "PostgreSQL"},
	{Pattern: `\bMERGE\s+INTO\b`, Why: "neither"},
	{Pattern: `\bFULL\s+(OUTER\s+)?JOIN\b`, Why: "neither"},
	{Pattern: `\bILIKE\b`, Why: "PostgreSQL"},
	{Pattern: `\bNULLS\s+(FIRST|LAST)\b`, Why: "neither"},
	{Pattern: `\bWHERE\s[^;]*\bIN\s*\([^)]*\bLIMIT\b`, Why: "neither: LIMIT in a subquery of IN"},
	// MariaDB only.
	{Pattern: `\bRETURNING\b`, Why: "MariaDB only, and not for UPDATE"},
	{Pattern: `\bCREATE\s+OR\s+REPLACE\s+TABLE\b`, Why: "MariaDB only"},
	{Pattern: `\b(CREATE|DROP|ADD)\s+(UNIQUE\s+)?(INDEX|COLUMN|KEY)\s+IF\s+(NOT\s+)?EXISTS\b`, Why: "MariaDB only"},
	{Pattern: `\b(NEXTVAL|NEXT\s+VALUE\s+FOR|CREATE\s+SEQUENCE)\b`, Why: "MariaDB only"},
	{Pattern: `\bROWS\s+EXAMINED\b`, Why: "MariaDB only"},
	{Pattern: `\b(UUID|INET6|INET4)\s+(NOT\s+NULL|PRIMARY|,)`, Why: "MariaDB only, 10.7"},
	{Pattern: `@@(SESSION\.)?tx_isolation\b`, Why: "MariaDB only; MySQL 8.0 has transaction_isolation"},
	{Pattern: `\bSET\s+STATEMENT\b`, Why: "MariaDB only"},
	{Pattern: `\bFETCH\s+FIRST\b`, Why: "MariaDB only"},
	{Pattern: `\bSYSTEM\s+VERSIONING\b`, Why: "MariaDB only"},
	// MySQL only.
	{Pattern: `\bFOR\s+UPDATE\s+OF\b`, Why: "MySQL only"},
	{Pattern: `\bFOR\s+SHARE\b`, Why: "MySQL only; both know LOCK IN SHARE MODE"},
	{Pattern: `@@(SESSION\.)?transaction_isolation\b`, Why: "MySQL; MariaDB since 11.1"},
	{Pattern: `->>?\s*'`, Why: "MySQL only"},
	{Pattern: `\bLATERAL\b`, Why: "MySQL 8.0.14 only"},
	{Pattern: `\bVALUES\s+ROW\b`, Why: "MySQL 8.0.19 only"},
	{Pattern: `\)\s+AS\s+new\b`, Why: "MySQL 8.0.19 only: an alias of the rows of an INSERT"},
	{Pattern: `utf8mb4_0900`, Why: "MySQL; MariaDB since 11.4"},
	{Pattern: `\b(IN)?VISIBLE\b`, Why: "MySQL only; in MariaDB an index is IGNORED"},
	{Pattern: `\b(INDEX|KEY)\s+\w*\s*\(\s*\(`, Why: "MySQL 8.0.13 only: an index over an expression"},
	{Pattern: `\bBIN_TO_UUID|UUID_TO_BIN\b`, Why: "MySQL only"},
	// Too new.
	{Pattern: `\bDROP\s+CONSTRAINT\b`, Why: "MySQL 8.0.19"},
	{Pattern: `\b(INTERSECT|EXCEPT)\b`, Why: "MySQL 8.0.31"},
	{Pattern: `\bJSON_TABLE\b`, Why: "MySQL 8.0.4"},
	{Pattern: `\bDEFAULT\s*\(`, Why: "MySQL 8.0.13: a default that is an expression"},
	{Pattern: `\bALGORITHM\s*=\s*INSTANT\b`, Why: "MySQL 8.0.12"},
	{Pattern: `\bREGEXP_\w+\s*\(`, Why: "MySQL 8.0.4"},
}

// TestBothServersUnderstand refuses SQL that is newer than the oldest servers that the store supports, or that only one of
// MySQL and MariaDB understands. The statements of sqlstore are looked at as the dialect writes them.
func TestBothServersUnderstand(t *testing.T) {
	shared, err := sqltext.Find("../internal/sqlstore", "../internal/sqlserver", "../internal/migrate")
	if err != nil {
		t.Fatal(err)
	}
	for i := range shared {
		if strings.Contains(shared[i].SQL, "ON CONFLICT (id) DO NOTHING") && !strings.HasPrefix(shared[i].SQL, "INSERT") {
			shared[i].SQL = "INSERT" + shared[i].SQL // the end of a statement that is put together
		}
		shared[i].SQL = dialect.SQL(shared[i].SQL)
	}
	own, err := sqltext.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(shared) < 80 || len(own) < 5 {
		t.Errorf("only %d and %d pieces of SQL were found", len(shared), len(own))
	}
	own = slices.DeleteFunc(own, func(text sqltext.Text) bool {
		return strings.HasPrefix(text.Where, "dialect.go:") // which has the patterns of what is rewritten
	})
	for _, complaint := range sqltext.Check(append(shared, own...), notBoth) {
		t.Error(complaint)
	}
	bad := []sqltext.Text{{Where: "here", SQL: "UPDATE jobs SET state = 4 RETURNING id"}, {Where: "there", SQL: "SELECT 1 FOR UPDATE OF jobs"}}
	if complaints := sqltext.Check(bad, notBoth); len(complaints) != 2 {
		t.Errorf("of two pieces that are no good it finds %q", complaints)
	}
}
