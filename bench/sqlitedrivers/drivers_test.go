package sqlitedrivers

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// setting reads a positive number from the environment.
func setting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// newJobs makes n jobs with a payload of about 100 bytes.
func newJobs(tb testing.TB, n int) []job {
	tb.Helper()
	jobs := make([]job, n)
	for i := range jobs {
		id, err := uuid.NewV7()
		if err != nil {
			tb.Fatal(err)
		}
		jobs[i] = job{
			id:      id,
			task:    "mail.send",
			payload: fmt.Appendf(nil, `{"to":"someone-%07d@example.org","subject":"Your balance","template":"balance","amount":%07d}`, i, i),
		}
	}
	return jobs
}

func openStore(tb testing.TB, open func(string) (conn, error), synchronous string) *store {
	tb.Helper()
	c, err := open(filepath.Join(tb.TempDir(), "jobs.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.close(); err != nil {
			tb.Error(err)
		}
	})
	s, err := newStore(c, synchronous)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// shape is one way of writing the three statements.
type shape struct {
	insert, claim, del string // the lines of the table
	doInsert           func(*store, []job) error
	doClaim            func(*store, int) error
	doDelete           func(*store) error
}

var shapes = []shape{
	{"insert, row by row", "claim: SELECT, UPDATE row by row", "delete, row by row", (*store).insertRows, (*store).claimRows, (*store).deleteRows},
	{"insert, 50 rows a statement", "claim: SELECT, UPDATE by json_each", "delete by json_each", (*store).insertChunks, (*store).claimByList, (*store).deleteByList},
	{"", "claim: UPDATE ... RETURNING", "delete by json_each of (seq, token), RETURNING", (*store).insertChunks, (*store).claimReturning, (*store).deleteByPairs},
}

// figure is what one measurement found.
type figure struct{ rowsPerSecond, allocsPerRow float64 }

// key names a cell of the table.
type key struct{ line, driver, sync string }

// table gathers figures in the order in which their lines first came up.
type table struct {
	lines []string
	cells map[key][]figure
}

func (t *table) add(k key, f figure) {
	if !slices.Contains(t.lines, k.line) {
		t.lines = append(t.lines, k.line)
	}
	t.cells[k] = append(t.cells[k], f)
}

// clock adds up the time and the allocations of what it is asked to measure.
type clock struct {
	elapsed time.Duration
	mallocs uint64
}

func (c *clock) measure(f func() error) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	err := f()
	c.elapsed += time.Since(start)
	runtime.ReadMemStats(&after)
	c.mallocs += after.Mallocs - before.Mallocs
	return err
}

func (c *clock) figure(rows int) figure {
	return figure{float64(rows) / c.elapsed.Seconds(), float64(c.mallocs) / float64(rows)}
}

// cycle inserts, claims and deletes jobs in batches and returns what each of
// the three took.
func cycle(s *store, sh shape, jobs []job, batch int) (ins, claim, del clock, err error) {
	err = ins.measure(func() error {
		for chunk := range slices.Chunk(jobs, batch) {
			if err := sh.doInsert(s, chunk); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return
	}
	var batches [][]job
	err = claim.measure(func() error {
		for range (len(jobs) + batch - 1) / batch {
			s.claimed = make([]job, 0, batch)
			if err := sh.doClaim(s, batch); err != nil {
				return err
			}
			batches = append(batches, s.claimed)
		}
		return nil
	})
	if err != nil {
		return
	}
	err = del.measure(func() error {
		for _, s.claimed = range batches {
			if err := sh.doDelete(s); err != nil {
				return err
			}
		}
		return nil
	})
	return
}

// BenchmarkDrivers measures every driver in turn, as often as ERRAND_ROUNDS
// says (default 3), with ERRAND_ROWS rows a measurement (default 100,000), and
// prints the medians. It is meant for -benchtime 1x.
func BenchmarkDrivers(b *testing.B) {
	rounds, rows := setting("ERRAND_ROUNDS", 3), setting("ERRAND_ROWS", 100_000)
	t := &table{cells: map[key][]figure{}}
	for round := range rounds {
		for _, sync := range []string{"NORMAL", "FULL"} {
			for _, d := range drivers {
				b.Run(fmt.Sprintf("round=%d/sync=%s/driver=%s", round+1, sync, d.name), func(b *testing.B) {
					for b.Loop() {
						measureDriver(b, t, key{driver: d.name, sync: sync}, d.open, rows)
					}
				})
			}
		}
	}
	fmt.Print("\n", t)
}

func measureDriver(b *testing.B, t *table, k key, open func(string) (conn, error), rows int) {
	s := openStore(b, open, k.sync)
	record := func(line string, c clock, n int) {
		k.line = line
		t.add(k, c.figure(n))
	}
	for _, batch := range []int{1000, 100, 1} {
		n := rows
		switch batch {
		case 100:
			n = rows / 2
		case 1:
			n = rows / 25
		}
		for i, sh := range shapes {
			if batch == 1 && i == 1 {
				continue // a list of one row
			}
			if batch == 1 {
				sh.doInsert, sh.doDelete = (*store).insertRows, (*store).deleteRows
			}
			jobs := newJobs(b, n)
			runtime.GC()
			ins, claim, del, err := cycle(s, sh, jobs, batch)
			if err != nil {
				b.Fatalf("%s, batch %d: %v", k.driver, batch, err)
			}
			if left, err := s.count(); err != nil || left != 0 {
				b.Fatalf("%s: %d rows left, %v", k.driver, left, err)
			}
			suffix := fmt.Sprintf(", %d a transaction", batch)
			if sh.insert != "" {
				record(sh.insert+suffix, ins, n)
			}
			record(sh.claim+suffix, claim, n)
			if batch > 1 || i == 0 {
				record(sh.del+suffix, del, n)
			}
			if i < 2 {
				all := clock{ins.elapsed + claim.elapsed + del.elapsed, ins.mallocs + claim.mallocs + del.mallocs}
				name := "whole cycle, row by row"
				if i == 1 {
					name = "whole cycle, many rows a statement"
				}
				record(name+suffix, all, n)
			}
		}
	}
}

// median returns the median rate and the median allocations of a cell.
func median(figures []figure) figure {
	if len(figures) == 0 {
		return figure{}
	}
	var rates, allocs []float64
	for _, f := range figures {
		rates = append(rates, f.rowsPerSecond)
		allocs = append(allocs, f.allocsPerRow)
	}
	slices.Sort(rates)
	slices.Sort(allocs)
	return figure{rates[len(rates)/2], allocs[len(allocs)/2]}
}

// String renders the table in Markdown: thousands of rows a second with FULL,
// with NORMAL, and allocations a row.
func (t *table) String() string {
	var w strings.Builder
	w.WriteString("| thousand rows/s: FULL, NORMAL (allocations a row) |")
	for _, d := range drivers {
		w.WriteString(" " + d.name + " |")
	}
	w.WriteString("\n|---|" + strings.Repeat("---|", len(drivers)) + "\n")
	for _, line := range t.lines {
		w.WriteString("| " + line + " |")
		for _, d := range drivers {
			full, normal := median(t.cells[key{line, d.name, "FULL"}]), median(t.cells[key{line, d.name, "NORMAL"}])
			fmt.Fprintf(&w, " %.1f, %.1f (%.0f) |", full.rowsPerSecond/1000, normal.rowsPerSecond/1000, normal.allocsPerRow)
		}
		w.WriteString("\n")
	}
	return w.String()
}

// TestShapes proves that every driver and every shape does what it is measured
// for: after a claim the rows are started, and after a delete they are gone.
func TestShapes(t *testing.T) {
	for _, d := range drivers {
		for _, sh := range shapes {
			t.Run(d.name+"/"+sh.claim, func(t *testing.T) {
				s := openStore(t, d.open, "NORMAL")
				jobs := newJobs(t, 2*perInsert)
				if err := sh.doInsert(s, jobs); err != nil {
					t.Fatal(err)
				}
				if err := sh.doClaim(s, perInsert); err != nil {
					t.Fatal(err)
				}
				if len(s.claimed) != perInsert {
					t.Fatalf("claimed %d jobs, want %d", len(s.claimed), perInsert)
				}
				for _, j := range s.claimed {
					want := jobs[j.seq-1]
					if j.id != want.id || j.task != want.task || string(j.payload) != string(want.payload) {
						t.Errorf("claimed %+v, want %+v", j, want)
					}
				}
				if err := sh.doDelete(s); err != nil {
					t.Fatal(err)
				}
				if n, err := s.count(); err != nil || n != perInsert {
					t.Errorf("%d rows left (%v), want %d", n, err, perInsert)
				}
				if err := sh.doClaim(s, 2*perInsert); err != nil || len(s.claimed) != perInsert {
					t.Errorf("claimed %d jobs (%v) the second time, want %d", len(s.claimed), err, perInsert)
				}
			})
		}
	}
}
