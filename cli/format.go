package cli

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// number writes 1234567 as 1,234,567.
func number[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// byteCount writes 1234567 as 1.2 MB.
func byteCount(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB", "PB", "EB"} {
		value /= 1000
		if value < 999.95 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// rate writes a number per something with as many digits as it deserves.
func rate(r float64) string {
	switch {
	case r <= 0:
		return "0"
	case r < 10:
		return strconv.FormatFloat(r, 'f', 1, 64)
	default:
		return number(int64(r + 0.5))
	}
}

// span writes a duration with two units at most.
func (s *session) span(d time.Duration) string { return s.lang.Duration(d) }

// age writes how long ago t was, to the second.
func (s *session) age(now, t time.Time) string {
	d := max(now.Sub(t), 0)
	if d >= time.Second {
		d = d.Truncate(time.Second)
	}
	return s.span(d)
}

// ago and ahead write a time as seen from now.
func (s *session) ago(now, t time.Time) string { return s.t("%s ago", s.age(now, t)) }

func (s *session) ahead(now, t time.Time) string {
	if !t.After(now) {
		return s.t("due")
	}
	return s.t("in %s", s.span(t.Sub(now)))
}

// moment writes a time for people; empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05.000 -07:00")
}

// secretWords mark parameters of a URL that are not to be printed.
var secretWords = []string{"pass", "secret", "token", "key"}

// maskURL writes a store's URL without the secrets in it.
func maskURL(raw string) string {
	if databaseFile(raw) != "" {
		return cleanLine(raw)
	}
	u, err := url.Parse(raw)
	if err != nil {
		scheme, _, _ := strings.Cut(raw, ":")
		return cleanLine(scheme) + ":..."
	}
	if query := u.Query(); len(query) > 0 {
		for name := range query {
			for _, word := range secretWords {
				if strings.Contains(strings.ToLower(name), word) {
					query.Set(name, "xxxxx")
				}
			}
		}
		u.RawQuery = query.Encode()
	}
	return cleanLine(u.Redacted())
}

// databaseFile returns the file that a SQLite URL names; empty where the store is something else.
func databaseFile(raw string) string {
	file, ok := strings.CutPrefix(raw, "sqlite:")
	if !ok {
		return ""
	}
	file, _, _ = strings.Cut(file, "?")
	if rest, ok := strings.CutPrefix(file, "//"); ok {
		file = rest
	}
	if strings.HasPrefix(file, ":memory:") {
		return ""
	}
	return file
}
