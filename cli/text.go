package cli

import "fmt"

// textf is what every sentence for people goes through, except the help of commands and flags, which cobra holds in one
// tree. The English format is the key of the sentence, so that a catalogue of another language can be put here, and
// walk that tree.
func textf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// counted returns "1 job" or "2 jobs".
func counted[N int | int64](n N, one, many string) string {
	if n == 1 {
		return textf("%s %s", number(n), one)
	}
	return textf("%s %s", number(n), many)
}
