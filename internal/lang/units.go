package lang

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// units are the words of a language for quantities.
type units struct {
	day, hour, minute, second, milli, micro string // each after its number
	join                                    string // between two units of one duration
	ago, ahead, now                         string
	steps                                   []step // of Short, the largest first
}

// step is a large number with a short name.
type step struct {
	size float64
	name string
}

var (
	englishUnits = units{
		day: "d", hour: "h", minute: "m", second: "s", milli: " ms", micro: " µs", join: " ",
		ago: "%s ago", ahead: "in %s", now: "now",
		steps: []step{{1e9, "B"}, {1e6, "M"}, {1e3, "k"}},
	}
	chineseUnits = units{
		day: " 天", hour: " 小时", minute: " 分", second: " 秒", milli: " 毫秒", micro: " 微秒", join: " ",
		ago: "%s前", ahead: "%s后", now: "现在",
		steps: []step{{1e8, "亿"}, {1e4, "万"}},
	}
)

// Number writes 1234567 as 1,234,567.
func (l *Lang) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
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

// Short writes a number in at most five characters or so: 999, 1.2k, 34k, 5.6M; in Chinese by ten thousands.
func (l *Lang) Short(f float64) string {
	if f < 0 {
		return "-" + l.Short(-f)
	}
	for _, s := range l.units.steps {
		if f >= s.size*0.99995 {
			return digits(f/s.size) + s.name
		}
	}
	return digits(f)
}

// digits writes a number that is not negative with one digit after the point below 10, if it is not zero.
func digits(f float64) string {
	if f < 9.95 {
		return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// Percent writes a share of 1.
func (l *Lang) Percent(share float64) string {
	p := share * 100
	switch {
	case p > 0 && p < 0.1:
		return "<0.1%"
	case p > 99.9 && p < 100:
		return ">99.9%"
	}
	return digits(p) + "%"
}

// Day writes a day without its year.
func (l *Lang) Day(t time.Time) string {
	if l == Chinese {
		return t.Format("1月2日")
	}
	return t.Format("2 Jan")
}

// Bytes writes 1234567 as 1.2 MB.
func (l *Lang) Bytes(n int64) string {
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
	return digits(value) + " " + unit
}

const day = 24 * time.Hour

// Duration writes a duration with two units at most: 3d 4h, 5m 12s, 1.5s, 120 ms.
func (l *Lang) Duration(d time.Duration) string {
	u := l.units
	switch {
	case d < 0:
		return "-" + l.Duration(-d)
	case d == 0:
		return "0" + u.second
	case d < 999500*time.Nanosecond:
		return digits(float64(d)/float64(time.Microsecond)) + u.micro
	case d < 999500*time.Microsecond:
		return digits(float64(d)/float64(time.Millisecond)) + u.milli
	case d < 59500*time.Millisecond:
		return digits(d.Seconds()) + u.second
	case d.Round(time.Second) < time.Hour:
		d = d.Round(time.Second)
		return l.two(int64(d/time.Minute), u.minute, int64(d%time.Minute/time.Second), u.second)
	case d.Round(time.Minute) < day:
		d = d.Round(time.Minute)
		return l.two(int64(d/time.Hour), u.hour, int64(d%time.Hour/time.Minute), u.minute)
	default:
		d = d.Round(time.Hour)
		return l.two(int64(d/day), u.day, int64(d%day/time.Hour), u.hour)
	}
}

func (l *Lang) two(a int64, unitA string, b int64, unitB string) string {
	if b == 0 {
		return l.Number(a) + unitA
	}
	return l.Number(a) + unitA + l.units.join + strconv.FormatInt(b, 10) + unitB
}

// Relative writes a time as seen from now, by its largest unit: "3m ago", "in 2h", "now" within a second.
func (l *Lang) Relative(now, t time.Time) string {
	d := t.Sub(now)
	form := l.units.ahead
	if d < 0 {
		d, form = -d, l.units.ago
	}
	switch {
	case d < time.Second:
		return l.units.now
	case d < time.Minute:
		d = d.Truncate(time.Second)
	case d < time.Hour:
		d = d.Truncate(time.Minute)
	case d < day:
		d = d.Truncate(time.Hour)
	default:
		d = d.Truncate(day)
	}
	return fmt.Sprintf(form, l.Duration(d))
}
