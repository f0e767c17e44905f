package postgres

import (
	"testing"

	"github.com/errandhq/errand/store/internal/sqltext"
)

// newerThan12 is SQL that PostgreSQL 12 does not understand.
var newerThan12 = []sqltext.Ban{
	{Pattern: `\bWITH\s+TIES\b`, Why: "PostgreSQL 13"},
	{Pattern: `\bgen_random_uuid\b`, Why: "PostgreSQL 13, without an extension"},
	{Pattern: `\bDROP\s+EXPRESSION\b`, Why: "PostgreSQL 13"},
	{Pattern: `\bSET\s+EXPRESSION\b`, Why: "PostgreSQL 17"},
	{Pattern: `WITH\s*\([^)]*autovacuum_vacuum_insert_`, Why: "PostgreSQL 13: set it in a block that looks at the version"},
	{Pattern: `\bIS\s+(NFC|NFD|NFKC|NFKD)?\s*NORMALIZED\b`, Why: "PostgreSQL 13"},
	{Pattern: `\bBIT_XOR\b`, Why: "PostgreSQL 14"},
	{Pattern: `\bdate_bin\b`, Why: "PostgreSQL 14"},
	{Pattern: `\bstring_to_table\b`, Why: "PostgreSQL 14"},
	{Pattern: `\b(SEARCH\s+(BREADTH|DEPTH)\s+FIRST|CYCLE\s+\w+\s+SET)\b`, Why: "PostgreSQL 14"},
	{Pattern: `\bGROUP\s+BY\s+(DISTINCT|ALL)\b`, Why: "PostgreSQL 14"},
	{Pattern: `\bDETACH\s+PARTITION\s+\S+\s+CONCURRENTLY\b`, Why: "PostgreSQL 14"},
	{Pattern: `\bCOMPRESSION\b`, Why: "PostgreSQL 14"},
	{Pattern: `\bMERGE\s+INTO\b`, Why: "PostgreSQL 15"},
	{Pattern: `\bNULLS\s+NOT\s+DISTINCT\b`, Why: "PostgreSQL 15"},
	{Pattern: `\bsecurity_invoker\b`, Why: "PostgreSQL 15"},
	{Pattern: `\bregexp_(count|instr|like|substr)\b`, Why: "PostgreSQL 15"},
	{Pattern: `\b(any_value|array_shuffle|random_normal)\b`, Why: "PostgreSQL 16"},
	{Pattern: `\bIS\s+(NOT\s+)?JSON\b`, Why: "PostgreSQL 16"},
	{Pattern: `\b(JSON_TABLE|JSON_EXISTS|JSON_VALUE|JSON_QUERY|JSON_SCALAR)\b`, Why: "PostgreSQL 17"},
	{Pattern: `\b(transaction_timeout|array_sort|uuidv7|uuidv4)\b`, Why: "PostgreSQL 17 or 18"},
	{Pattern: `\bRETURNING\s+(WITH\s*\(|OLD\b|NEW\b)`, Why: "PostgreSQL 18"},
	{Pattern: `\bVIRTUAL\b`, Why: "PostgreSQL 18"},
	{Pattern: `\bWITHOUT\s+OVERLAPS\b`, Why: "PostgreSQL 18"},
}

// TestOldestServerUnderstands refuses SQL that is newer than the oldest PostgreSQL that the store supports.
func TestOldestServerUnderstands(t *testing.T) {
	texts, err := sqltext.Find(".", "../internal/sqlstore", "../internal/sqlserver", "../internal/migrate")
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) < 100 {
		t.Errorf("only %d pieces of SQL were found", len(texts))
	}
	for _, complaint := range sqltext.Check(texts, newerThan12) {
		t.Error(complaint)
	}
	bad := []sqltext.Text{{Where: "here", SQL: "MERGE INTO jobs"}, {Where: "there", SQL: "SELECT uuidv7()"}}
	if complaints := sqltext.Check(bad, newerThan12); len(complaints) != 2 {
		t.Errorf("of two pieces that are too new it finds %q", complaints)
	}
}
