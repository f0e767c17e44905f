package redis

import (
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// keyOf returns a job's id in 16 bytes, and false for what cannot be the id of a stored job.
func keyOf(id string) (string, bool) {
	key, ok := rawKeyOf(id)
	return string(key[:]), ok
}

func rawKeyOf(id string) ([16]byte, bool) {
	u, err := uuid.Parse(id)
	return u, err == nil && len(id) == idLen
}

// idLen is the length of an id as text.
const idLen = 36

// idOf is the reverse of keyOf.
func idOf(key string) string {
	if len(key) != 16 {
		return fmt.Sprintf("%x", key)
	}
	return string(appendID(make([]byte, 0, idLen), key))
}

// appendID writes the id behind b.
func appendID(b []byte, key string) []byte {
	const digits = "0123456789abcdef"
	for i := range len(key) {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, digits[key[i]>>4], digits[key[i]&15])
	}
	return b
}

// micro is t as stores keep it: to the microsecond, in UTC.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// micros is t in microseconds since 1970; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is the reverse of micros.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func itoa[T ~int | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }
