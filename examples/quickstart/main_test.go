package main

import (
	"log"
	"os"
	"testing"
)

// TestMain gives the program a directory of its own for its file.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "errand-*")
	if err == nil {
		err = os.Chdir(dir)
	}
	if err != nil {
		log.Fatal(err)
	}
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

func Example() {
	main()
	// Output:
	// 144
}
