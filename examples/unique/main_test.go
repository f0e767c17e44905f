package main

func Example() {
	main()
	// Output:
	// customer 7 queued
	// customer 7 is queued already
	// customer 8 queued
	// recalculating customer 7
	// recalculating customer 8
	// customer 7 queued
	// customer 7 is queued already
	// customer 8 queued
	// recalculating customer 7
	// recalculating customer 8
}
