// Command bench has Errand and its peers do the same work on private servers in one run, checks that every job was
// delivered exactly once, and writes a report.
//
//	go run . -json results.json -report ../docs/performance.md
//
// The make targets bench and bench-full run it. It needs the servers' programs (see scripts/test.sh), and for RQ Debian's
// packages python3-rq and python3-redis; what is not there is left out, and the report says so.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/errandhq/errand/bench/measure"
	"github.com/errandhq/errand/bench/peer"
	"github.com/errandhq/errand/bench/report"
)

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what stores warn of is in the report
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if child, err := measure.Child(ctx); child {
		return err
	}
	var (
		full   = flag.Bool("full", false, "measure everything, in two hours")
		rounds = flag.Int("rounds", 5, "rounds of each comparison")
		stores = flag.String("stores", "", "stores to measure, with commas: redis, postgres, sqlite, mysql; default all")
		parts  = flag.String("parts", "", "parts of the measurement, with commas: "+strings.Join(measure.Parts(), ", "))
		phase  = flag.Duration("phase", 0, "about how long each half of a cycle takes; default 500 ms")
		page   = flag.String("report", "", "Markdown file for the report; its charts go to a folder beside it")
		from   = flag.String("from", "", "make the report of results kept before by -json, with commas, and measure nothing")
		traced = flag.String("profiles", "", "folder for profiles of Errand's process")
		kept   = flag.String("json", "", "file for the results")
	)
	var only []string
	flag.Func("only", "a system to measure, by its name in the report; may be given several times; default all", func(name string) error {
		only = append(only, name)
		return nil
	})
	flag.Parse()
	cfg := measure.Config{Full: *full, Rounds: *rounds, Only: only, Parts: list(*parts), Phase: *phase, Profiles: *traced, Log: os.Stderr}
	for _, name := range list(*stores) {
		cfg.Stores = append(cfg.Stores, peer.Store(name))
	}
	var results *measure.Run
	var err error
	if *from != "" {
		results, err = read(list(*from))
	} else {
		results, err = measure.Measure(ctx, cfg)
	}
	if results == nil {
		return err
	}
	// What a run found out until it was cut off is worth keeping.
	if *kept != "" {
		err = errors.Join(err, write(*kept, results))
	}
	if *page != "" {
		err = errors.Join(err, report.Write(results, *page))
	}
	fmt.Fprintf(os.Stderr, "%d figures in %v\n", len(results.Samples), results.Took.Round(time.Second))
	return err
}

// read reads results and puts them together: the first file's say when and where they were measured.
func read(paths []string) (*measure.Run, error) {
	var all *measure.Run
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		results := new(measure.Run)
		if err := json.Unmarshal(data, results); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if all == nil {
			all = results
			continue
		}
		all.Add(results)
	}
	return all, nil
}

func write(path string, results *measure.Run) error {
	data, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644) //nolint:gosec // it is for everybody
}

// list splits at commas.
func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
