package main

func Example() {
	main()
	// Output:
	// a flaky server: attempt 1
	// a flaky server: attempt 2
	// a flaky server: attempt 3
	// a flaky server: done
	// a busy server: attempt 1
	// a busy server: attempt 2
	// a busy server: done
	// nowhere: attempt 1
	// nowhere: failed for good: no such address
	// a shop that opens soon: attempt 1
	// a shop that opens soon: attempt 1
	// a shop that opens soon: done
}
