// Package sqlitedrivers measures the SQLite drivers for Go that need no C
// compiler beside each other, on the statements that a job store runs: insert,
// claim and delete, in batches and one by one.
//
// Every driver is used through the same few calls (see conn and stmt), so that
// what differs between two figures is the driver. Run it with
//
//	go test -bench . -benchtime 1x -timeout 30m
//
// It prints a Markdown table of medians; ERRAND_ROUNDS and ERRAND_ROWS change
// how often and with how many rows it measures.
package sqlitedrivers
