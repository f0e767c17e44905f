package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/errandhq/errand/bench/measure"
	"github.com/errandhq/errand/bench/peer"
)

func sample(store peer.Store, system, what string, values ...float64) []measure.Sample {
	var all []measure.Sample
	for i, v := range values {
		all = append(all, measure.Sample{Store: store, System: system, Measure: what, Round: i + 1, Value: v})
	}
	return all
}

// The report says which goals are reached and which are missed by how much, shows void figures as void, and its charts
// are well-formed.
func TestWrite(t *testing.T) {
	run := &measure.Run{Rounds: 3}
	run.Samples = append(run.Samples, sample(peer.Redis, "Errand", measure.Drain100, 80_000, 90_000, 100_000)...)
	run.Samples = append(run.Samples, sample(peer.Redis, "asynq", measure.Drain100, 5000, 4000, 5000)...)
	run.Samples = append(run.Samples, sample(peer.Redis, "gocraft/work", measure.Drain100, 30_000, 30_000, 31_000)...)
	run.Samples = append(run.Samples, measure.Sample{Store: peer.Redis, System: "machinery", Measure: measure.Drain100, Void: "3 of 9 jobs lost"})
	dir := t.TempDir()
	page := filepath.Join(dir, "page.md")
	if err := os.Mkdir(filepath.Join(dir, "page"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "page", "remarks.md"), []byte("By hand."), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "page", "redis-drain-100.pprof.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(run, page); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| Redis | drain, concurrency 100: at least 15 x asynq | 18 x (16 to 22.5) | 90,000 to 5,000 | reached |",
		"| Redis | drain, concurrency 100: at least 5 x gocraft/work | 3 x (2.67 to 3.23) | 90,000 to 30,000 | **missed** ([profile](page/redis-drain-100.pprof.txt)) |",
		"void: 3 of 9 jobs lost", "By hand.", "page/redis-drain-100.svg",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not there:\n%s", want, text)
		}
	}
	f, err := os.Open(filepath.Join(dir, "page", "redis-drain-100.svg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for d := xml.NewDecoder(f); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.134: "0.13", 1: "1", 1.5: "1.5", 9.96: "9.96", 12.34: "12.3", 10: "10", 123.4: "123", 999.4: "999", 1234: "1,230", 51_499: "51,500", 1_234_567: "1,230,000",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %s, want %s", v, got, want)
		}
	}
}

// Every measure of the tables has a title of its own words.
func TestTitles(t *testing.T) {
	for _, g := range groups {
		for _, m := range g.measures {
			if title(m) == m {
				t.Errorf("%s has no title", m)
			}
		}
	}
}
