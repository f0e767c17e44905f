package cause

import "testing"

// TestOf proves that errors that differ in what they are about are one cause, and that others are not.
func TestOf(t *testing.T) {
	for _, same := range [][]string{
		{"open /tmp/a1.csv: no such file", "open /tmp/b22.csv: no such file"},
		{`dial "db1:5432": refused`, `dial "db2:5433": refused`},
		{"order 01a2b3c4-d5e6-7f00-8000-112233445566 is gone", "order 01a2b3c4-d5e6-7f00-8000-aabbccddeeff is gone"},
		{"timeout\nof 3 seconds", "timeout\nelsewhere"},
	} {
		if Of(same[0]) != Of(same[1]) {
			t.Errorf("%q and %q are two causes: %q, %q", same[0], same[1], Of(same[0]), Of(same[1]))
		}
	}
	if Of("connection refused") == Of("connection reset") {
		t.Error("refused and reset are one cause")
	}
}
